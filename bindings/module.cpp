#include "register.hpp"

#include <mad/config.hpp>

PYBIND11_MODULE(_core, module) {
    module.doc() = "The native side of mad.";
    module.attr("version") = MAD_VERSION;
    mad_python::register_errors(module);
    mad_python::register_log(module);
    mad_python::register_host(module);
    mad_python::register_fleet(module);
    mad_python::register_proxy(module);
    mad_python::register_socketio_server(module);
    mad_python::register_socketio_client(module);
}
