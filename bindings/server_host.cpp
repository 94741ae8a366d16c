#include "server_host.hpp"

#include <mad/core/json.hpp>
#include <mad/net/http/url.hpp>
#include <mad/net/io_pool.hpp>
#include <mad/net/wait.hpp>
#include <mad/socketio/error.hpp>

#include <functional>
#include <unistd.h>

namespace py = pybind11;
namespace sio = mad::socketio;

namespace mad_python {
namespace {

/// What a peer said when it connected, copied where it may be read.
struct introduction {
    std::string auth, address, url;
    std::vector<std::pair<std::string, std::string>> query, headers;
    std::int64_t issued_ms = 0;
    bool secure = false, cross_domain = false;

    explicit introduction(sio::handshake const& said)
        : auth(said.auth_text())
        , address(said.address().to_string())
        , url(said.url())
        , issued_ms(said.issued_ms())
        , secure(said.secure())
        , cross_domain(said.cross_domain()) {
        said.query().for_each([&](std::string key, std::string value) {
            query.emplace_back(std::move(key), std::move(value));
        });
        said.for_each_header([&](std::string_view name, std::string_view value) {
            headers.emplace_back(name, value);
        });
    }

    py::dict read() const {
        py::dict out, parameters, fields;
        for (auto const& [key, value] : query)
            if (!parameters.contains(read_text(key)))
                parameters[read_text(key)] = read_text(value);
        for (auto const& [name, value] : headers) {
            auto lower = name;
            for (auto& c : lower)
                c = c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
            if (auto const key = read_text(lower); !fields.contains(key))
                fields[key] = read_text(value);
        }
        out["query"] = parameters;
        out["headers"] = fields;
        out["address"] = read_text(address);
        out["auth"] = read_json(auth);
        out["url"] = read_text(url);
        out["secure"] = secure;
        out["cross_domain"] = cross_domain;
        out["issued"] = static_cast<double>(issued_ms) / 1000;
        return out;
    }
};

} // namespace

// mailroom

inbox& mailroom::of(std::string_view socket_id, bool coroutine) const {
    if (coroutine || plain.empty())
        return *loop;
    return *plain[std::hash<std::string_view>()(socket_id) % plain.size()];
}

void mailroom::tell_gone(std::string_view socket_id) const {
    bool const both = loop_used && !plain.empty();
    auto const letter = [id = std::string(socket_id), count = both ? 2 : 1]() -> py::object {
        return py::make_tuple(static_cast<int>(letter_kind::gone), id, count);
    };
    of(socket_id, false).post(letter);
    if (both)
        loop->post(letter);
}

// server_socket

void server_socket::submit(std::function<void()> fn) {
    if (!accepted_)
        held_.push_back(std::move(fn));
    else
        line_->submit(std::move(fn));
}

void server_socket::accept() {
    if (std::exchange(accepted_, true))
        return;
    line_->submit([next = std::exchange(next_, {}), s = socket_, mail = mail_] {
        next(std::nullopt);
        // It may have left meanwhile: then nobody else says so.
        if (auto* const home = s.home())
            home->dispatch([s, mail] {
                if (!s.connected())
                    mail->tell_gone(s.id());
            });
    });
    for (auto& fn : std::exchange(held_, {}))
        line_->submit(std::move(fn));
}

void server_socket::refuse(std::string message, std::optional<py::object> data) {
    sio::connect_error error{std::move(message), std::nullopt};
    if (data)
        error.data = write_json(*data, "a refusal");
    if (std::exchange(accepted_, true))
        return;
    held_.clear();
    line_->submit([next = std::exchange(next_, {}), error] { next(error); });
}

void server_socket::emit(std::string event, py::tuple const& values, bool is_volatile) {
    check_event(event);
    submit([s = socket_, event = std::move(event), args = write_args(values), is_volatile] {
        if (!is_volatile)
            emit_to(s, event, args);
        else if (args.text.empty())
            s.volatile_emit(event);
        else
            s.volatile_emit(event, args);
    });
}

void server_socket::ask(sio::ack_callback done, std::string event, py::tuple const& values,
                        double timeout) {
    check_event(event);
    if (!accepted_)
        throw py::value_error("a peer that has not been let in yet cannot answer");
    if (line_->ended)
        fail(make_error_code(sio::error::session_closed));
    line_->submit([s = socket_, done = std::move(done), event = std::move(event),
                   args = write_args(values), limit = duration_of(timeout)] {
        if (args.text.empty())
            s.emit_with_ack(done, limit, event);
        else
            s.emit_with_ack(done, limit, event, args);
    });
}

void server_socket::call(std::shared_ptr<inbox> box, std::uint64_t token, std::string event,
                         py::tuple const& values, double timeout) {
    ask(to_inbox(std::move(box), token), std::move(event), values, timeout);
}

py::tuple server_socket::call_blocking(std::string event, py::tuple const& values, double timeout) {
    auto const waiter = std::make_shared<blocking_answer>();
    ask(to_waiter(waiter), std::move(event), values, timeout);
    return wait_for(*waiter);
}

void server_socket::join(std::vector<std::string> rooms) {
    // Rooms of a peer that is not in yet count: nobody reaches it before.
    line_->submit([s = socket_, rooms = std::move(rooms)] { s.join(rooms); });
}

void server_socket::leave(std::string room) {
    line_->submit([s = socket_, room = std::move(room)] { s.leave(room); });
}

void server_socket::disconnect(bool close) {
    submit([s = socket_, close] { s.disconnect(close); });
}

// server_host

server_host::server_host(server_options options)
    : pool_(std::make_unique<mad::net::io_pool>(options.threads))
    , listen_(options.listen)
    , secure_(options.settings.http.tls != nullptr)
    , owner_(::getpid()) {
    server_ = std::make_unique<sio::server>(*pool_, std::move(options.settings));
    line_ = std::make_shared<lifeline>();
    line_->calls = std::make_shared<errands>((*pool_)[0]);
}

server_host::~server_host() {
    stop(0);
}

bool server_host::elsewhere() const {
    return owner_ != ::getpid();
}

bool server_host::running() const {
    return started_ && !line_->ended && !elsewhere();
}

std::size_t server_host::sessions() const {
    return running() ? server_->sessions() : 0;
}

std::shared_ptr<inbox> server_host::add_inbox() {
    auto made = std::make_shared<inbox>();
    mail_->plain.push_back(made);
    return made;
}

std::shared_ptr<inbox> server_host::loop_inbox() {
    mail_->loop_used = true;
    return mail_->loop;
}

void server_host::open(std::string const& nsp, bool coroutine) {
    if (line_->ended || elsewhere())
        return;
    auto& where = opened_[nsp];
    if (where) {
        *where = coroutine;
        return;
    }
    where = std::make_shared<std::atomic<bool>>(coroutine);
    auto const space = server_->of(nsp);
    space.use([line = std::shared_ptr<lifeline const>(line_),
               mail = std::shared_ptr<mailroom const>(mail_), where,
               nsp](sio::socket const& s, sio::next next) {
        auto const said = std::make_shared<introduction>(s.handshake());
        bool const recovered = s.recovered();
        auto rooms = recovered ? s.rooms() : std::vector<std::string>();
        mail->of(s.id(), *where)
            .post([line, mail, s, said, nsp, next, recovered,
                   rooms = std::move(rooms)]() -> py::object {
                py::list names;
                for (auto const& r : rooms)
                    names.append(read_text(r));
                return py::make_tuple(
                    static_cast<int>(letter_kind::connecting), nsp,
                    py::cast(std::make_unique<server_socket>(line, mail, s, next)), said->read(),
                    recovered, std::move(names));
            });
    });
    space.on_disconnect([mail = std::shared_ptr<mailroom const>(mail_),
                         where](sio::socket s, sio::disconnect_reason why) {
        mail->of(s.id(), *where).post([id = std::string(s.id()), why]() -> py::object {
            return py::make_tuple(static_cast<int>(letter_kind::disconnected), id,
                                  read_text(to_string(why)));
        });
        mail->tell_gone(s.id());
    });
}

void server_host::handle(std::string const& nsp, std::string const& event, std::uint64_t handler,
                         bool coroutine) {
    if (line_->ended || elsewhere())
        return;
    auto& known = routes_[{nsp, event}];
    bool const is_new = !known;
    if (is_new)
        known = std::make_shared<route>();
    known->coroutine = coroutine;
    known->handler = handler;
    if (!is_new)
        return;
    sio::listener fn = [line = std::shared_ptr<lifeline const>(line_),
                        mail = std::shared_ptr<mailroom const>(mail_), way = known,
                        with_name = event.empty()](sio::event_context& context) {
        auto const id = context.who().id();
        bool const crowded = mail->room->full();
        mail->of(id, way->coroutine)
            .post(
                event_letter(context, line, mail->room, way->handler, std::string(id), with_name));
        if (crowded) // this peer's next events wait until Python has caught up
            context.start(gate::wait(mail->room));
    };
    if (event.empty())
        server_->of(nsp).on_unhandled(std::move(fn));
    else
        server_->of(nsp).on(event, std::move(fn));
}

void server_host::start() {
    if (started_ || line_->ended || elsewhere())
        throw boost::system::system_error(
            make_error_code(boost::system::errc::operation_not_permitted), "a server starts once");
    auto const at = server_->listen(listen_).value();
    started_ = true;
    url_ = mad::net::http::url_of(at, secure_);
    pool_->start();
}

void server_host::stop(double drain) {
    if (elsewhere()) {
        static_cast<void>(server_.release()); // its threads are not here: nothing can be ended
        static_cast<void>(pool_.release());
        return;
    }
    if (line_->ended || !server_)
        return;
    bool const mine = !stopping_.exchange(true);
    if (!mine)
        return;
    if (started_) {
        unlocked const waiting;
        mail_->room->open(); // events that wait for room get it: nothing is left to wait for
        server_->close();
        mad::net::wait_until(
            [this] { return server_->sessions() == 0 && server_->connections() == 0; },
            duration_of(drain));
    }
    line_->ended = true;
    {
        unlocked const waiting;
        pool_->stop();
        server_.reset();
        pool_.reset();
    }
    for (auto const& box : mail_->plain)
        box->close();
    mail_->loop->close();
}

} // namespace mad_python
