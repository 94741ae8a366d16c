#include "gil.hpp"
#include "register.hpp"
#include "server_host.hpp"

#include <mad/net/tls_engine.hpp>

#include <pybind11/stl.h>

#include <cmath>

namespace py = pybind11;
namespace sio = mad::socketio;

namespace mad_python {
namespace {

mad::milliseconds positive(double seconds, char const* name) {
    if (!(seconds >= 0.001 && seconds <= 86400 * 365))
        refuse(std::string(name) + " must be at least a millisecond, in seconds");
    return mad::milliseconds(std::llround(seconds * 1000));
}

std::unique_ptr<server_host>
make_server(std::string const& host, std::uint16_t port, std::string path,
            std::vector<std::string> transports, bool allow_upgrades, bool allow_eio3,
            std::vector<std::string> cors_origins, bool cors_credentials, bool check_origin,
            double ping_interval, double ping_timeout, double connect_timeout,
            std::size_t max_payload, std::size_t max_connections, std::string tls_cert,
            std::string tls_key, std::size_t threads) {
    server_options options;
    auto& s = options.settings;
    auto& e = s.engine;
    boost::system::error_code error;
    auto const address = boost::asio::ip::make_address(host, error);
    if (error)
        refuse("not an address to listen on: " + host);
    options.listen = {address, port};
    if (threads < 1 || threads > 256)
        refuse("threads must be 1 to 256");
    options.threads = threads;
    if (!path.starts_with('/'))
        path.insert(path.begin(), '/');
    if (!path.ends_with('/'))
        path += '/';
    e.path = std::move(path);
    e.handshake.polling = e.handshake.websocket = false;
    for (auto const& name : transports) {
        if (name == "polling")
            e.handshake.polling = true;
        else if (name == "websocket")
            e.handshake.websocket = true;
        else
            refuse("no such transport: " + name);
    }
    if (transports.empty())
        refuse("at least one transport is needed");
    e.allow_upgrades = allow_upgrades;
    e.handshake.allow_eio3 = allow_eio3;
    e.cors.origins = std::move(cors_origins);
    e.cors.credentials = cors_credentials;
    if (cors_credentials && e.cors.any_origin())
        refuse("cors_credentials needs the origins by name");
    e.check_origin = check_origin && !e.cors.any_origin();
    e.ping_interval = positive(ping_interval, "ping_interval");
    e.ping_timeout = positive(ping_timeout, "ping_timeout");
    s.connect_timeout = positive(connect_timeout, "connect_timeout");
    if (max_payload < 1)
        refuse("max_payload must be at least 1 byte");
    e.max_payload = max_payload;
    s.packets.max_attachment_bytes = max_payload;
    if (max_connections > 0)
        s.http.max_connections = max_connections;
    if (tls_cert.empty() != tls_key.empty())
        refuse("tls_cert and tls_key go together");
    if (!tls_cert.empty()) {
        auto context = mad::net::tls_server_context::load(tls_cert, tls_key);
        if (!context)
            throw boost::system::system_error(context.error().code, context.error().message);
        s.http.tls = *context;
    }
    try {
        return std::make_unique<server_host>(std::move(options));
    } catch (boost::system::system_error const&) {
        throw;
    } catch (std::exception const& wrong) {
        refuse(wrong.what());
    }
}

} // namespace

void register_socketio_server(py::module_& module) {
    py::class_<inbox, std::shared_ptr<inbox>>(module, "Inbox", "What native threads tell Python.")
        .def("take", &inbox::take, py::arg("seconds"))
        .def("drain", &inbox::drain)
        .def("fileno", &inbox::fileno);

    py::class_<answer>(module, "Answer", "The answer to an event that asked for one.")
        .def("send", &answer::send);

    py::class_<server_socket>(module, "ServerSocket", "A peer of a SocketServer.")
        .def_property_readonly("id", &server_socket::id)
        .def("accept", &server_socket::accept)
        .def("refuse", &server_socket::refuse, py::arg("message"), py::arg("data"))
        .def("emit", &server_socket::emit, py::arg("event"), py::arg("values"),
             py::arg("is_volatile"))
        .def("call", &server_socket::call, py::arg("inbox"), py::arg("token"), py::arg("event"),
             py::arg("values"), py::arg("timeout"))
        .def("call_blocking", &server_socket::call_blocking, py::arg("event"), py::arg("values"),
             py::arg("timeout"))
        .def("join", &server_socket::join, py::arg("rooms"))
        .def("leave", &server_socket::leave, py::arg("room"))
        .def("disconnect", &server_socket::disconnect, py::arg("close"));

    py::class_<server_host>(module, "SocketServer", "A Socket.IO server.")
        .def(py::init(&make_server), py::kw_only(), py::arg("host"), py::arg("port"),
             py::arg("path"), py::arg("transports"), py::arg("allow_upgrades"),
             py::arg("allow_eio3"), py::arg("cors_origins"), py::arg("cors_credentials"),
             py::arg("check_origin"), py::arg("ping_interval"), py::arg("ping_timeout"),
             py::arg("connect_timeout"), py::arg("max_payload"), py::arg("max_connections"),
             py::arg("tls_cert"), py::arg("tls_key"), py::arg("threads"))
        .def("add_inbox", &server_host::add_inbox)
        .def("loop_inbox", &server_host::loop_inbox)
        .def("open", &server_host::open, py::arg("nsp"), py::arg("coroutine"))
        .def("handle", &server_host::handle, py::arg("nsp"), py::arg("event"), py::arg("handler"),
             py::arg("coroutine"))
        .def("start", &server_host::start)
        .def("stop", &server_host::stop, py::arg("drain"))
        .def_property_readonly("url", &server_host::url)
        .def_property_readonly("running", &server_host::running)
        .def_property_readonly("sessions", &server_host::sessions)
        .def("handled", &server_host::handled, py::arg("events"))
        .def("emit", &server_host::emit, py::arg("nsp"), py::arg("event"), py::arg("values"),
             py::arg("to"), py::arg("skip"), py::arg("is_volatile"))
        .def("leave_room", &server_host::leave_room, py::arg("nsp"), py::arg("room"))
        .def("disconnect", &server_host::disconnect, py::arg("nsp"), py::arg("to"),
             py::arg("close"));
}

} // namespace mad_python
