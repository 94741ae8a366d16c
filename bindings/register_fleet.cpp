#include "gil.hpp"
#include "hosted.hpp"
#include "register.hpp"

#include <mad/fleet/api.hpp>
#include <mad/fleet/web.hpp>

#include <pybind11/stl.h>

namespace py = pybind11;

namespace mad_python {
namespace {

boost::asio::ip::tcp::endpoint endpoint_of(std::string const& host, std::uint16_t port) {
    boost::system::error_code error;
    auto const address = boost::asio::ip::make_address(host, error);
    if (error)
        throw boost::system::system_error(error, "listen address " + host);
    return {address, port};
}

using api_server = hosted<mad::fleet::api>;

std::unique_ptr<api_server> make_api(std::string const& host, std::uint16_t port,
                                     std::vector<std::string> cors_origins, std::size_t threads) {
    mad::fleet::api_settings settings;
    settings.listen = endpoint_of(host, port);
    settings.threads = threads;
    settings.sockets.engine.cors.origins = std::move(cors_origins);
    return std::make_unique<api_server>(std::move(settings));
}

using web_server = hosted<mad::fleet::web>;

std::unique_ptr<web_server> make_web(std::string const& host, std::uint16_t port,
                                     std::string api_url, std::string root) {
    mad::fleet::web_settings settings;
    settings.listen = endpoint_of(host, port);
    settings.api_url = std::move(api_url);
    settings.root = std::move(root);
    try {
        return std::make_unique<web_server>(std::move(settings));
    } catch (std::runtime_error const& error) { // wrong settings
        throw boost::system::system_error(
            make_error_code(boost::system::errc::invalid_argument), error.what());
    }
}

/// What all servers have in common.
template <class Hosted>
py::class_<Hosted> server_class(py::module_& module, char const* name, char const* doc) {
    return py::class_<Hosted>(module, name, doc)
        .def("start", &Hosted::start, releases_gil())
        .def("stop", &Hosted::stop, py::arg("drain"), releases_gil())
        .def_property_readonly("running", &Hosted::running)
        .def_property_readonly("url", [](Hosted const& it) { return it.url(); });
}

} // namespace

void register_fleet(py::module_& module) {
    server_class<api_server>(module, "ApiServer", "A node of the fleet.")
        .def(py::init(&make_api), py::kw_only(), py::arg("host"), py::arg("port"),
             py::arg("cors_origins"), py::arg("threads"));
    server_class<web_server>(module, "WebServer", "The console's page.")
        .def(py::init(&make_web), py::kw_only(), py::arg("host"), py::arg("port"),
             py::arg("api_url"), py::arg("root"));
}

} // namespace mad_python
