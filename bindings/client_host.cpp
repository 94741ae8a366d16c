#include "client_host.hpp"

#include <mad/core/json.hpp>
#include <mad/core/json_parse.hpp>
#include <mad/net/shard.hpp>

#include <cmath>
#include <csignal>
#include <pthread.h>
#include <unistd.h>

namespace py = pybind11;
namespace sio = mad::socketio;

namespace mad_python {
namespace {

mad::json auth_of(py::object const& value) {
    if (value.is_none())
        return nullptr;
    if (!PyDict_Check(value.ptr()))
        throw py::type_error("auth must be a dict or None");
    return mad::parse_json(write_json(value, "auth"), mad::json_limits::trusted()).value();
}

template <class... Ts>
inbox::letter letter(letter_kind kind, Ts... values) {
    return [kind, values...]() -> py::object {
        return py::make_tuple(static_cast<int>(kind), values...);
    };
}

} // namespace

/// Namespaces that wait for their `auth`. Its members are used on the client's thread, but for the
/// answer.
struct client_host::questions {
    std::mutex mutex;
    std::map<std::uint64_t, std::function<void(mad::json)>> open;
    std::uint64_t last = 0;

    std::uint64_t add(std::function<void(mad::json)> answer) {
        std::lock_guard const lock(mutex);
        open.emplace(++last, std::move(answer));
        return last;
    }
    std::function<void(mad::json)> take(std::uint64_t token) {
        std::lock_guard const lock(mutex);
        auto const it = open.find(token);
        if (it == open.end())
            return {};
        auto fn = std::move(it->second);
        open.erase(it);
        return fn;
    }
    void clear() {
        std::lock_guard const lock(mutex);
        open.clear();
    }
};

client_host::client_host(sio::client_settings settings)
    : context_(std::make_unique<boost::asio::io_context>(1))
    , questions_(std::make_shared<questions>())
    , reconnection_(settings.reconnection)
    , owner_(::getpid()) {
    client_ = std::make_unique<sio::client>(*context_, std::move(settings));
    default_nsp_ = client_->socket().nsp();
    line_ = std::make_shared<lifeline>();
    line_->calls = std::make_shared<errands>(mad::net::shard::of(*context_));
    work_.emplace(boost::asio::make_work_guard(*context_));
    client_->on_reconnect_attempt(
        [box = box_](std::size_t n) { box->post(letter(letter_kind::reconnect_attempt, n)); });
    client_->on_reconnect(
        [box = box_](std::size_t n) { box->post(letter(letter_kind::reconnected, n)); });
    client_->on_reconnect_failed([box = box_] { box->post(letter(letter_kind::gave_up)); });

    // Signals are for Python's threads.
    ::sigset_t all, before;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    thread_ = std::thread([this] { run(); });
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

// Some time for the goodbye: a polling peer that goes without a word is missed late.
client_host::~client_host() {
    stop(0.5);
}

bool client_host::elsewhere() const {
    return owner_ != ::getpid();
}

void client_host::run() {
    for (;;) {
        try {
            context_->run();
            break;
        } catch (...) {
            mad::net::shard::of(*context_).fault("python.client");
        }
    }
    ended_.set_value();
}

void client_host::stop(double seconds) {
    if (elsewhere()) {
        // The thread is not here: nothing of it can be ended.
        if (thread_.joinable())
            new std::thread(std::move(thread_));
        if (work_)
            new guard(std::move(*work_));
        static_cast<void>(client_.release());
        static_cast<void>(context_.release());
        return;
    }
    if (stopping_.exchange(true))
        return;
    line_->ended = true;
    {
        unlocked const waiting;
        room_->open();
        // What was said before goes out first, and then the goodbye.
        line_->calls->submit([client = client_.get()] { client->close(); });
        line_->calls->submit([this] { client_.reset(); });
        work_.reset();
        if (ended_.get_future().wait_for(duration_of(seconds)) != std::future_status::ready)
            context_->stop();
        thread_.join();
        client_.reset();
        sockets_.clear();
        questions_->clear();
        context_.reset();
    }
    box_->close();
}

sio::client_socket client_host::socket(std::string const& nsp) {
    if (!running())
        return {};
    auto it = sockets_.find(nsp);
    if (it == sockets_.end()) {
        try {
            it = sockets_.emplace(nsp, client_->socket(nsp)).first;
        } catch (std::invalid_argument const& wrong) {
            throw py::value_error(wrong.what());
        }
    }
    return it->second;
}

void client_host::open(std::string const& nsp) {
    auto const s = socket(nsp);
    s.on_connect([box = box_, nsp, s] {
        box->post(letter(letter_kind::connected, nsp, s.id(), s.recovered()));
    });
    s.on_error([box = box_, nsp](sio::server_error const& e) {
        box->post([nsp, e]() -> py::object {
            return py::make_tuple(static_cast<int>(letter_kind::server_error), nsp,
                                  read_text(e.message),
                                  e.data ? read_json(*e.data) : py::object(py::none()));
        });
    });
    s.on_disconnect([box = box_, nsp, again = reconnection_](sio::disconnect_reason why) {
        bool const final = !again || !sio::reconnects_after(why);
        box->post(letter(letter_kind::disconnected, nsp, std::string(to_string(why)), final));
    });
    s.on_connect_error([box = box_, nsp, again = reconnection_](sio::connect_failure const& f) {
        bool const final = !again || f.refused() || f.code == sio::error::incompatible_peer;
        box->post([nsp, f, final]() -> py::object {
            auto data = f.data ? read_json(*f.data) : py::object(py::none());
            return py::make_tuple(static_cast<int>(letter_kind::connect_error), nsp,
                                  describe(f.code), read_text(f.message), std::move(data),
                                  f.refused(), final);
        });
    });
}

void client_host::handle(std::string const& nsp, std::string const& event, std::uint64_t handler) {
    auto const s = socket(nsp);
    auto& known = routes_[{nsp, event}];
    bool const is_new = !known;
    if (is_new)
        known = std::make_shared<route>();
    known->handler = handler;
    if (!is_new)
        return;
    sio::listener fn = [line = std::shared_ptr<lifeline const>(line_), box = box_, room = room_,
                        way = known, nsp, with_name = event.empty()](sio::event_context& context) {
        bool const crowded = room->full();
        box->post(event_letter(context, line, room, way->handler, nsp, with_name));
        if (crowded) // reading stops until Python has caught up
            context.start(gate::wait(room));
    };
    if (event.empty())
        s.on_unhandled(std::move(fn));
    else
        s.on(event, std::move(fn));
}

void client_host::connect(std::string const& nsp) {
    line_->submit([s = socket(nsp)] { s.connect(); });
}

void client_host::leave(std::string const& nsp) {
    line_->submit([s = socket(nsp)] { s.disconnect(); });
}

void client_host::set_auth(std::string const& nsp, py::object value) {
    line_->submit([s = socket(nsp), auth = auth_of(value)] { s.set_auth(auth); });
}

void client_host::ask_auth(std::string const& nsp) {
    using answer_type = sio::client_socket::auth_answer;
    socket(nsp).set_auth_source(
        std::function<void(answer_type)>([box = box_, asked = questions_, nsp](answer_type told) {
            box->post(letter(letter_kind::auth, nsp, asked->add(std::move(told))));
        }));
}

void client_host::answer_auth(std::uint64_t token, py::object value) {
    auto auth = auth_of(value);
    if (auto const fn = questions_->take(token); fn && running())
        fn(std::move(auth));
}

void client_host::emit(std::string const& nsp, std::string event, py::tuple const& values,
                       bool is_volatile) {
    check_event(event);
    line_->submit(
        [s = socket(nsp), event = std::move(event), args = write_args(values), is_volatile] {
            if (args.text.empty())
                is_volatile ? s.volatile_emit(event) : s.emit(event);
            else
                is_volatile ? s.volatile_emit(event, args) : s.emit(event, args);
        });
}

void client_host::ask(sio::ack_callback done, std::string const& nsp, std::string event,
                      py::tuple const& values, double timeout) {
    check_event(event);
    if (line_->ended)
        fail(make_error_code(sio::error::session_closed));
    line_->submit([s = socket(nsp), done = std::move(done), event = std::move(event),
                   args = write_args(values), limit = duration_of(timeout)] {
        if (args.text.empty())
            s.emit_with_ack(done, limit, event);
        else
            s.emit_with_ack(done, limit, event, args);
    });
}

void client_host::call(std::uint64_t token, std::string const& nsp, std::string event,
                       py::tuple const& values, double timeout) {
    ask(to_inbox(box_, token), nsp, std::move(event), values, timeout);
}

py::tuple client_host::call_blocking(std::string const& nsp, std::string event,
                                     py::tuple const& values, double timeout) {
    auto const waiter = std::make_shared<blocking_answer>();
    ask(to_waiter(waiter), nsp, std::move(event), values, timeout);
    return wait_for(*waiter);
}

bool client_host::connected(std::string const& nsp) {
    return socket(nsp).connected();
}

std::string client_host::transport() {
    auto const waiter = std::make_shared<awaited<std::string>>();
    bool const told = line_->submit([client = client_.get(), waiter] {
        auto const kind = client->transport();
        waiter->set(kind ? std::string(to_string(*kind)) : std::string());
    });
    return told ? waiter->wait(5).value_or("") : "";
}

void client_host::drop_connection() {
    line_->submit([client = client_.get()] { client->drop_connection(); });
}

} // namespace mad_python
