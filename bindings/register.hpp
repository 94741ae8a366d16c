#ifndef MAD_BINDINGS_REGISTER_HPP
#define MAD_BINDINGS_REGISTER_HPP

#include <pybind11/pybind11.h>

namespace mad_python {

void register_errors(pybind11::module_&);
void register_log(pybind11::module_&);
void register_host(pybind11::module_&);
void register_fleet(pybind11::module_&);
void register_proxy(pybind11::module_&);
void register_socketio_server(pybind11::module_&);
void register_socketio_client(pybind11::module_&);

} // namespace mad_python

#endif
