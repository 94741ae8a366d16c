#ifndef MAD_REDIS_ERROR_HPP
#define MAD_REDIS_ERROR_HPP

#include <mad/core/error.hpp>

#include <cstdint>
#include <string_view>
#include <type_traits>

namespace mad::inline MAD_ABI::redis {

/// What goes wrong between us and a Redis. The first group is ours; the second are answers of the
/// server, by the first word of its error.
enum class error : std::uint8_t {
    none = 0,
    bad_url,              ///< a URL or one of its options makes no sense; the message says where
    password_unreadable,  ///< the password file is missing or may not be read
    no_tls,               ///< `rediss` without a cipher: set `settings::tls` (mad/redis/tls.hpp)
    unsupported_protocol, ///< RESP3 was asked for, and hiredis or the server has none: leave it out
    closed,               ///< the client was closed
    queue_full,           ///< too many commands or bytes wait: Redis is away, or slower than we are
    timeout,              ///< no answer in time: Redis hangs, or the way to it is broken
    connection_lost,      ///< it broke after the command was sent: nobody knows whether it ran
    unreachable,          ///< no connection came about; the state's text says why
    bad_reply,            ///< what came is no RESP, or nested deeper than hiredis follows
    reply_too_large,      ///< an answer over `settings::max_reply_bytes`
    no_master,            ///< no sentinel could name a master
    not_master,           ///< the server named as master says that it is none
    cross_slot,           ///< the keys of a transaction or script live in several slots: use {tags}
    too_many_redirects,   ///< the nodes of a cluster send us round in circles

    no_auth,        ///< NOAUTH: a password is wanted and none is set
    wrong_password, ///< WRONGPASS: user or password are wrong, or the user is off
    no_permission,  ///< NOPERM, DENIED: the user's rules, or protected mode, forbid it
    read_only,      ///< READONLY: a replica, as after a failover
    loading,        ///< LOADING: Redis reads its data after a start
    master_down,    ///< MASTERDOWN: a replica that has lost its master
    cluster_down,   ///< CLUSTERDOWN: slots without a node
    out_of_memory,  ///< OOM: over `maxmemory`
    misconfigured,  ///< MISCONF, NOREPLICAS: the disk is full, or too few replicas
    moved,          ///< MOVED: the slot lives elsewhere
    ask,            ///< ASK: this key has gone to where its slot is moving
    try_again,      ///< TRYAGAIN: some keys have gone there and some not
    no_script,      ///< NOSCRIPT: load it again
    busy,           ///< BUSY: a script takes too long
    exec_abort,     ///< EXECABORT: a command of a transaction was refused, so none ran
    server,         ///< any other error of the server; its text says which
};

error_category const& category();

inline error_code make_error_code(error e) {
    return {static_cast<int>(e), category()};
}

/// What an error reply means, by its first word: `WRONGTYPE Operation against ...` is `server`.
error error_of(std::string_view text);

} // namespace mad::inline MAD_ABI::redis

template <>
struct boost::system::is_error_code_enum<mad::redis::error> : std::true_type {};

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/redis/impl/error.ipp>
#endif

#endif
