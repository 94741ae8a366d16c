#ifndef MAD_REDIS_CONFIG_HPP
#define MAD_REDIS_CONFIG_HPP

#include <mad/redis/error.hpp>

#include <boost/throw_exception.hpp>

#include <cstdint>
#include <iosfwd>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace mad::inline MAD_ABI::redis {

/// Where one server listens: a host and a port, or the path of a unix socket.
struct endpoint {
    std::string host; ///< name or address; IPv6 without brackets
    std::uint16_t port = 0;
    std::string path = {}; ///< of a unix socket; then host and port are empty

    friend bool operator==(endpoint const&, endpoint const&) = default;
};

/// `127.0.0.1:6379`, `[::1]:6379`, `/run/redis.sock`.
std::string to_string(endpoint const&);

enum class topology : std::uint8_t { single, sentinel, cluster };

/// Where Redis is, and as whom we come. What a URL says.
struct config {
    redis::topology topology = redis::topology::single;

    /// The server; the sentinels; nodes of the cluster to begin with.
    std::vector<endpoint> endpoints = {{"127.0.0.1", 6379}};

    std::string master_name = {}; ///< what the sentinels call it

    /// Empty with a password: the user `default`. Without a password nothing is said.
    std::string user = {}, password = {};
    /// Read anew at each connect, so that it may change; a newline at its end does not count.
    std::string password_file = {};
    /// For the sentinels; empty: nothing is said.
    std::string sentinel_user = {}, sentinel_password = {};

    unsigned database = 0; ///< 0 in a Cluster

    bool tls = false;         ///< to servers and sentinels; needs `settings::tls`
    std::string ca_file = {}; ///< authorities to trust (PEM); empty: those of the system

    std::string client_name = "mad"; ///< what CLIENT LIST shows; empty: nothing
    int protocol = 2;                ///< RESP 2 or 3; 3 needs hiredis 1.0
};

/// Why a URL is none: what is wrong, at which character, and what to write instead.
struct config_failure {
    error_code code;
    std::string message;
    std::size_t at = 0; ///< character of the text, from 0

    friend bool operator==(config_failure const&, config_failure const&) = default;

    template <class Traits>
    friend std::basic_ostream<char, Traits>& operator<<(std::basic_ostream<char, Traits>& os,
                                                        config_failure const& f) {
        return os << f.message;
    }
};

/// A value, or what is wrong. `value()` on a failure throws std::system_error.
template <class T>
using config_result = boost::system::result<T, config_failure>;

[[noreturn]] inline void throw_exception_from_error(config_failure const& f,
                                                    boost::source_location const&) {
    throw std::system_error(f.code, f.message);
}

/// Reads
///
///     redis://[USER[:PASSWORD]@]HOST[:PORT][/DATABASE]
///     rediss://...                                       the same over TLS
///     unix://[USER[:PASSWORD]@]PATH[?db=N]               (redis+unix:// too)
///     redis+sentinel://HOST[:PORT],HOST[:PORT].../MASTER[/DATABASE]     (rediss+sentinel:// too)
///     redis://HOST[:PORT],HOST[:PORT]...?cluster=1
///
/// A port is 6379, a sentinel's 26379, when it is not named. User and password are percent-decoded.
/// Options after `?`: `cluster`, `db`, `ca_file`, `password_file`, `sentinel_user`,
/// `sentinel_password`, `client_name`, `protocol` (2 or 3). A password in a URL is seen by whoever
/// sees the process list: `password_file` is not.
config_result<config> parse_url(std::string_view text);

/// The URL again, its passwords masked: `redis://user:***@host:6379/0`. As ports are named and
/// characters escaped, it may be longer than what `parse_url` reads (4096 characters).
std::string to_string(config const&);

/// Any text with what looks like the passwords of a URL masked: also of one that does not parse.
std::string mask_passwords(std::string_view text);

/// The password now: that of the file when one is named.
config_result<std::string> current_password(config const&);

} // namespace mad::inline MAD_ABI::redis

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/redis/impl/config.ipp>
#endif

#endif
