// mad-agent: samples this host and pushes it to an API node.

#include "service.hpp"
#include "tls.hpp"

#include <mad/fleet/agent.hpp>

#include <iostream>
#include <map>

#include <unistd.h>

using mad::host::scope_choice;

static std::map<std::string, scope_choice> const scopes{{"auto", scope_choice::automatic},
                                                        {"host", scope_choice::host},
                                                        {"cgroup", scope_choice::cgroup}};

static boost::asio::ip::tcp::endpoint loopback_endpoint(std::string const& flag,
                                                        std::string const& text) {
    using boost::asio::ip::address_v4;
    auto at = programs::parse_listen(flag, text, address_v4::loopback());
    if (!at.address().is_loopback())
        throw programs::usage_error(flag + ": '" + text +
                                    "' is not loopback, and nothing guards it there");
    return at;
}

int main(int argc, char** argv) {
    auto const signals = programs::prepare();
    programs::options o("mad-agent", "samples this host and pushes its health to an API node");
    return programs::run(o, [&] {
        mad::fleet::agent_settings s;
        bool once = false;
        std::string transport = "both", scope = "auto", metrics, user;
        o.add("api", s.api_url, "URL of the API node or the proxy", "API_URL");
        o.add("id", s.id, "id of this host; default: from the machine id", "CLIENT_ID");
        o.add("path", s.path, "engine path there");
        o.add_duration("interval", s.interval, mad::seconds(1), mad::seconds(60),
                       "time between samples");
        o.add_list("tag", s.tags, "key:value, shown with the host; repeat");
        o.add("region", s.region, "where this host is, shown with it");
        o.add("token-file", s.token_file, "file with the token that nodes ask for (chmod 600)");
        o.add("transport", transport, "websocket, polling or both")
            ->check(CLI::IsMember({"websocket", "polling", "both"}));
        o.add("scope", scope,
              "whose CPUs and memory: host, cgroup, or auto (cgroup in a container)")
            ->check(CLI::IsMember(scopes));
        o.add("procfs", s.host.where.proc, "procfs of the machine that is watched");
        o.add("sysfs", s.host.where.sys, "its sysfs");
        o.add("rootfs", s.host.where.root, "its root directory; empty: our own");
        o.add_switch("network-mounts", s.host.network_mounts, "network filesystems too");
        o.add_switch("disk-temperatures", s.host.disk_temperatures,
                     "ask disks too, which may wake them");
        o.add_list("nic", s.host.nics.only, "interface that counts, `*` fits all; repeat");
        o.add_list("no-nic", s.host.nics.never, "interface that does not count; repeat");
        o.add("state-file", s.state_file, "keeps an id that had to be drawn by lot");
        o.add_switch("once", once, "print one sample as JSON and exit");
        o.add("metrics", metrics,
              "[HOST:]PORT on loopback that serves /metrics (OpenMetrics) and /health");
        o.add_instance("the agents of this host while a new release takes over: NAME.agent in "
                       "--instance-dir is where the next one asks it to be silent");
        o.add("user", user, "started as root: goes on as this user");
        if (auto const code = o.parse(argc, argv))
            return *code;

        s.polling = transport != "websocket";
        s.websocket = transport != "polling";
        s.instance_name = o.instance;
        s.instance_folder = o.instance_folder();
        s.host.view = scopes.at(scope);
        // Names of files are appended to these, a slash first.
        for (auto* root : {&s.host.where.proc, &s.host.where.sys, &s.host.where.root})
            root->erase(root->find_last_not_of('/') + 1);
        s.log = o.make_logger();
        std::optional<boost::asio::ip::tcp::endpoint> metrics_at;
        if (!metrics.empty())
            metrics_at = loopback_endpoint("--metrics", metrics);
        // Before anything is opened: no source needs root, and who runs us may read the token.
        if (!user.empty())
            programs::become(user);
        if (auto const wrong = mad::fleet::judge_agent_settings(s); !wrong.empty())
            throw programs::usage_error("--" + wrong);
        if (once && !o.check) {
            programs::print(mad::fleet::sample_once(s) + '\n');
            return 0;
        }
        if (s.api_url.empty() && !once)
            throw programs::usage_error("--api: the URL of an API node is needed (or API_URL)");
        // Set up for https only: certificates cost memory that a plain agent need not have.
        if (s.api_url.starts_with("https"))
            s.tls = programs::load_client_tls(o.ca_file());
        if (o.check)
            return 0;
        std::string url;
        s.on_first_sample = [&] { programs::announce(o, url); };
        s.on_status = [](std::string_view how) { programs::notify_status(how); };
        mad::fleet::agent agent(std::move(s));
        if (metrics_at) {
            auto const at = agent.serve_metrics(*metrics_at);
            if (!at)
                throw std::runtime_error("--metrics: cannot listen: " + at.error().message());
            url = mad::net::http::url_of(*at, false);
        }
        auto const reload = [&] {
            if (auto const wrong = agent.reload(); !wrong.empty())
                throw std::runtime_error("--" + wrong);
        };
        programs::attend(signals, o, agent.home().context(),
                         {url, reload, [&](mad::milliseconds drain) { agent.leave(drain); }});
        agent.run();
        std::cout.flush();
        ::_exit(0); // a name that is being looked up would be waited for
    });
}
