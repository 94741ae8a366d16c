#ifndef MAD_REDIS_SETTINGS_HPP
#define MAD_REDIS_SETTINGS_HPP

#include <mad/core/clock.hpp>
#include <mad/core/log.hpp>
#include <mad/redis/backoff.hpp>

#include <cstddef>
#include <memory>

namespace mad::inline MAD_ABI::net {
class cipher_dialer;
}

namespace mad::inline MAD_ABI::redis {

/// How a client or a subscriber behaves. Defaults are ours.
struct settings {
    /// For everything that comes before the first command: look-up, connect, TLS, HELLO.
    milliseconds connect_timeout{2'000};
    /// From the call to the answer, time in the queue included. Seen late by an eighth at most.
    milliseconds command_timeout{5'000};
    /// A connection on which nothing has come for so long is asked (PING); a peer that has gone
    /// without a word is thereby noticed after this and `command_timeout`.
    milliseconds ping_interval{10'000};
    /// When the kernel begins to ask an idle connection, and every third of it thereafter.
    seconds tcp_keepalive{15};

    backoff_settings backoff;
    /// Before the next attempt when a password or a right is wrong: haste would help nobody.
    milliseconds denied_retry{30'000};

    /// Commands, and their bytes, that wait to be sent or answered; one more ends at once with
    /// `error::queue_full`.
    std::size_t max_queued_commands = 10'000;
    std::size_t max_queued_bytes = 64 * 1024 * 1024;
    /// The longest answer; a longer one ends the connection.
    std::size_t max_reply_bytes = 64 * 1024 * 1024;
    /// Channels and patterns of a subscriber.
    std::size_t max_subscriptions = 100'000;

    /// Makes ciphers for `rediss`: see mad/redis/tls.hpp.
    std::shared_ptr<net::cipher_dialer> tls;

    logger log;
};

} // namespace mad::inline MAD_ABI::redis

#endif
