#ifndef MAD_SOCKETIO_ADAPTER_HPP
#define MAD_SOCKETIO_ADAPTER_HPP

#include <mad/core/clock.hpp>
#include <mad/core/error.hpp>
#include <mad/core/json_fwd.hpp>
#include <mad/socketio/encoded.hpp>

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace mad::inline MAD_ABI::socketio {

/// Which sockets are meant: the union of `rooms` (all of the namespace when empty), each once, less
/// those in any of `except`. A socket's own id is a room with it alone.
struct target {
    std::vector<std::string> rooms;
    std::vector<std::string> except;
};

struct broadcast_flags {
    bool local = false;       ///< this node only
    bool is_volatile = false; ///< dropped for who cannot take it at once
    bool compress = true;     ///< whether wires that can compress may
};

/// What others may know of a socket.
struct socket_info {
    std::string id;
    std::vector<std::string> rooms;
    std::string data; ///< JSON text of `socket.data`
    std::string handshake; ///< JSON text
};

/// Answers to a broadcast that asked for acknowledgements: the first argument of each. With
/// `error::timeout` it holds what came in time.
struct ack_responses {
    error_code ec;
    std::vector<json> values;
};

/// Who reaches the sockets of one namespace: here only (`in_memory_adapter`), or on other nodes too
/// (Redis). Called from any thread; what it needs of local sockets it asks `local_sockets`.
class adapter {
  public:
    virtual ~adapter() = default;

    virtual void broadcast(encoded const&, target const&, broadcast_flags) = 0;

    /// The packet carries ack id `id`. `done` is called once, from any thread: when all that were
    /// asked have answered, or at the timeout.
    virtual void broadcast_with_ack(encoded const&, std::uint64_t id, target const&,
                                    broadcast_flags, milliseconds timeout,
                                    std::function<void(ack_responses)> done) = 0;

    virtual void join(target const&, std::vector<std::string> rooms) = 0;
    virtual void leave(target const&, std::vector<std::string> rooms) = 0;
    virtual void disconnect(target const&, bool close) = 0;

    virtual void fetch(target const&, std::function<void(result<std::vector<socket_info>>)>) = 0;

    /// To the namespace's listeners on all other nodes.
    virtual void server_side_emit(std::string_view event, arguments const&) = 0;
};

/// What an adapter may do with the sockets of its namespace on this node. From any thread; the work
/// is done on the shards.
class local_sockets {
  public:
    virtual void deliver(encoded const&, target const&, broadcast_flags) = 0;
    virtual void deliver_with_ack(encoded const&, std::uint64_t id, target const&, broadcast_flags,
                                  milliseconds timeout,
                                  std::function<void(ack_responses)> done) = 0;
    virtual void join_local(target const&, std::vector<std::string> rooms) = 0;
    virtual void leave_local(target const&, std::vector<std::string> rooms) = 0;
    virtual void disconnect_local(target const&, bool close) = 0;
    virtual void fetch_local(target const&, std::function<void(std::vector<socket_info>)>) = 0;

  protected:
    virtual ~local_sockets() = default;
};

/// One node, no one else.
class in_memory_adapter final : public adapter {
  public:
    explicit in_memory_adapter(local_sockets& l) : local_(l) {}

    void broadcast(encoded const& p, target const& t, broadcast_flags f) override {
        local_.deliver(p, t, f);
    }
    void broadcast_with_ack(encoded const& p, std::uint64_t id, target const& t, broadcast_flags f,
                            milliseconds timeout,
                            std::function<void(ack_responses)> done) override {
        local_.deliver_with_ack(p, id, t, f, timeout, std::move(done));
    }
    void join(target const& t, std::vector<std::string> rooms) override {
        local_.join_local(t, std::move(rooms));
    }
    void leave(target const& t, std::vector<std::string> rooms) override {
        local_.leave_local(t, std::move(rooms));
    }
    void disconnect(target const& t, bool close) override { local_.disconnect_local(t, close); }
    void fetch(target const& t,
               std::function<void(result<std::vector<socket_info>>)> done) override {
        local_.fetch_local(t, [done = std::move(done)](std::vector<socket_info> all) {
            done(std::move(all));
        });
    }
    void server_side_emit(std::string_view, arguments const&) override {}

  private:
    local_sockets& local_;
};

/// Makes the adapter of each namespace.
using adapter_factory =
    std::function<std::unique_ptr<adapter>(std::string_view nsp, local_sockets&)>;

} // namespace mad::inline MAD_ABI::socketio

#endif
