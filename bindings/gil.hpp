#ifndef MAD_BINDINGS_GIL_HPP
#define MAD_BINDINGS_GIL_HPP

#include <pybind11/pybind11.h>

namespace mad_python {

/// For functions that wait: other Python threads run meanwhile. The function itself must touch no
/// Python object.
using releases_gil = pybind11::call_guard<pybind11::gil_scoped_release>;

} // namespace mad_python

#endif
