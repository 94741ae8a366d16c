#ifndef MAD_PROXY_HANDOVER_MESSAGE_HPP
#define MAD_PROXY_HANDOVER_MESSAGE_HPP

#include <mad/core/clock.hpp>
#include <mad/proxy/passed.hpp>
#include <mad/proxy/upstream.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace mad::inline MAD_ABI::proxy {

/// What two processes say to each other while one takes over from the other. Each message is one
/// packet of a unix socket: a byte that says which it is, then numbers (big endian) and texts (with
/// their length in front). Descriptors go beside it.
namespace handover {

/// Of the messages below. 2: tunnels to the web upstream. 3: tunnels that are no sessions. The new
/// process asks in its own version, and as long as that is refused in the one before it; the old
/// one answers all that it knows.
inline constexpr std::uint16_t version = 3, oldest_version = 1;

/// Longest message, in bytes.
inline constexpr std::size_t max_bytes = 100 * 1024;

/// Most descriptors beside one message; the system allows 253.
inline constexpr std::size_t max_descriptors = 64;

/// New to old: who asks.
struct hello {
    std::uint16_t version = handover::version;
    std::string program; ///< its version, for the log
    friend bool operator==(hello const&, hello const&) = default;
};

/// Old to new: it will not.
struct refusal {
    std::string why;
    friend bool operator==(refusal const&, refusal const&) = default;
};

/// Old to new: what signs its cookies.
struct secret {
    std::string text;
    friend bool operator==(secret const&, secret const&) = default;
};

/// Old to new: one upstream of its pool.
struct known_upstream {
    upstream to;
    upstream_state state = upstream_state::unknown;
    bool by_hand = false; ///< the admin interface has brought it: no list will name it
    friend bool operator==(known_upstream const&, known_upstream const&) = default;
};

/// Both ways: where sessions live.
struct known_sessions {
    struct entry {
        std::string sid, upstream;
        bool polling = false;
        milliseconds age{0}; ///< since the last request
        friend bool operator==(entry const&, entry const&) = default;
    };
    std::vector<entry> all;
    friend bool operator==(known_sessions const&, known_sessions const&) = default;
};

/// What a listening socket is for.
enum class listener_use : std::uint8_t { proxy, admin, redirect };

/// Old to new: its listening sockets, which are beside the message.
struct listeners {
    listener_use use = listener_use::proxy;
    friend bool operator==(listeners const&, listeners const&) = default;
};

/// Messages that have nothing but themselves to say.
enum class word : std::uint8_t {
    state_end, ///< old: that is all that it knows
    commit,    ///< new: it is ready to serve
    go,        ///< old: it accepts no more; connections follow as they become idle
    end,       ///< old: it has none left
};

/// Old to new, from version 2 on: a tunnel to the web upstream. One to any other goes by itself.
struct web_tunnel {
    passed_tunnel what;
};

/// Old to new, from version 3 on: a tunnel to a node that is no session. Who knows less counts it
/// as one.
struct other_tunnel {
    passed_tunnel what;
};

/// Connections have their descriptors (1, 2: client and upstream) beside the message.
using message = std::variant<hello, refusal, secret, known_upstream, known_sessions, listeners,
                             word, passed_client, passed_tunnel, web_tunnel, other_tunnel>;

/// At most `max_bytes`: longer texts are cut, sessions that do not fit are left out. Empty for a
/// client whose `rest` does not fit.
std::string encode(message const&);

/// Nothing for what `encode` cannot have written.
std::optional<message> decode(std::string_view text);

/// How many descriptors belong beside it; nothing: any number from 1 to `max_descriptors`.
std::optional<std::size_t> descriptors_of(message const&);

} // namespace handover

} // namespace mad::inline MAD_ABI::proxy

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/proxy/impl/handover_message.ipp>
#endif

#endif
