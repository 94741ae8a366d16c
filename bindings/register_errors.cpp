#include "letters.hpp"
#include "register.hpp"

#include <mad/core/error.hpp>

#include <exception>

namespace py = pybind11;

namespace mad_python {
namespace {

/// `mad.Error` is a Python class, so that it can be pickled and read without the module.
void raise_error(boost::system::system_error const& error) {
    auto const value =
        py::module_::import("mad._errors")
            .attr("make")(error.what(), error.code().value(), error.code().category().name(),
                          static_cast<int>(kind_of(error.code())));
    PyErr_SetObject(py::type::of(value).ptr(), value.ptr());
}

} // namespace

void register_errors(py::module_&) {
    py::register_local_exception_translator([](std::exception_ptr thrown) {
        try {
            std::rethrow_exception(thrown);
        } catch (boost::system::system_error const& error) {
            try {
                raise_error(error);
            } catch (py::error_already_set& other) { // a signal's, say: Ctrl-C is not lost
                other.restore();
            }
        }
    });
}

} // namespace mad_python
