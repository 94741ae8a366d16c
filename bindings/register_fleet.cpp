#include "hosted.hpp"
#include "hosted_class.hpp"
#include "log_box.hpp"
#include "register.hpp"

#include <mad/fleet/agent.hpp>
#include <mad/fleet/api.hpp>
#include <mad/fleet/web.hpp>
#include <mad/net/tls_dialer.hpp>

#include <pybind11/stl.h>

#include <cmath>

namespace py = pybind11;

namespace mad_python {
namespace {

/// An agent with the face of a server: its URL is where it reports to.
class reporting_agent {
  public:
    explicit reporting_agent(mad::fleet::agent_settings settings)
        : url_(settings.api_url)
        , agent_(std::move(settings)) {}

    mad::result<void> start() {
        agent_.start();
        return {};
    }
    void stop(mad::milliseconds drain) { agent_.stop(drain); }
    std::string const& url() const { return url_; }
    std::string const& id() const { return agent_.id(); }

  private:
    std::string url_;
    mad::fleet::agent agent_;
};

using api_server = hosted<mad::fleet::api>;
using web_server = hosted<mad::fleet::web>;
using agent = hosted<reporting_agent>;

std::unique_ptr<api_server> make_api(std::string const& host, std::uint16_t port,
                                     std::vector<std::string> cors_origins, std::size_t threads,
                                     log_box& log) {
    mad::fleet::api_settings settings;
    settings.log = log.open();
    settings.listen = endpoint_of(host, port);
    settings.threads = threads;
    settings.sockets.engine.cors.origins = std::move(cors_origins);
    return make_hosted<api_server>(std::move(settings));
}

std::unique_ptr<web_server> make_web(std::string const& host, std::uint16_t port,
                                     std::string api_url, std::string root, log_box& log) {
    mad::fleet::web_settings settings;
    settings.log = log.open();
    settings.listen = endpoint_of(host, port);
    settings.api_url = std::move(api_url);
    settings.root = std::move(root);
    return make_hosted<web_server>(std::move(settings));
}

std::unique_ptr<agent> make_agent(std::string api_url, std::string id, double interval,
                                  std::vector<std::string> tags, log_box& log) {
    mad::fleet::agent_settings settings;
    settings.log = log.open();
    if (!(interval >= 1 && interval <= 60))
        refuse("interval must be 1 to 60 seconds");
    settings.interval = mad::milliseconds(std::lround(interval * 1000));
    settings.api_url = std::move(api_url);
    settings.id = std::move(id);
    settings.tags = std::move(tags);
    if (settings.api_url.starts_with("https:")) {
        auto context = mad::net::tls_client_context::load({});
        if (!context)
            refuse(context.error().message);
        settings.tls = std::make_shared<mad::net::tls_dialer>(*context);
    }
    return make_hosted<agent>(std::move(settings));
}

} // namespace

void register_fleet(py::module_& module) {
    server_class<api_server>(module, "ApiServer", "A node of the fleet.")
        .def(py::init(&make_api), py::kw_only(), py::arg("host"), py::arg("port"),
             py::arg("cors_origins"), py::arg("threads"), py::arg("log"));
    server_class<web_server>(module, "WebServer", "The console's page.")
        .def(py::init(&make_web), py::kw_only(), py::arg("host"), py::arg("port"),
             py::arg("api_url"), py::arg("root"), py::arg("log"));
    server_class<agent>(module, "Agent", "Samples this host and reports to a node.")
        .def(py::init(&make_agent), py::kw_only(), py::arg("api_url"), py::arg("id"),
             py::arg("interval"), py::arg("tags"), py::arg("log"))
        .def_property_readonly("id", [](agent const& it) { return it.native().id(); });
}

} // namespace mad_python
