// mad-web: serves the console.

#include "service.hpp"

#include <mad/fleet/web.hpp>
#include <mad/net/listener.hpp>

#include <filesystem>

/// The console beside the program: in an installed package and in a build tree.
static std::string default_root() {
    namespace fs = std::filesystem;
    std::error_code ec;
    auto const self = fs::read_symlink("/proc/self/exe", ec).parent_path();
    for (auto const& place :
         {self / "../console", self / "../share/mad/console", self / "../../../console/dist"})
        if (fs::is_regular_file(place / "index.html", ec))
            return fs::weakly_canonical(place, ec).string();
    return {};
}

int main(int argc, char** argv) {
    auto const signals = programs::prepare();
    programs::options o("mad-web", "serves the console, a page that shows the fleet live");
    return programs::run(o, [&] {
        mad::fleet::web_settings s;
        s.root = default_root();
        o.add_server(8081);
        o.add("api-url", s.api_url, "where the page finds the API node; empty: its own origin",
              "API_URL");
        o.add_list("frame-ancestor", s.frame_ancestors,
                   "origin whose pages may show the console in a frame; none by default");
        o.add("root", s.root, "folder with the built page");
        if (auto const code = o.parse(argc, argv))
            return *code;

        s.anonymous = o.anonymous;
        s.listen = o.endpoint();
        s.version = programs::release_version();
        if (!o.instance.empty())
            s.instance_socket = o.instance_folder() + '/' + o.instance + ".sock";
        s.log = o.make_logger();
        s.http.max_connections = o.max_connections;
        s.http.addresses = o.addresses;
        s.http.tls = o.load_tls();
        if (s.root.empty())
            throw programs::usage_error("--root: no built console beside the program: name its "
                                        "folder (script/setup and script/up build it)");
        if (!o.check)
            s.passed_listeners = mad::net::passed_listeners();
        std::unique_ptr<mad::fleet::web> site;
        try {
            site = std::make_unique<mad::fleet::web>(std::move(s));
        } catch (std::runtime_error const& e) {
            throw programs::usage_error(e.what());
        }
        if (o.check)
            return 0;
        if (auto const at = site->start(); !at)
            throw std::runtime_error("cannot listen: " + at.error().message());
        programs::service self{site->url(), [&] { site->set_tls(o.load_tls()); },
                               [&](mad::milliseconds drain) { site->stop(drain); }};
        self.probe = [&](std::function<void()> alive) { site->probe(std::move(alive)); };
        return programs::serve(signals, o, std::move(self));
    });
}
