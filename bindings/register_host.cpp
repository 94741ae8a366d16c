#include "gil.hpp"
#include "register.hpp"

#include <mad/host/json.hpp>
#include <mad/host/sampler.hpp>

#include <pybind11/stl.h>

#include <cmath>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace py = pybind11;

namespace mad_python {
namespace {

/// A sampler that threads may share.
class shared_sampler {
  public:
    explicit shared_sampler(mad::host::sampler_settings settings)
        : sampler_(std::move(settings)) {}

    std::string take_json() {
        std::string text;
        std::lock_guard const lock(mutex_);
        mad::host::append_health_json(text, sampler_.take());
        return text;
    }

  private:
    std::mutex mutex_;
    mad::host::sampler sampler_;
};

mad::host::scope_choice scope_of(std::string const& name) {
    if (name == "host")
        return mad::host::scope_choice::host;
    if (name == "cgroup")
        return mad::host::scope_choice::cgroup;
    return mad::host::scope_choice::automatic;
}

std::unique_ptr<shared_sampler> make_sampler(double interval, std::string const& scope,
                                             std::string procfs, std::string sysfs,
                                             std::string rootfs, std::vector<std::string> nics,
                                             std::vector<std::string> no_nics, bool network_mounts,
                                             bool disk_temperatures) {
    mad::host::sampler_settings settings;
    settings.interval = mad::milliseconds(std::lround(interval * 1000));
    settings.view = scope_of(scope);
    settings.where = {std::move(procfs), std::move(sysfs), std::move(rootfs)};
    settings.nics = {std::move(nics), std::move(no_nics)};
    settings.network_mounts = network_mounts;
    settings.disk_temperatures = disk_temperatures;
    return std::make_unique<shared_sampler>(std::move(settings));
}

} // namespace

void register_host(py::module_& module) {
    py::class_<shared_sampler>(module, "Sampler", "Takes samples of this host.")
        .def(py::init(&make_sampler), py::kw_only(), py::arg("interval"), py::arg("scope"),
             py::arg("procfs"), py::arg("sysfs"), py::arg("rootfs"), py::arg("nics"),
             py::arg("no_nics"), py::arg("network_mounts"), py::arg("disk_temperatures"))
        .def("take_json", &shared_sampler::take_json, releases_gil(),
             "One reading as JSON. Rates are over the time since the reading before.");
}

} // namespace mad_python
