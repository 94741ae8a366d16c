#include "client_host.hpp"
#include "gil.hpp"
#include "log_box.hpp"
#include "register.hpp"
#include "wire_settings.hpp"

#include <mad/net/tls_dialer.hpp>

#include <pybind11/stl.h>

#include <cmath>

namespace py = pybind11;
namespace sio = mad::socketio;

namespace mad_python {
namespace {

using pairs = std::vector<std::pair<std::string, std::string>>;

mad::milliseconds in_range(double seconds, double least, char const* name) {
    if (!(seconds >= least && seconds <= 86400 * 365))
        refuse(std::string(name) + " is no number of seconds that makes sense here");
    return mad::milliseconds(std::llround(seconds * 1000));
}

std::unique_ptr<client_host>
make_client(std::string url, std::string path, std::vector<std::string> transports, bool upgrade,
            bool remember_upgrade, bool try_all_transports, int revision, pairs query,
            pairs headers, std::string proxy, bool cookies, double timeout, bool reconnection,
            std::optional<std::size_t> reconnection_attempts, double reconnection_delay,
            double reconnection_delay_max, double randomization_factor, double ack_timeout,
            std::size_t retries, std::size_t max_buffered_packets, std::size_t max_buffered_bytes,
            std::size_t max_payload, std::string const& parser,
            std::optional<compression_terms> const& compression, bool verify, std::string ca_file,
            log_box& log) {
    sio::client_settings s(std::move(url));
    auto& e = s.engine;
    e.path = std::move(path);
    e.transports.clear();
    for (auto const& name : transports) {
        if (name == "polling")
            e.transports.push_back(mad::engine::transport_kind::polling);
        else if (name == "websocket")
            e.transports.push_back(mad::engine::transport_kind::websocket);
        else
            refuse("no such transport: " + name);
    }
    if (e.transports.empty())
        refuse("at least one transport is needed");
    e.upgrade = upgrade;
    e.try_all_transports = try_all_transports;
    s.remember_upgrade = remember_upgrade;
    if (revision != 3 && revision != 4)
        refuse("revision must be 4, or 3 for servers of Socket.IO 2.x");
    e.rev = revision == 3 ? mad::engine::revision::eio3 : mad::engine::revision::eio4;
    e.query = std::move(query);
    e.headers = std::move(headers);
    e.proxy = std::move(proxy);
    e.cookies = cookies;
    e.timeout = in_range(timeout, 0.001, "timeout");
    if (max_payload < 1)
        refuse("max_payload must be at least 1 byte");
    e.max_payload = max_payload;
    s.packets.max_attachment_bytes = max_payload;
    s.reconnection = reconnection;
    s.reconnection_attempts = reconnection_attempts;
    s.backoff.delay = in_range(reconnection_delay, 0, "reconnection_delay");
    s.backoff.delay_max = in_range(reconnection_delay_max, 0, "reconnection_delay_max");
    if (!(randomization_factor >= 0 && randomization_factor <= 1))
        refuse("randomization_factor must be 0 to 1");
    s.backoff.randomization = randomization_factor;
    s.ack_timeout = in_range(ack_timeout, 0, "ack_timeout");
    s.retries = retries;
    s.max_buffered_packets = max_buffered_packets;
    s.max_buffered_bytes = max_buffered_bytes;
    s.parser = parser_of(parser);
    if (compression)
        e.per_message_deflate = websocket_compression(*compression);
    s.log = e.log = log.open();
    if (e.url.starts_with("https:") || e.url.starts_with("wss:")) {
        mad::net::tls_client_settings tls;
        tls.ca_file = std::move(ca_file);
        tls.verify = verify;
        auto context = mad::net::tls_client_context::load(std::move(tls));
        if (!context)
            throw boost::system::system_error(context.error().code, context.error().message);
        e.tls = std::make_shared<mad::net::tls_dialer>(*context);
    }
    try {
        return std::make_unique<client_host>(std::move(s));
    } catch (boost::system::system_error const&) {
        throw;
    } catch (std::exception const& wrong) {
        refuse(wrong.what());
    }
}

} // namespace

void register_socketio_client(py::module_& module) {
    py::class_<client_host>(module, "SocketClient", "A Socket.IO client.")
        .def(py::init(&make_client), py::kw_only(), py::arg("url"), py::arg("path"),
             py::arg("transports"), py::arg("upgrade"), py::arg("remember_upgrade"),
             py::arg("try_all_transports"), py::arg("revision"), py::arg("query"),
             py::arg("headers"), py::arg("proxy"), py::arg("cookies"), py::arg("timeout"),
             py::arg("reconnection"), py::arg("reconnection_attempts"),
             py::arg("reconnection_delay"), py::arg("reconnection_delay_max"),
             py::arg("randomization_factor"), py::arg("ack_timeout"), py::arg("retries"),
             py::arg("max_buffered_packets"), py::arg("max_buffered_bytes"), py::arg("max_payload"),
             py::arg("parser"), py::arg("compression"), py::arg("verify"), py::arg("ca_file"),
             py::arg("log"))
        .def("inbox", &client_host::box)
        .def_property_readonly("default_nsp", &client_host::default_nsp)
        .def("open", &client_host::open, py::arg("nsp"))
        .def("handle", &client_host::handle, py::arg("nsp"), py::arg("event"), py::arg("handler"))
        .def("connect", &client_host::connect, py::arg("nsp"))
        .def("leave", &client_host::leave, py::arg("nsp"))
        .def("set_auth", &client_host::set_auth, py::arg("nsp"), py::arg("value"))
        .def("ask_auth", &client_host::ask_auth, py::arg("nsp"))
        .def("answer_auth", &client_host::answer_auth, py::arg("token"), py::arg("value"))
        .def("emit", &client_host::emit, py::arg("nsp"), py::arg("event"), py::arg("values"),
             py::arg("is_volatile"))
        .def("call", &client_host::call, py::arg("token"), py::arg("nsp"), py::arg("event"),
             py::arg("values"), py::arg("timeout"))
        .def("call_blocking", &client_host::call_blocking, py::arg("nsp"), py::arg("event"),
             py::arg("values"), py::arg("timeout"))
        .def("connected", &client_host::connected, py::arg("nsp"))
        .def("transport", &client_host::transport)
        .def("handled", &client_host::handled, py::arg("events"))
        .def("drop_connection", &client_host::drop_connection)
        .def("stop", &client_host::stop, py::arg("seconds"))
        .def_property_readonly("running", &client_host::running);
}

} // namespace mad_python
