#ifndef MAD_SOCKETIO_LISTENER_HPP
#define MAD_SOCKETIO_LISTENER_HPP

#include <mad/socketio/ack.hpp>
#include <mad/socketio/args.hpp>
#include <mad/socketio/encoded.hpp>

#include <boost/asio/awaitable.hpp>

#include <array>
#include <atomic>
#include <concepts>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

namespace mad::inline MAD_ABI::socketio {

class socket;

/// One event on its way to a handler; lives as long as the call.
class event_context {
  public:
    virtual socket const& who() const = 0;
    virtual packet const& what() const = 0;
    virtual std::string_view name() const = 0;
    virtual ack reply() = 0;
    /// The handler wants other arguments than came: counted, and told through the acknowledgement.
    virtual void mismatch(error_code) = 0;
    /// Starts a coroutine that belongs to the server; the event is held to be unfinished till then.
    virtual void start(boost::asio::awaitable<void>) = 0;

  protected:
    ~event_context() = default;
};

/// A handler with its types erased. Handlers are plain functions or coroutines. Their parameters
/// are, in this order: a `socket` (optional), the arguments of the event as `bool`, numbers,
/// `std::string`, `mad::bytes`, `mad::json`, `mad::raw_json`, `std::optional` or `std::vector` of
/// these, or all of them as `arguments`; and an `ack` (optional). What a handler returns answers
/// the acknowledgement. Arguments that do not fit: the handler is not called.
using listener = std::function<void(event_context&)>;

/// One registration of a handler: `off` takes back just that one. False when default-constructed.
struct listener_id {
    std::uint64_t value = 0;

