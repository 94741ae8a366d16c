// How Python reaches many sockets at once, and other nodes.

#include "server_host.hpp"

#include <mad/core/json.hpp>
#include <mad/socketio/error.hpp>

#include <algorithm>

namespace py = pybind11;
namespace sio = mad::socketio;

namespace mad_python {
namespace {

/// ValueError for names that nodes keep for themselves.
void check_server_side(std::string const& event) {
    if (event == "connect" || event == "connection" || event == "new_namespace")
        throw py::value_error('"' + event + "\" is a reserved event name");
}

/// For calls that know no 0: it means forever, and this is nearly that.
mad::milliseconds limit_of(double seconds) {
    return duration_of(seconds > 0 ? std::max(seconds, 0.001) : 1e9);
}

} // namespace

sio::broadcast_operator server_host::target(audience const& who) const {
    auto const& [nsp, to, skip] = who;
    return server_->of(nsp).to(to).except(skip);
}

void server_host::emit(audience const& who, std::string event, py::tuple const& values,
                       bool is_volatile, bool compress) {
    check_event(event);
    auto args = write_args(values);
    if (!running())
        return;
    auto all = target(who).compress(compress);
    if (is_volatile)
        all = all.as_volatile();
    line_->submit(
        [all, event = std::move(event), args = std::move(args)] { emit_to(all, event, args); });
}

void server_host::ask(answers_callback done, audience const& who, std::string event,
                      py::tuple const& values, double timeout) {
    check_event(event);
    auto args = write_args(values);
    if (!running())
        fail(make_error_code(sio::error::session_closed));
    line_->submit([all = target(who).timeout(limit_of(timeout)), done = std::move(done),
                   event = std::move(event), args = std::move(args)] {
        if (args.text.empty())
            all.emit_with_ack(done, event);
        else
            all.emit_with_ack(done, event, args);
    });
}

void server_host::call(std::shared_ptr<inbox> box, std::uint64_t token, audience const& who,
                       std::string event, py::tuple const& values, double timeout) {
    ask(answers_to_inbox(std::move(box), token), who, std::move(event), values, timeout);
}

py::list server_host::call_blocking(audience const& who, std::string event, py::tuple const& values,
                                    double timeout) {
    auto const waiter = std::make_shared<blocking_answers>();
    ask(answers_to_waiter(waiter), who, std::move(event), values, timeout);
    return wait_for(*waiter);
}

void server_host::find(found_callback done, audience const& who) {
    if (!running())
        fail(make_error_code(sio::error::session_closed));
    line_->submit([all = target(who), done = std::move(done)] {
        all.fetch_sockets([done](mad::result<std::vector<sio::remote_socket>> found) {
            if (!found)
                return done(found.error());
            // What a letter holds may outlive the server: no handles.
            std::vector<sio::socket_info> infos;
            for (auto& one : *found)
                infos.push_back(std::move(one));
            done(std::move(infos));
        });
    });
}

void server_host::fetch(std::shared_ptr<inbox> box, std::uint64_t token, audience const& who) {
    find(found_to_inbox(std::move(box), token), who);
}

py::list server_host::fetch_blocking(audience const& who) {
    auto const waiter = std::make_shared<blocking_found>();
    find(found_to_waiter(waiter), who);
    return wait_for(*waiter);
}

void server_host::join(audience const& who, std::vector<std::string> rooms) {
    if (running())
        line_->submit([all = target(who), rooms = std::move(rooms)] { all.sockets_join(rooms); });
}

void server_host::leave(audience const& who, std::vector<std::string> rooms) {
    if (running())
        line_->submit([all = target(who), rooms = std::move(rooms)] { all.sockets_leave(rooms); });
}

void server_host::disconnect(audience const& who, bool close) {
    if (running())
        line_->submit([all = target(who), close] { all.disconnect_sockets(close); });
}

// Other nodes

void server_host::handle_server_side(std::string const& nsp, std::string const& event,
                                     std::uint64_t handler, bool coroutine) {
    if (line_->ended || elsewhere())
        return;
    auto& known = node_routes_[{nsp, event}];
    bool const is_new = !known;
    if (is_new)
        known = std::make_shared<route>();
    known->coroutine = coroutine;
    known->handler = handler;
    if (!is_new)
        return;
    server_->of(nsp).on_server_side(event, [line = std::shared_ptr<lifeline const>(line_),
                                            mail = std::shared_ptr<mailroom const>(mail_),
                                            way = known,
                                            nsp](sio::arguments const& values, node_reply reply) {
        mail->of(nsp, way->coroutine)
            .post([line, number = way->handler.load(), values,
                   reply = std::move(reply)]() -> py::object {
                py::object back = py::none();
                if (reply)
                    back = py::cast(std::make_unique<answer>(line, reply));
                return py::make_tuple(static_cast<int>(letter_kind::server_side), number,
                                      read_values(values), std::move(back));
            });
    });
}

void server_host::server_side_emit(std::string const& nsp, std::string event,
                                   py::tuple const& values) {
    check_server_side(event);
    auto args = arguments_of(values);
    if (running())
        line_->submit([space = server_->of(nsp), event = std::move(event), args = std::move(args)] {
            space.server_side_emit(event, args);
        });
}

void server_host::ask_nodes(answers_callback done, std::string const& nsp, std::string event,
                            py::tuple const& values, double timeout) {
    check_server_side(event);
    auto args = arguments_of(values);
    if (!running())
        fail(make_error_code(sio::error::session_closed));
    line_->submit([space = server_->of(nsp), done = std::move(done), event = std::move(event),
                   args = std::move(args), limit = limit_of(timeout)] {
        space.server_side_emit_with_ack(done, event, args, limit);
    });
}

void server_host::server_side_call(std::shared_ptr<inbox> box, std::uint64_t token,
                                   std::string const& nsp, std::string event,
                                   py::tuple const& values, double timeout) {
    ask_nodes(answers_to_inbox(std::move(box), token), nsp, std::move(event), values, timeout);
}

py::list server_host::server_side_call_blocking(std::string const& nsp, std::string event,
                                                py::tuple const& values, double timeout) {
    auto const waiter = std::make_shared<blocking_answers>();
    ask_nodes(answers_to_waiter(waiter), nsp, std::move(event), values, timeout);
    return wait_for(*waiter);
}

} // namespace mad_python
