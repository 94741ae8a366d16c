#include "client_peer.hpp"

namespace conformance {

struct peer::state {
    explicit state(row_clock& c)
        : clock(c) {}
    mailbox& box(std::string const& event) {
        auto& slot = boxes[event];
        if (!slot)
            slot = std::make_unique<mailbox>(clock, event);
        return *slot;
    }
    row_clock& clock;
    std::map<std::string, std::unique_ptr<mailbox>> boxes;
};

peer::peer(row_clock& clock, sio::client& c, sio::client_socket s)
    : socket(std::move(s))
    , io(c)
    , state_(std::make_shared<state>(clock))
    , clock_(clock) {
    auto const st = state_;
    socket.on_unhandled([st](std::string event, sio::arguments args) {
        st->box(event).push(json(std::move(args.values)));
    });
    socket.on_connect([st] { st->box("connect").push(json::array()); });
    socket.on_disconnect(
        [st](sio::disconnect_reason r) { st->box("disconnect").push(std::string(to_string(r))); });
    socket.on_connect_error([st](sio::connect_failure const& f) {
        json data;
        if (f.data)
            data = mad::parse_json(*f.data).value();
        st->box("connect_error").push(json::array({f.message, std::move(data)}));
    });
    io.on_reconnect_attempt([this](std::size_t) {
        ++attempts;
        attempted_at.push_back(std::chrono::steady_clock::now());
    });
    io.on_reconnect_error([this](mad::error_code) { ++errors; });
}

mailbox& peer::box(std::string const& event) {
    return state_->box(event);
}

boost::asio::awaitable<json> peer::first(std::string event) {
    auto const args = co_await next(event);
    check(args.is_array() && !args.empty(), event + " without arguments");
    co_return args[0];
}

boost::asio::awaitable<json> peer::collect(std::string event, int n) {
    auto out = json::array();
    for (int i = 0; i < n; ++i)
        out.push_back(co_await first(event));
    co_return out;
}

boost::asio::awaitable<json> peer::ask_all(std::string event, json args) {
    sio::arguments all;
    for (auto& a : args)
        all.values.push_back(std::move(a));
    auto const answer = co_await socket.emit_with_ack(clock_.left(), event, all);
    check(answer.has_value(),
          "ack of " + event + ": " + (answer ? std::string() : answer.error().message()));
    co_return json(answer->values);
}

boost::asio::awaitable<json> peer::ask(std::string event, json value, json more) {
    auto args = json::array();
    if (!value.is_discarded())
        args.push_back(std::move(value));
    if (!more.is_discarded())
        args.push_back(std::move(more));
    auto const all = co_await ask_all(event, std::move(args));
    check(!all.empty(), "ack of " + event + " without arguments");
    co_return all[0];
}

void peer::emit(std::string const& event, json args) {
    sio::arguments all;
    for (auto& a : args)
        all.values.push_back(std::move(a));
    socket.emit(event, all);
}

task peer::connected() {
    co_await next("connect");
}

task peer::reason(std::string wanted) {
    check_equal(co_await next("disconnect"), wanted);
}

task peer::alive() {
    check_equal(co_await ask("echo", "alive"), "alive");
}

task peer::stays_away() {
    auto const before = attempts;
    co_await pause(clock_, milliseconds(300));
    check(attempts == before, "it has tried to come back");
    check(box("connect").empty(), "it has come back");
}

peer& peers::make(std::string const& nsp, adjust const& fn) {
    sio::client_settings s(url);
    s.reconnection = false;
    s.engine.rev = rev;
    if (column == "polling")
        s.engine.transports = {mad::engine::transport_kind::polling};
    else if (column == "websocket")
        s.engine.transports = {mad::engine::transport_kind::websocket};
    if (every)
        every(s);
    if (fn)
        fn(s);
    clients_.push_back(std::make_unique<sio::client>(clock.context(), s));
    auto& io = *clients_.back();
    open_.push_back(std::make_unique<peer>(clock, io, io.socket(nsp)));
    return *open_.back();
}

peer& peers::start(std::string const& nsp, adjust const& fn, json auth) {
    auto& p = make(nsp, fn);
    p.socket.set_auth(std::move(auth));
    p.socket.connect();
    return p;
}

boost::asio::awaitable<peer*> peers::join(std::string nsp, adjust fn, json auth) {
    auto& p = start(nsp, fn, std::move(auth));
    co_await p.connected();
    co_await settled(p);
    co_return &p;
}

peer& peers::start_beside(peer& p, std::string const& nsp) {
    open_.push_back(std::make_unique<peer>(clock, p.io, p.io.socket(nsp)));
    open_.back()->socket.connect();
    return *open_.back();
}

boost::asio::awaitable<peer*> peers::beside(peer& p, std::string nsp) {
    auto& other = start_beside(p, nsp);
    co_await other.connected();
    co_return &other;
}

task peers::settled(peer& p) {
    while (column == "upgrade" && p.io.transport() != mad::engine::transport_kind::websocket) {
        check(std::chrono::steady_clock::now() < clock.end(), "no upgrade in time");
        co_await pause(clock, milliseconds(2));
    }
}

void peers::close() {
    clients_.clear();
    open_.clear();
}

} // namespace conformance
