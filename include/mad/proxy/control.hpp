#ifndef MAD_PROXY_CONTROL_HPP
#define MAD_PROXY_CONTROL_HPP

#include <mad/core/log.hpp>
#include <mad/net/dialer.hpp>
#include <mad/net/shard.hpp>
#include <mad/proxy/pool.hpp>

#include <boost/asio/steady_timer.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace mad::inline MAD_ABI::proxy {

/// An upstream in a list that somebody keeps: a configuration file, or discovery.
struct listed_upstream {
    upstream to;
    bool draining = false; ///< it says that it is about to leave

    friend bool operator==(listed_upstream const&, listed_upstream const&) = default;
};

struct control_settings {
    health_settings health;
    drain_settings drain;

    /// Signs the affinity cookie. Default: a random secret.
    cookie_signer cookies;

    /// For the probe of servers that know neither `/ready` nor `/health`, see `health_check`.
    std::string engine_path = "/socket.io/";

    /// For `https` upstreams; without it they are down.
    std::shared_ptr<net::cipher_dialer> tls;

    clock const* time = &mad::system_clock::instance();
    logger log;
};

/// The pool at work: probes, names, drains and the views that the shards choose by. Its timers and
/// probes run on its home shard; its calls may come from any thread and take effect at once for
/// `view()` and `status()`.
class control {
  public:
    using view_ptr = std::shared_ptr<pool_view const>;

    /// Called on the home shard.
    struct events {
        /// Who is there has changed.
        std::function<void(view_ptr)> view;
        /// So many sessions of that target are to be closed gently now.
        std::function<void(shed_order)> shed;
        /// That target has died or was removed: close its tunnels now; its sessions are gone.
        std::function<void(std::uint32_t id)> cut;
    };

    /// The shard outlives it.
    control(net::shard& home, control_settings);
    /// On the home shard, or when that runs no more.
    ~control();
    control(control const&) = delete;
    control& operator=(control const&) = delete;

    /// Begins to probe. Once, before or while the home shard runs; `view` comes soon.
    void start(events);
    /// Ends probes and timers; nothing is called afterwards. On the home shard, or when that runs
    /// no more.
    void stop();

    view_ptr view() const;
    std::vector<upstream_status> status() const;
    cookie_signer cookies() const;

    // See the functions of `pool` that are called the same.

    result<void> put(upstream);
    result<void> remove(std::string_view name, removal);
    result<void> drain(std::string_view name);
    result<void> undrain(std::string_view name);
    void rebalance();

    /// All upstreams that `source` knows now. What it knew before and does not know any more leaves
    /// by `removal::drain_first`; what other sources or `put` brought stays. Those that cannot be
    /// are logged and left out.
    ///
    /// Of two sources that have the same name the one that came first counts, so the configuration
    /// comes first. When they mean the same server, its drain and its tag are taken from either; of
    /// another server a warning tells, once, and it waits until the name is free.
    void set_list(std::string const& source, std::vector<listed_upstream>);

    /// A relay could not connect to that target. Successes need not be told.
    void connect_failed(std::uint32_t id);

    /// After a hand-over: what the other process knew.
    void restore(std::string_view name, upstream_state);

    /// Changes of a reload.
    void set(health_settings, drain_settings, std::shared_ptr<net::cipher_dialer> tls);
    void set_engine_path(std::string);

    /// Signs affinity cookies from now on; those of the signer before are not known any more.
    void set_cookies(cookie_signer const&);

  private:
    class prober;

    struct upstream_list {
        std::string source;
        std::map<std::string, listed_upstream> all; ///< by name
        std::set<std::string> outdone;              ///< names of which a warning has told
    };

    /// Does it under the lock, then has the home shard see to what follows.
    template <class Fn>
    auto with_pool(Fn fn);
    upstream_list& list_of(std::string const& source);
    std::optional<listed_upstream> first_listed(std::string const& name) const;
    void changed();
    void settle();
    void look_after(std::vector<std::shared_ptr<target const>> const&);
    void tell(std::vector<pool_event> const&) const;
    time_point now() const { return settings_.time->now(); }

    net::shard& home_;
    control_settings settings_;
    events events_;
    mutable std::mutex mutex_; ///< for the pool and what is beside it; never held in a callback
    mutable pool pool_;
    std::vector<upstream_list> lists_; ///< in the order in which their sources came
    view_ptr told_;
    bool posted_ = false; ///< a `settle` is on its way
    bool running_ = false;
    std::map<std::uint32_t, std::unique_ptr<prober>> probers_;
    boost::asio::steady_timer timer_;
    std::shared_ptr<int> alive_ = std::make_shared<int>(0);
};

} // namespace mad::inline MAD_ABI::proxy

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/proxy/impl/control.ipp>
#endif

#endif
