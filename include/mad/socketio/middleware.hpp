#ifndef MAD_SOCKETIO_MIDDLEWARE_HPP
#define MAD_SOCKETIO_MIDDLEWARE_HPP

#include <mad/socketio/encoded.hpp>

#include <functional>
#include <optional>
#include <string>
#include <type_traits>

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
/// ones have seen it already. `next({})` lets the event pass; with an error it goes to the socket's
/// `on_error` handlers and no further; never called, the event is dropped. While it is kept, later
/// events may overtake this one, and it counts as unfinished (`server_settings::max_unfinished`).
///
/// Name and arguments may be changed until `next` is called: what follows gets them so. Who takes
/// them by `const&` or by value cannot, and listeners then read the bytes that came.
using event_middleware = std::function<void(std::string& event, arguments& args, next)>;

namespace detail {

template <class F>
struct changes_event_of {
    static constexpr bool value = true; // a template: who knows
};
template <class R, class E, class A, class N>
struct changes_event_of<R(E, A, N)> {
    static constexpr bool value = std::is_same_v<E, std::string&> || std::is_same_v<A, arguments&>;
};
template <class R, class E, class A, class N>
struct changes_event_of<R (*)(E, A, N)> : changes_event_of<R(E, A, N)> {};
template <class C, class R, class E, class A, class N>
struct changes_event_of<R (C::*)(E, A, N)> : changes_event_of<R(E, A, N)> {};
template <class C, class R, class E, class A, class N>
struct changes_event_of<R (C::*)(E, A, N) const> : changes_event_of<R(E, A, N)> {};

/// Whether a middleware of that type may change the event.
template <class Fn>
struct changes_event : changes_event_of<Fn> {};
template <class Fn>
requires requires {
    &Fn::operator();
}
struct changes_event<Fn> : changes_event_of<decltype(&Fn::operator())> {};

struct event_step {
    event_middleware fn;
    bool changes;
};

} // namespace detail

} // namespace mad::inline MAD_ABI::socketio

#endif
