#include "log_box.hpp"
#include "register.hpp"

namespace py = pybind11;

namespace mad_python {

void register_log(py::module_& module) {
    py::class_<log_box, std::shared_ptr<log_box>>(module, "LogBox",
                                                  "Log events of native threads, for Python.")
        .def(py::init<>())
        .def("inbox", &log_box::box)
        .def(
            "set_level",
            [](log_box& it, int level) {
                it.set_level(static_cast<mad::log_level>(std::clamp(level, 0, 4)));
            },
            py::arg("level"))
        .def("take_lost", &log_box::take_lost)
        .def_property_readonly("users", &log_box::users);
}

} // namespace mad_python
