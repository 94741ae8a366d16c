#include "gil.hpp"
#include "log_box.hpp"
#include "register.hpp"
#include "server_host.hpp"
#include "wire_settings.hpp"

#include <mad/net/tls_engine.hpp>

#include <pybind11/stl.h>

#include <cmath>
#include <stdexcept>
#include <tuple>

namespace py = pybind11;
namespace sio = mad::socketio;

namespace mad_python {
namespace {

mad::milliseconds positive(double seconds, char const* name) {
    if (!(seconds >= 0.001 && seconds <= 86400 * 365))
        refuse(std::string(name) + " must be at least a millisecond, in seconds");
    return mad::milliseconds(std::llround(seconds * 1000));
}

/// Seconds away, packets, bytes, sessions.
using recovery_terms = std::tuple<double, std::size_t, std::size_t, std::size_t>;

sio::recovery_settings recovery_of(recovery_terms const& terms) {
    sio::recovery_settings out;
    out.max_disconnection_duration = positive(std::get<0>(terms), "max_disconnection_duration");
    std::tie(std::ignore, out.max_packets, out.max_bytes, out.max_sessions) = terms;
    // Python asks its middlewares itself: it has to hear of the peer anyway.
    out.skip_middlewares = false;
    return out;
}

std::unique_ptr<server_host>
make_server(std::string const& host, std::uint16_t port, std::string path,
            std::vector<std::string> transports, bool allow_upgrades, bool allow_eio3, bool jsonp,
            std::vector<std::string> cors_origins, bool cors_credentials, bool check_origin,
            std::vector<std::string> const& trusted_proxies, std::string const& cookie,
            double ping_interval, double ping_timeout, double connect_timeout,
            std::size_t max_payload, std::size_t max_connections, double max_packet_rate,
            std::string const& parser, std::optional<compression_terms> const& compression,
            std::optional<recovery_terms> const& recovery, std::string client_folder,
            std::string tls_cert, std::string tls_key, std::size_t threads, log_box& log) {
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
    e.handshake.jsonp = jsonp;
    e.cors.origins = std::move(cors_origins);
    e.cors.credentials = cors_credentials;
    if (cors_credentials && e.cors.any_origin())
        refuse("cors_credentials needs the origins by name");
    e.check_origin = check_origin && !e.cors.any_origin();
    for (auto const& network : trusted_proxies)
        if (!e.trust.add(network))
            refuse("no network to trust: " + network);
    if (!cookie.empty()) {
        e.cookie.emplace().name = cookie;
        try {
            static_cast<void>(e.cookie->header());
        } catch (std::invalid_argument const& wrong) {
            refuse(std::string("cookie: ") + wrong.what());
        }
    }
    e.ping_interval = positive(ping_interval, "ping_interval");
    e.ping_timeout = positive(ping_timeout, "ping_timeout");
    s.connect_timeout = positive(connect_timeout, "connect_timeout");
    if (max_payload < 1)
        refuse("max_payload must be at least 1 byte");
    e.max_payload = max_payload;
    s.packets.max_attachment_bytes = max_payload;
    if (max_connections > 0)
        s.http.max_connections = max_connections;
    if (!(max_packet_rate >= 0 && max_packet_rate <= 1e9))
        refuse("max_packet_rate must be 0 or more packets a second");
    s.max_packet_rate = max_packet_rate;
    s.parser = parser_of(parser);
    if (compression) {
        e.per_message_deflate = websocket_compression(*compression);
        e.http_compression = http_compression(*compression);
    }
    if (recovery)
        s.recovery = recovery_of(*recovery);
    s.client_folder = std::move(client_folder);
    s.log = e.log = s.http.log = log.open();
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
             py::arg("allow_eio3"), py::arg("jsonp"), py::arg("cors_origins"),
             py::arg("cors_credentials"), py::arg("check_origin"), py::arg("trusted_proxies"),
             py::arg("cookie"), py::arg("ping_interval"), py::arg("ping_timeout"),
             py::arg("connect_timeout"), py::arg("max_payload"), py::arg("max_connections"),
             py::arg("max_packet_rate"), py::arg("parser"), py::arg("compression"),
             py::arg("recovery"), py::arg("client_folder"), py::arg("tls_cert"), py::arg("tls_key"),
             py::arg("threads"), py::arg("log"))
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
        .def("emit", &server_host::emit, py::arg("who"), py::arg("event"), py::arg("values"),
             py::arg("is_volatile"), py::arg("compress"))
        .def("call", &server_host::call, py::arg("inbox"), py::arg("token"), py::arg("who"),
             py::arg("event"), py::arg("values"), py::arg("timeout"))
        .def("call_blocking", &server_host::call_blocking, py::arg("who"), py::arg("event"),
             py::arg("values"), py::arg("timeout"))
        .def("fetch", &server_host::fetch, py::arg("inbox"), py::arg("token"), py::arg("who"))
        .def("fetch_blocking", &server_host::fetch_blocking, py::arg("who"))
        .def("join", &server_host::join, py::arg("who"), py::arg("rooms"))
        .def("leave", &server_host::leave, py::arg("who"), py::arg("rooms"))
        .def("disconnect", &server_host::disconnect, py::arg("who"), py::arg("close"))
        .def("handle_server_side", &server_host::handle_server_side, py::arg("nsp"),
             py::arg("event"), py::arg("handler"), py::arg("coroutine"))
        .def("server_side_emit", &server_host::server_side_emit, py::arg("nsp"), py::arg("event"),
             py::arg("values"))
        .def("server_side_call", &server_host::server_side_call, py::arg("inbox"), py::arg("token"),
             py::arg("nsp"), py::arg("event"), py::arg("values"), py::arg("timeout"))
        .def("server_side_call_blocking", &server_host::server_side_call_blocking, py::arg("nsp"),
             py::arg("event"), py::arg("values"), py::arg("timeout"));
}

} // namespace mad_python
