#include "gil.hpp"
#include "register.hpp"

#include <mad/host/json.hpp>
#include <mad/host/sampler.hpp>

#include <string>

namespace py = pybind11;

namespace mad_python {
namespace {

std::string take_json(mad::host::sampler& sampler) {
    std::string text;
    mad::host::append_health_json(text, sampler.take());
    return text;
}

} // namespace

void register_host(py::module_& module) {
    py::class_<mad::host::sampler>(module, "Sampler", "Takes samples of this host.")
        .def(py::init<>())
        .def("take_json", &take_json, releases_gil(),
             "One reading as JSON. Rates are over the time since the reading before.");
}

} // namespace mad_python
