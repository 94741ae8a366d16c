#ifndef MAD_SOCKETIO_IMPL_CLIENT_SOCKET_IPP
#define MAD_SOCKETIO_IMPL_CLIENT_SOCKET_IPP

#include <mad/core/query.hpp>
#include <mad/net/one_shot.hpp>
#include <mad/socketio/detail/client_core.hpp>

#include <stdexcept>
#include <variant>

namespace mad::inline MAD_ABI::socketio {

MAD_DECL client_socket::client_socket(std::shared_ptr<detail::client_node> const& n)
    : node_(n)
    , shared_(n->shared) {}

/// The one way to a node: on its shard, while its client is there; else `gone` runs. The last
/// reference must not be dropped elsewhere, so the one taken here travels along.
MAD_DECL void client_socket::run(std::function<void(detail::client_node&)> fn,
                                 std::function<void()> gone) const {
    auto n = node_.lock();
    if (!n)
        return gone ? gone() : void();
    auto& home = n->home;
    home.dispatch([n = std::move(n), fn = std::move(fn), gone = std::move(gone)] {
        if (n->core)
            fn(*n);
        else if (gone)
            gone();
    });
}

MAD_DECL void client_socket::check_event(std::string_view event) {
    if (is_reserved_event(event))
        throw std::invalid_argument('"' + std::string(event) + "\" is a reserved event name");
}

MAD_DECL void client_socket::connect(connect_callback done) const {
    run([done](detail::client_node& n) { n.connect(done); },
        [done] {
            if (done)
                done(error_code(error::session_closed));
        });
}

MAD_DECL boost::asio::awaitable<result<void>> client_socket::wait(client_socket self) {
    net::one_shot<std::monostate> done(co_await boost::asio::this_coro::executor);
    self.connect(
        [tell = done.callback()](result<void> r) { r ? tell(std::monostate{}) : tell(r.error()); });
    auto const outcome = co_await done.wait();
    if (!outcome)
        co_return outcome.error();
    co_return result<void>();
}

MAD_DECL void client_socket::disconnect() const {
    run([](detail::client_node& n) { n.disconnect(); });
}

MAD_DECL void client_socket::set_auth(json value) const {
    run([value = std::move(value)](detail::client_node& n) {
        n.auth = value;
        n.auth_source = nullptr;
    });
}

MAD_DECL void client_socket::set_auth_source(std::function<void(auth_answer)> fn) const {
    using source = std::function<void(auth_answer)>;
    run([fn = std::make_shared<source const>(std::move(fn))](detail::client_node& n) {
        n.auth_source = fn;
    });
}

MAD_DECL void client_socket::set_auth_source(std::function<json()> fn) const {
    set_auth_source(std::function<void(auth_answer)>(
        [fn = std::move(fn)](auth_answer const& answer) { answer(fn()); }));
}

namespace detail {

using auth_task = std::function<boost::asio::awaitable<json>()>;

/// Keeps the function, and with it what it captured, alive for as long as its coroutine runs.
inline boost::asio::awaitable<void> run_auth_task(std::shared_ptr<auth_task const> fn,
                                                  client_socket::auth_answer answer) {
    auto value = co_await (*fn)();
    answer(std::move(value));
}

} // namespace detail

MAD_DECL void
client_socket::set_auth_source(std::function<boost::asio::awaitable<json>()> fn) const {
    run([fn = std::make_shared<detail::auth_task const>(std::move(fn))](detail::client_node& n) {
        using source = std::function<void(auth_answer)>;
        n.auth_source = std::make_shared<source const>([fn, &n](auth_answer answer) {
            n.start_auth(detail::run_auth_task(fn, std::move(answer)));
        });
    });
}

MAD_DECL listener_id client_socket::add_listener(std::string event, listener fn,
                                                 detail::registration how) const {
    run([event = std::move(event), fn = std::move(fn), how](detail::client_node& n) mutable {
        n.listeners.add(std::move(event), std::move(fn), how);
        if (how.kind == detail::listener_kind::outgoing)
            n.shows_outgoing = true;
    });
    return how.id;
}

MAD_DECL void client_socket::off(listener_id id) const {
    run([id](detail::client_node& n) {
        n.listeners.remove(id);
        n.shows_outgoing = n.listeners.has(detail::listener_kind::outgoing);
    });
}

MAD_DECL void client_socket::off(std::string_view event) const {
    run([name = std::string(event)](detail::client_node& n) { n.listeners.remove(name); });
}

MAD_DECL void client_socket::remove(detail::listener_kind kind) const {
    run([kind](detail::client_node& n) {
        n.listeners.remove(kind);
        if (kind == detail::listener_kind::outgoing)
            n.shows_outgoing = false;
    });
}

namespace detail {

/// Tells the coroutine that waits for an event when nobody can bring it any more.
struct event_wait {
    explicit event_wait(std::function<void(result<arguments>)> fn)
        : tell(std::move(fn)) {}
    ~event_wait() { tell(error_code(error::session_closed)); } // only the first answer counts
    event_wait(event_wait const&) = delete;
    event_wait& operator=(event_wait const&) = delete;
    std::function<void(result<arguments>)> tell;
};

} // namespace detail

MAD_DECL boost::asio::awaitable<result<arguments>>
client_socket::wait_for(client_socket self, std::string event, milliseconds timeout) {
    auto const executor = co_await boost::asio::this_coro::executor;
    net::one_shot<arguments> done(executor);
    auto waiting = std::make_shared<detail::event_wait>(done.callback());
    boost::asio::steady_timer limit(executor);
    if (timeout.count() > 0) {
        limit.expires_after(timeout);
        limit.async_wait([tell = done.callback()](error_code ec) {
            if (!ec)
                tell(error_code(error::timeout));
        });
    }
    // Held by the listener alone: once that has gone, nothing will come.
    auto const id = self.once(std::move(event),
                              [w = std::move(waiting)](arguments all) { w->tell(std::move(all)); });
    auto outcome = co_await done.wait();
    self.off(id);
    co_return outcome;
}

MAD_DECL void client_socket::on_connect(std::function<void()> fn) const {
    run([fn = std::move(fn)](detail::client_node& n) { n.connect_handlers.push_back(fn); });
}

MAD_DECL void client_socket::on_disconnect(std::function<void(disconnect_reason)> fn) const {
    run([fn = std::move(fn)](detail::client_node& n) { n.disconnect_handlers.push_back(fn); });
}

MAD_DECL void
client_socket::on_connect_error(std::function<void(connect_failure const&)> fn) const {
    run([fn = std::move(fn)](detail::client_node& n) { n.error_handlers.push_back(fn); });
}

MAD_DECL void client_socket::on_error(std::function<void(server_error const&)> fn) const {
    run([fn = std::move(fn)](detail::client_node& n) { n.server_error_handlers.push_back(fn); });
}

MAD_DECL void
client_socket::set_query(std::vector<std::pair<std::string, std::string>> values) const {
    std::string query;
    for (auto const& [key, value] : values) {
        query += query.empty() ? '?' : '&';
        query.append(percent_encode(key)).append("=").append(percent_encode(value));
    }
    run([query = std::move(query)](detail::client_node& n) { n.query = query; });
}

MAD_DECL void client_socket::send(encoded p, bool is_volatile) const {
    // As `run` does, without the memory that a closure for later takes.
    if (auto const n = node_.lock(); n && n->home.here()) {
        if (n->core)
            n->send(p, is_volatile);
        return;
    }
    run([p = std::move(p), is_volatile](detail::client_node& n) { n.send(p, is_volatile); });
}

MAD_DECL void client_socket::send_with_ack(encoded p, std::optional<std::uint64_t> id,
                                           milliseconds timeout, ack_callback done) const {
    run([p = std::move(p), id, timeout,
         done](detail::client_node& n) { n.send_with_ack(p, id, timeout, done); },
        [done] { done(error_code(error::session_closed)); });
}

MAD_DECL boost::asio::awaitable<result<arguments>>
client_socket::ask(client_socket self, encoded p, std::optional<std::uint64_t> id,
                   milliseconds timeout) {
    net::one_shot<arguments> done(co_await boost::asio::this_coro::executor);
    self.send_with_ack(std::move(p), id, timeout, done.callback());
    co_return co_await done.wait();
}

MAD_DECL std::string client_socket::id() const {
    std::string id;
    if (auto n = node_.lock()) {
        auto& home = n->home;
        if (home.here())
            id = n->id;
        else
            home.post([n = std::move(n)] {}); // see `run`
    }
    return id;
}

} // namespace mad::inline MAD_ABI::socketio

#endif
