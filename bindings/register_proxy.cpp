#include "hosted_class.hpp"
#include "log_box.hpp"
#include "proxy_host.hpp"
#include "register.hpp"

#include <mad/net/tls_dialer.hpp>
#include <mad/net/tls_engine.hpp>

#include <pybind11/stl.h>

#include <algorithm>
#include <cmath>

namespace py = pybind11;

namespace mad_python {
namespace {

mad::proxy::upstream upstream_of(std::string const& text) {
    auto parsed = mad::proxy::parse_upstream(text);
    if (!parsed)
        refuse(parsed.error().message);
    return std::move(*parsed);
}

mad::milliseconds milliseconds_of(char const* what, double seconds) {
    if (!(seconds >= 0 && seconds <= 3600))
        refuse(std::string(what) + " must be 0 to 3600 seconds");
    return mad::milliseconds(std::lround(seconds * 1000));
}

mad::proxy::cookie_signer signer_of(std::string const& secret) {
    if (secret.empty())
        return {};
    if (secret.size() < mad::proxy::cookie_signer::least_secret)
        refuse("cookie_secret must have 16 bytes or more");
    return mad::proxy::cookie_signer(secret);
}

std::unique_ptr<proxy>
make_proxy(std::string const& host, std::uint16_t port, std::vector<std::string> const& upstreams,
           std::string const& web, std::string const& affinity,
           std::vector<std::string> const& trust, std::string path, std::string health,
           std::string const& cookie_secret, bool cross_site_cookie, double drain_grace,
           double drain_over, std::size_t max_connections, std::size_t max_connections_per_address,
           double max_rate_per_address, bool accept_proxy_protocol, std::string const& tls_cert,
           std::string const& tls_key, std::string const& ca_file, std::size_t threads,
           log_box& log) {
    proxy_settings made;
    made.listen = endpoint_of(host, port);
    made.threads = threads;
    auto& s = made.proxy;
    for (auto const& one : upstreams)
        s.upstreams.push_back(upstream_of(one));
    if (!web.empty())
        s.web = upstream_of(web);
    auto const rules = mad::proxy::parse_affinity(affinity);
    if (!rules)
        refuse("affinity must be sid,cookie,hash or a part of it that ends with hash: " + affinity);
    s.affinity = *rules;
    auto trusted = mad::net::trust_list::parse(trust);
    if (!trusted)
        refuse("trust must hold networks such as 10.0.0.0/8, addresses, or loopback");
    s.trust = std::move(*trusted);
    s.engine_path = std::move(path);
    s.health.path = std::move(health);
    s.drain.grace = milliseconds_of("drain_grace", drain_grace);
    s.drain.over = milliseconds_of("drain_over", drain_over);
    s.cookies = signer_of(cookie_secret);
    s.cross_site_cookie = cross_site_cookie;
    if (max_connections > 0)
        s.max_connections = max_connections;
    s.addresses.max_connections = max_connections_per_address;
    s.addresses.max_rate = max_rate_per_address;
    s.accept_proxy_protocol = accept_proxy_protocol;
    if (tls_cert.empty() != tls_key.empty())
        refuse("tls_cert and tls_key go together");
    if (!tls_cert.empty()) {
        auto context = mad::net::tls_server_context::load(tls_cert, tls_key);
        if (!context)
            refuse(context.error().message);
        s.tls = *context;
    }
    auto const is_secure = [](mad::proxy::upstream const& u) { return u.secure; };
    if (!ca_file.empty() || (s.web && s.web->secure) ||
        std::any_of(s.upstreams.begin(), s.upstreams.end(), is_secure)) {
        mad::net::tls_client_settings client;
        client.ca_file = ca_file;
        auto context = mad::net::tls_client_context::load(client);
        if (!context)
            refuse(context.error().message);
        s.upstream_tls = std::make_shared<mad::net::tls_dialer>(*context);
    }
    s.log = log.open();
    return make_hosted<proxy>(std::move(made));
}

} // namespace

void register_proxy(py::module_& module) {
    server_class<proxy>(module, "Proxy", "A sticky proxy for Socket.IO.")
        .def(py::init(&make_proxy), py::kw_only(), py::arg("host"), py::arg("port"),
             py::arg("upstreams"), py::arg("web"), py::arg("affinity"), py::arg("trust"),
             py::arg("path"), py::arg("health"), py::arg("cookie_secret"),
             py::arg("cross_site_cookie"), py::arg("drain_grace"), py::arg("drain_over"),
             py::arg("max_connections"), py::arg("max_connections_per_address"),
             py::arg("max_rate_per_address"), py::arg("accept_proxy_protocol"), py::arg("tls_cert"),
             py::arg("tls_key"), py::arg("ca_file"), py::arg("threads"), py::arg("log"))
        .def("upstreams", &proxy::upstreams, releases_gil())
        .def("add", &proxy::add, py::arg("url"), releases_gil())
        .def("remove", &proxy::remove, py::arg("name"), py::arg("force"), releases_gil())
        .def("drain", &proxy::drain, py::arg("name"), releases_gil())
        .def("undrain", &proxy::undrain, py::arg("name"), releases_gil())
        .def("rebalance", &proxy::rebalance, releases_gil());
}

} // namespace mad_python
