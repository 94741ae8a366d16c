#ifndef MAD_SOCKETIO_DETAIL_PARENT_CORE_HPP
#define MAD_SOCKETIO_DETAIL_PARENT_CORE_HPP

#include <mad/net/shard.hpp>
#include <mad/socketio/parent_nsp.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace mad::inline MAD_ABI::socketio::detail {

class client_link;
class nsp_claim;
class nsp_core;
class server_core;

/// What children of one parent have in common.
class parent_core {
  public:
    /// `quick` decides by the name alone; else `check` is asked.
    parent_core(std::function<bool(std::string_view)> quick, namespace_check check)
        : quick_(std::move(quick))
        , check_(std::move(check)) {}

    std::function<bool(std::string_view)> const& quick() const { return quick_; }
    namespace_check const& check() const { return check_; }

    void add_setup(std::function<void(nsp const&)> fn) {
        std::lock_guard const lock(mutex_);
        setups_.push_back(std::move(fn));
    }
    /// For a namespace that nobody can see yet.
    void adopt(nsp_core&);
    void forget(nsp_core&);
    std::vector<nsp> children() const;

  private:
    std::function<bool(std::string_view)> quick_;
    namespace_check check_;
    mutable std::mutex mutex_;
    std::vector<std::function<void(nsp const&)>> setups_;
    std::vector<nsp_core*> children_;
};

enum class nsp_refusal : std::uint8_t { unknown, too_many };

/// A CONNECT to a namespace that there is not: asks the parents one after the other.
class nsp_check : public std::enable_shared_from_this<nsp_check> {
  public:
    nsp_check(client_link&, server_core&, std::string_view name, std::string auth);

    std::string const& name() const { return name_; }
    std::string const& auth() const { return auth_; }
    void go();
    /// The connection has ended: answers come too late.
    void forget() { link_ = nullptr; }

  private:
    void answered(std::size_t step, bool allowed);
    void decide(nsp_claim, nsp_refusal);

    client_link* link_;
    server_core& core_;
    net::shard& home_;
    std::weak_ptr<void> alive_; // of the server
    std::string name_, auth_;
    std::size_t step_ = 0;
};

} // namespace mad::inline MAD_ABI::socketio::detail

#endif