    explicit operator bool() const { return value != 0; }
    friend bool operator==(listener_id, listener_id) = default;
};

namespace detail {

/// Which events a listener is for.
enum class listener_kind : std::uint8_t {
    event,     ///< those of one name
    any,       ///< all that arrive, before the others
    unhandled, ///< those that no listener of their name has taken
    outgoing,  ///< all that are sent
};

/// How a listener is kept.
struct registration {
    listener_id id{};
    listener_kind kind = listener_kind::event;
    bool once = false;  ///< taken back before its first call
    bool front = false; ///< before those that are there
};

/// A number that no other registration of this process has.
inline listener_id next_listener_id() {
    static std::atomic<std::uint64_t> last{0};
    return {last.fetch_add(1, std::memory_order_relaxed) + 1};
}

inline registration registered(listener_kind kind, bool once = false, bool front = false) {
    return {next_listener_id(), kind, once, front};
}

template <class T>
struct awaited {
    static constexpr bool value = false;
    using type = T;
};
template <class T>
struct awaited<boost::asio::awaitable<T>> {
    static constexpr bool value = true;
    using type = T;
};

template <class R, class... A>
struct signature {
    using result_type = R;
    using values = std::tuple<std::decay_t<A>...>;
};

template <class R, class... A>
signature<R, A...> signature_of(R (*)(A...));
template <class C, class R, class... A>
signature<R, A...> signature_of(R (C::*)(A...));
template <class C, class R, class... A>
signature<R, A...> signature_of(R (C::*)(A...) const);
template <class Fn>
requires requires {
    &Fn::operator();
}
decltype(signature_of(&Fn::operator())) signature_of(Fn);

template <class Fn>
concept has_signature = requires(Fn fn) {
    signature_of(fn);
};

template <class T>
inline constexpr bool is_event_argument = !std::same_as<T, socket> && !std::same_as<T, ack>;

/// Reads what one parameter wants; `index` counts the event's arguments.
template <class T>
error_code read_parameter(event_context& c, std::span<arg_view const> views, std::size_t& index,
                          T& out) {
    if constexpr (std::same_as<T, socket>) {
        out = c.who();
        return {};
    } else if constexpr (std::same_as<T, ack>) {
        out = c.reply();
        return {};
    } else if constexpr (std::same_as<T, arguments>) {
        auto all = read_arguments(c.what());
        if (!all)
            return all.error();
        out = std::move(*all);
        return {};
    } else {
        return read_value(views[index++], out);
    }
}

template <class Tuple, std::size_t... I>
error_code read_parameters(event_context& c, Tuple& values, std::index_sequence<I...>) {
    constexpr std::size_t n =
        (std::size_t(0) + ... + (is_event_argument<std::tuple_element_t<I, Tuple>> ? 1 : 0));
    [[maybe_unused]] std::array<arg_view, n> views;
    if constexpr (n > 0)
        split_args(c.what(), views);
    [[maybe_unused]] std::size_t index = 0;
    error_code ec;
    (void)((ec = read_parameter(c, std::span<arg_view const>(views), index, std::get<I>(values)),
            !ec) &&
           ...);
    return ec;
}

/// Keeps function and arguments alive for as long as the coroutine runs.
template <class Fn, class Tuple>
boost::asio::awaitable<void> run_handler(std::shared_ptr<Fn> fn, Tuple values, ack reply) {
    using result_type = typename decltype(signature_of(std::declval<Fn>()))::result_type;
    auto task = std::apply(*fn, std::move(values));
    if constexpr (std::is_void_v<typename awaited<result_type>::type>) {
        co_await std::move(task);
    } else {
        auto answer = co_await std::move(task);
        reply(answer);
    }
}

} // namespace detail

/// Erases the types of a handler.
template <detail::has_signature Fn>
listener make_listener(Fn fn) {
    using types = decltype(detail::signature_of(std::declval<Fn>()));
    using values = typename types::values;
    using result_type = typename types::result_type;
    return [shared = std::make_shared<Fn>(std::move(fn))](event_context& c) {
        values v{};
        constexpr auto sequence = std::make_index_sequence<std::tuple_size_v<values>>();
        if (auto ec = detail::read_parameters(c, v, sequence))
            return c.mismatch(ec);
        if constexpr (detail::awaited<result_type>::value) {
            ack reply;
            if constexpr (!std::is_void_v<typename detail::awaited<result_type>::type>)
                reply = c.reply();
            c.start(detail::run_handler(shared, std::move(v), std::move(reply)));
        } else if constexpr (std::is_void_v<result_type>) {
            std::apply(*shared, std::move(v));
        } else {
            auto answer = std::apply(*shared, std::move(v));
            c.reply()(answer);
        }
    };
}

/// One that has no types: it looks at the packet itself.
inline listener make_listener(listener fn) {
    return fn;
}
inline listener make_any_listener(listener fn) {
    return fn;
}

namespace detail {

template <class Fn>
auto call_any(Fn& fn, event_context& c, arguments all) {
    if constexpr (std::invocable<Fn&, socket, std::string, arguments>)
        return fn(c.who(), std::string(c.name()), std::move(all));
    else
        return fn(std::string(c.name()), std::move(all));
}

/// Keeps the function alive for as long as the coroutine runs.
template <class Fn>
boost::asio::awaitable<void> hold_any(std::shared_ptr<Fn>, boost::asio::awaitable<void> task) {
    co_await std::move(task); // NOLINT(bugprone-use-after-move): once
}

} // namespace detail

/// For handlers of every event: `fn(std::string event, arguments)` or `fn(socket, std::string,
/// arguments)`, plain functions or coroutines.
template <class Fn>
listener make_any_listener(Fn fn) {
    return [shared = std::make_shared<Fn>(std::move(fn))](event_context& c) {
        auto all = read_arguments(c.what());
        if (!all)
            return c.mismatch(all.error());
        using result_type = decltype(detail::call_any(*shared, c, std::move(*all)));
        if constexpr (detail::awaited<result_type>::value)
            c.start(detail::hold_any(shared, detail::call_any(*shared, c, std::move(*all))));
        else
            detail::call_any(*shared, c, std::move(*all));
    };
}

} // namespace mad::inline MAD_ABI::socketio

#endif
