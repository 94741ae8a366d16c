#ifndef MAD_PROXY_UPSTREAM_HPP
#define MAD_PROXY_UPSTREAM_HPP

#include <mad/core/error.hpp>

#include <boost/asio/ip/tcp.hpp>
#include <boost/throw_exception.hpp>

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

namespace mad::inline MAD_ABI::proxy {

/// A server to stand in front of, as it is wanted: by `--upstream`, by the admin interface, or by
/// discovery.
struct upstream {
    /// 1 to 64 characters of `A-Za-z0-9._-`; what logs, metrics and the admin interface call it.
    std::string name = {};

    std::string host = {}; ///< name or address; IPv6 without brackets
    std::uint16_t port = 0;
    bool secure = false; ///< `https://`

    /// 1 to 1000: its part of new sessions, beside the others'. Default 1.
    unsigned weight = 1;

    /// Of a mad node: what the ids of its sessions carry. From its `/ready`, or from discovery.
    std::optional<std::uint16_t> node_tag = {};

    /// 0 off (default); 1 or 2: a PROXY header of that version is sent first on each connection.
    unsigned proxy_protocol = 0;

    /// What goes into `Host`: `10.0.0.5:3000`, `[::1]:3000`; the port only when it is not the
    /// scheme's own.
    std::string authority() const;

    /// `http://10.0.0.5:3000`.
    std::string url() const;

    /// Whether both are the same server, whatever they are called and weigh.
    bool same_server(upstream const& other) const {
        return host == other.host && port == other.port && secure == other.secure;
    }

    friend bool operator==(upstream const&, upstream const&) = default;
};

/// Why a text names no upstream: what is wrong, and what to write instead.
struct upstream_failure {
    std::string message;

    template <class Traits>
    friend std::basic_ostream<char, Traits>& operator<<(std::basic_ostream<char, Traits>& os,
                                                        upstream_failure const& f) {
        return os << f.message;
    }
};

/// A value, or what is wrong. `value()` on a failure throws std::invalid_argument.
template <class T>
using upstream_result = boost::system::result<T, upstream_failure>;

[[noreturn]] void throw_exception_from_error(upstream_failure const&,
                                             boost::source_location const&);

/// Reads `[NAME=]http://HOST[:PORT][?weight=N&proxy_protocol=1|2]`, `https` too. Without a name it
/// is called by host and port: `10.0.0.5-3000`, `--1-3000`. A path other than `/` is refused: paths
/// are passed on as they come.
upstream_result<upstream> parse_upstream(std::string_view text);

/// Whether that may be the name of an upstream.
bool is_upstream_name(std::string_view);

/// What the relays of all shards count of one upstream. Relaxed: nothing hangs on their order.
struct alignas(64) upstream_counters {
    // Now.
    std::atomic<std::uint32_t> tunnels{0};
    std::atomic<std::uint32_t> other_tunnels{0};    ///< of these, those that are no sessions
    std::atomic<std::uint32_t> polling_sessions{0}; ///< kept by `sid_table`
    std::atomic<std::uint32_t> requests_open{0};

    // Since the start.
    std::atomic<std::uint64_t> requests{0}, handshakes{0};
    std::atomic<std::uint64_t> by_sid{0}, by_cookie{0}, by_hash{0};
    std::atomic<std::uint64_t> sessions_gone{0}; ///< asked for while it did not serve
    std::atomic<std::uint64_t> retries{0};       ///< handshakes that went on to another one
    std::atomic<std::uint64_t> connects{0}, connect_failures{0};
    std::atomic<std::uint64_t> bad_answers{0}, late_answers{0};
    std::atomic<std::uint64_t> bytes_in{0};  ///< from clients to it
    std::atomic<std::uint64_t> bytes_out{0}; ///< from it to clients

    /// What loads are compared in: tunnels and polling sessions.
    std::uint32_t sessions() const {
        return tunnels.load(std::memory_order_relaxed) +
               polling_sessions.load(std::memory_order_relaxed);
    }
};

enum class upstream_state : std::uint8_t {
    unknown,    ///< new, and not probed yet
    up,         ///< takes and serves sessions
    slow_start, ///< has come up: takes some, more and more
    not_ready,  ///< answers, but says that it is not ready: serves, takes none while others do
    draining,   ///< serves what it has, takes none
    drained,    ///< the same, and it has none left
    down,       ///< does not answer
    held,       ///< went down and up too often: stays out for a while
};

/// `slow_start`: as it is written above.
std::string_view to_string(upstream_state);

/// One upstream as all shards see it in one view. Never changes.
struct target {
    /// Of this server in this process; never given again.
    std::uint32_t id = 0;

    upstream to;

    /// Of `to.host`, in the order of the resolver; empty while it has not been looked up.
    std::vector<boost::asio::ip::tcp::endpoint> addresses;

    upstream_state state = upstream_state::unknown;

    /// Its part of new sessions now, beside the others'; 0: takes none.
    double share = 0;

    /// Whether requests of its sessions go to it.
    bool serves = false;

    /// Its value of the affinity cookie: 32 characters, see cookie.hpp.
    std::string cookie;

    /// Of its name: what rendezvous hashing mixes with the client's key.
    std::uint64_t seed = 0;

    std::shared_ptr<upstream_counters> count;

    bool takes() const { return share > 0; }
};

} // namespace mad::inline MAD_ABI::proxy

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/proxy/impl/upstream.ipp>
#endif

#endif
