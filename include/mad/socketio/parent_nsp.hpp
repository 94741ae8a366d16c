#ifndef MAD_SOCKETIO_PARENT_NSP_HPP
#define MAD_SOCKETIO_PARENT_NSP_HPP

#include <mad/core/json_fwd.hpp>
#include <mad/socketio/nsp.hpp>

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mad::inline MAD_ABI::socketio {

namespace detail {
class parent_core;
}

/// Says whether a namespace may be made: `next(true)` once, now or later, from any thread; copies
/// share it. `name` (with its `/`) and `auth` (the object of the CONNECT packet) hold during the
/// call. On the shard of the connection that asks.
using namespace_check =
    std::function<void(std::string_view name, json const& auth, std::function<void(bool)> next)>;

/// `*` stands for any characters but `/`, `**` for any, `?` for one that is not `/`; the whole name
/// must match. Never exponential.
bool matches_glob(std::string_view pattern, std::string_view name);

/// Namespaces that are made when somebody connects to them (`server::of_pattern`, `server::of_if`):
/// what is registered here, each child gets when it is made, before its first socket. A handle,
/// valid as long as its server.
class parent_nsp {
  public:
    explicit parent_nsp(detail::parent_core& c)
        : core_(&c) {}

    void on_connection(std::function<void(socket)> fn) const {
        each_child([fn = std::move(fn)](nsp const& n) { n.on_connection(fn); });
    }
    void on_disconnect(std::function<void(socket, disconnect_reason)> fn) const {
        each_child([fn = std::move(fn)](nsp const& n) { n.on_disconnect(fn); });
    }
    void use(middleware fn) const {
        each_child([fn = std::move(fn)](nsp const& n) { n.use(fn); });
    }
    template <class Fn>
    void on(std::string event, Fn fn) const {
        each_child(
            [event = std::move(event), fn = std::move(fn)](nsp const& n) { n.on(event, fn); });
    }
    template <class Fn>
    void on_any(Fn fn) const {
        each_child([fn = std::move(fn)](nsp const& n) { n.on_any(fn); });
    }

    /// Runs `fn(child)` for each namespace that is made from now on: for all else that a namespace
    /// can be told. On the thread that makes it, which must not be held up; `fn` must not call
    /// `server::of`.
    void each_child(std::function<void(nsp const&)> fn) const;

    /// Those that there are, of all shards.
    std::vector<nsp> children() const;

    /// To the sockets of all children.
    template <class... Ts>
    void emit(std::string_view event, Ts const&... args) const {
        for (auto const& n : children())
            n.emit(event, args...);
    }

  private:
    detail::parent_core* core_;
};

} // namespace mad::inline MAD_ABI::socketio

// Bodies come with server.hpp: they need the whole room.

#endif
