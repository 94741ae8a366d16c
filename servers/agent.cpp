// mad-agent: samples this host and pushes it to an API node.

#include "service.hpp"
#include "tls.hpp"

#include <mad/fleet/agent.hpp>

#include <iostream>
#include <map>

using mad::host::scope_choice;

static std::map<std::string, scope_choice> const scopes{{"auto", scope_choice::automatic},
                                                        {"host", scope_choice::host},
                                                        {"cgroup", scope_choice::cgroup}};

int main(int argc, char** argv) {
    auto const signals = programs::prepare();
    programs::options o("mad-agent", "samples this host and pushes its health to an API node");
    return programs::run(o.name, [&] {
        mad::fleet::agent_settings s;
        bool once = false;
        std::string transport = "both", scope = "auto";
        o.add("api", s.api_url, "URL of the API node or the proxy", "API_URL");
        o.add("id", s.id, "id of this host; default: from the machine id", "CLIENT_ID");
        o.add("path", s.path, "engine path there");
        o.add_duration("interval", s.interval, mad::seconds(1), mad::seconds(60),
                       "time between samples");
        o.add("tag", s.tags, "key:value, shown with the host; repeat");
        o.add("transport", transport, "websocket, polling or both")
            ->check(CLI::IsMember({"websocket", "polling", "both"}));
        o.add("scope", scope,
              "whose CPUs and memory: host, cgroup, or auto (cgroup in a container)")
            ->check(CLI::IsMember(scopes));
        o.add("procfs", s.host.where.proc, "procfs of the machine that is watched");
        o.add("sysfs", s.host.where.sys, "its sysfs");
        o.add("rootfs", s.host.where.root, "its root directory; empty: our own");
        o.add_switch("network-mounts", s.host.network_mounts, "network filesystems too");
        o.add_list("nic", s.host.nics.only, "interface that counts, `*` fits all; repeat");
        o.add_list("no-nic", s.host.nics.never, "interface that does not count; repeat");
        o.add("state-file", s.state_file, "keeps an id that had to be drawn by lot");
        o.add_switch("once", once, "print one sample as JSON and exit");
        if (auto const code = o.parse(argc, argv))
            return *code;

        s.polling = transport != "websocket";
        s.websocket = transport != "polling";
        s.host.view = scopes.at(scope);
        // Names of files are appended to these, a slash first.
        for (auto* root : {&s.host.where.proc, &s.host.where.sys, &s.host.where.root})
            root->erase(root->find_last_not_of('/') + 1);
        s.log = o.make_logger();
        if (auto const wrong = mad::fleet::judge_agent_settings(s); !wrong.empty())
            throw programs::usage_error("--" + wrong);
        if (once) {
            std::cout << mad::fleet::sample_once(s) << std::endl;
            return 0;
        }
        if (s.api_url.empty())
            throw programs::usage_error("--api: the URL of an API node is needed (or API_URL)");
        // Set up for https only: certificates cost memory that a plain agent need not have.
        if (s.api_url.starts_with("https"))
            s.tls = programs::load_client_tls(o.ca_file());
        if (o.check)
            return 0;
        mad::fleet::agent agent(std::move(s));
        agent.start();
        return programs::serve(signals, o,
                               {"", [] {}, [&](mad::milliseconds drain) { agent.stop(drain); }});
    });
}
