#ifndef MAD_SOCKETIO_MIDDLEWARE_HPP
#define MAD_SOCKETIO_MIDDLEWARE_HPP

#include <mad/socketio/encoded.hpp>

#include <functional>
#include <optional>
#include <string>

namespace mad::inline MAD_ABI::socketio {

/// Why a socket may not connect (`connect_error` at the peer), or an event may not pass.
struct connect_error {
    std::string message;
    std::optional<std::string> data; ///< JSON text
};

/// Lets the next middleware run, or refuses: `next(connect_error{"not authorized"})`. Once; copies
/// share it. From any thread.
using next = std::function<void(std::optional<connect_error>)>;

/// Runs before the listeners of each event of one socket, in order of registration; the catch-all
/// ones have seen it already. The name and the arguments hold during the call. `next({})` lets the
/// event pass; with an error it goes to the socket's `on_error` handlers and no further; never
/// called, the event is dropped. While it is kept, later events may overtake this one, and it
/// counts as unfinished (`server_settings::max_unfinished`).
using event_middleware = std::function<void(std::string const& event, arguments const& args, next)>;

} // namespace mad::inline MAD_ABI::socketio

#endif
