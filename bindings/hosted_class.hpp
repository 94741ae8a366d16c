#ifndef MAD_BINDINGS_HOSTED_CLASS_HPP
#define MAD_BINDINGS_HOSTED_CLASS_HPP

#include "gil.hpp"
#include "letters.hpp"

#include <boost/asio/ip/tcp.hpp>

#include <cstdint>
#include <exception>
#include <memory>
#include <string>
#include <utility>

namespace mad_python {

/// Settings that are wrong become the one error class that Python knows of us.
template <class Hosted, class Settings>
std::unique_ptr<Hosted> make_hosted(Settings settings) {
    try {
        return std::make_unique<Hosted>(std::move(settings));
    } catch (boost::system::system_error const&) {
        throw;
    } catch (std::exception const& error) {
        refuse(error.what());
    }
}

inline boost::asio::ip::tcp::endpoint endpoint_of(std::string const& host, std::uint16_t port) {
    boost::system::error_code error;
    auto const address = boost::asio::ip::make_address(host, error);
    if (error)
        refuse("not an address to listen on: " + host);
    return {address, port};
}

/// What all servers have in common.
template <class Hosted>
pybind11::class_<Hosted> server_class(pybind11::module_& module, char const* name,
                                      char const* doc) {
    return pybind11::class_<Hosted>(module, name, doc)
        .def("start", &Hosted::start, releases_gil())
        .def("stop", &Hosted::stop, pybind11::arg("drain"), releases_gil())
        .def_property_readonly("running", &Hosted::running)
        .def_property_readonly("url", [](Hosted const& it) { return it.url(); });
}

} // namespace mad_python

#endif
