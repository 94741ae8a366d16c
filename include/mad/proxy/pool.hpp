#ifndef MAD_PROXY_POOL_HPP
#define MAD_PROXY_POOL_HPP

#include <mad/core/clock.hpp>
#include <mad/proxy/cookie.hpp>
#include <mad/proxy/health_check.hpp>
#include <mad/proxy/pool_view.hpp>

#include <algorithm>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace mad::inline MAD_ABI::proxy {

namespace detail {

/// Between two looks at something that changes by itself: growth, drains.
inline constexpr seconds pool_step{1};

} // namespace detail

/// Why the pool refuses.
enum class pool_error : std::uint8_t {
    none = 0,
    bad_upstream,     ///< a name, host, port, weight or PROXY version that cannot be
    unknown_upstream, ///< nobody has that name
    has_sessions,     ///< it serves sessions: drain it first, or force it
};

error_category const& pool_category();

inline error_code make_error_code(pool_error e) {
    return {static_cast<int>(e), pool_category()};
}

/// How sessions leave an upstream.
struct drain_settings {
    /// Between the order and the first that is closed. Default 1 s.
    milliseconds grace{1'000};
    /// How long it takes to close them all, a part each second. Default 30 s: clients of Socket.IO
    /// come back within 1 to 5 s, one after another.
    milliseconds over{30'000};

    /// The same, at most so long in all.
    drain_settings within(milliseconds most) const {
        auto const closing = std::min(over, most * 9 / 10);
        return {std::min(grace, most - closing), closing};
    }
};

enum class removal : std::uint8_t {
    if_empty,    ///< refused with `has_sessions` while it serves any
    drain_first, ///< at once when it is down or empty, else when it is drained
    at_once,     ///< its sessions are cut
};

/// Something that happened, for logs, metrics and the relays.
struct pool_event {
    enum class kind : std::uint8_t {
        added,
        up, ///< also after a hold
        not_ready,
        down,
        held, ///< down once more than is good
        draining,
        drained,
        undrained,
        removed,
        cut,   ///< its tunnels are to be closed, its polling sessions are gone
        panic, ///< of all: none is fit, all are taken
        panic_over,
    };

    kind what;
    std::uint32_t id = 0; ///< 0: it concerns all
    std::string name = {};
    std::string why = {};
};

std::string_view to_string(pool_event::kind);

/// So many sessions of a target are to be closed now, gently.
struct shed_order {
    std::uint32_t id = 0;
    std::uint32_t sessions = 0;
};

/// One upstream, for the admin interface and metrics.
struct upstream_status {
    std::shared_ptr<target const> at;
    std::string why;           ///< of its state, in words; empty when there is nothing to say
    time_point since{};        ///< of its state
    std::uint64_t changes = 0; ///< of state, since it was added
    bool leaving = false;      ///< goes when it is drained
    bool shedding = false;     ///< gives sessions away: drain, or rebalance
};

/// The upstreams and what is known of them: who is up, who takes new sessions and how many, who
/// gives them up. Thinks only: probes are told to it, time is passed in. Not for several threads at
/// once.
class pool {
  public:
    pool(health_settings, drain_settings, cookie_signer const&, time_point now);
    ~pool();
    pool(pool const&) = delete;
    pool& operator=(pool const&) = delete;

    /// Adds an upstream, or changes the one of that name: weight, tag and PROXY version at once;
    /// when host, port or scheme differ, the old server leaves by `removal::drain_first`. The id.
    result<std::uint32_t> put(upstream, time_point now);

    result<void> remove(std::string_view name, removal, time_point now);

    /// It takes no new sessions, and those it has are closed a part each second.
    result<void> drain(std::string_view name, time_point now);
    result<void> undrain(std::string_view name, time_point now);

    /// The node itself says that it drains: it takes no new sessions. It closes them itself.
    void set_announced_drain(std::uint32_t id, bool, time_point now);

    /// Those that have more than their part give the excess away, over `drain_settings::over`.
    void rebalance(time_point now);

    void set_addresses(std::uint32_t id, std::vector<boost::asio::ip::tcp::endpoint>);

    void on_probe(std::uint32_t id, probe_result const&, time_point now);

    /// A relay could not connect.
    void on_connect_failed(std::uint32_t id, time_point now);

    /// Everything that is due. When to call again.
    time_point tick(time_point now);

    /// The state now; the same object as long as nothing has changed.
    std::shared_ptr<pool_view const> view(time_point now);

    /// What has happened since the last call.
    std::vector<pool_event> take_events();
    /// What is to be closed since the last call.
    std::vector<shed_order> take_sheds();

    std::vector<upstream_status> status(time_point now);

    /// Takes over what another process knew: state and drain of the upstream of that name.
    void restore(std::string_view name, upstream_state, time_point now);

    /// Changes of a reload. They count from here on.
    void set(health_settings, drain_settings);
    void set_cookies(cookie_signer const&);

    bool empty() const { return entries_.empty(); }

  private:
    enum class health : std::uint8_t { unknown, up, not_ready, down };

    struct entry {
        std::uint32_t id = 0;
        upstream to;
        std::vector<boost::asio::ip::tcp::endpoint> addresses;
        std::string cookie;
        std::uint64_t seed = 0;
        std::shared_ptr<upstream_counters> count;

        health condition = health::unknown;
        bool ever_up = false, passive = false; ///< down by what relays saw
        unsigned good = 0, bad = 0;            ///< probes in a row
        std::optional<std::uint16_t> tag;
        std::deque<time_point> connect_failures, falls;
        std::optional<time_point> growing_since, held_until;

        bool drain = false, announced = false, says_drain = false; ///< ordered; listed so; said so
        bool leaving = false, told_drained = false;
        bool cut = false; ///< since it went down
        std::optional<time_point> drain_since, next_shed;
        std::optional<std::uint32_t> shed_to; ///< rebalance: until it has no more than that
        time_point shed_until{};

        upstream_state shown = upstream_state::unknown;
        std::string why;
        time_point since{};
        std::uint64_t changes = 0;
        std::shared_ptr<target const> made;

        bool is_leaving() const { return drain || announced || says_drain; }
        bool is_alive() const { return condition != health::down && !held_until; }
    };

    /// Who takes new sessions: those that are fit; when there are none, those that are alive;
    /// when there are none either, all (panic).
    enum class tier : std::uint8_t { fit, alive, all };

    entry* find(std::uint32_t id);
    entry* find(std::string_view name);
    entry& add(upstream, time_point now);
    void come_up(entry&, time_point now);
    void go_down(entry&, std::string why, bool passive, time_point now);
    void set_drain(entry&, time_point now);
    void end_drain(entry&);
    upstream_state state_of(entry const&) const;
    double growth(entry const&, time_point now) const;
    bool fit(entry const&) const;
    void end_rebalance(entry&);
    void shed(entry&, time_point now);
    void judge(time_point now);
    void say(pool_event::kind, entry const&, std::string why = {});

    health_settings health_;
    drain_settings drain_;
    cookie_signer signer_;
    time_point born_;
    std::vector<std::unique_ptr<entry>> entries_; ///< by rising id
    std::uint32_t next_id_ = 1;
    tier tier_ = tier::fit;
    bool panic_ = false;
    std::shared_ptr<pool_view const> view_;
    std::vector<pool_event> events_;
    std::vector<shed_order> sheds_;
};

} // namespace mad::inline MAD_ABI::proxy

template <>
struct boost::system::is_error_code_enum<mad::proxy::pool_error> : std::true_type {};

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/proxy/impl/pool.ipp>
#include <mad/proxy/impl/pool_drain.ipp>
#include <mad/proxy/impl/pool_health.ipp>
#endif

#endif
