// mad-agent: samples this host and pushes it to an API node.

#include "service.hpp"

#include <mad/fleet/agent.hpp>
#include <mad/net/tls_dialer.hpp>

#include <iostream>

#include <unistd.h>

static std::shared_ptr<mad::net::cipher_dialer> load_tls(std::string const& ca_file) {
    mad::net::tls_client_settings s;
    s.ca_file = ca_file;
    auto context = mad::net::tls_client_context::load(s);
    if (!context)
        throw programs::usage_error("--ca-file: " + context.error().message);
    return std::make_shared<mad::net::tls_dialer>(*context);
}

static boost::asio::ip::tcp::endpoint loopback_endpoint(std::string const& flag,
                                                        std::string const& text) {
    using boost::asio::ip::address_v4;
    auto const at = programs::parse_listen(flag, text, address_v4::loopback());
    if (!at.address().is_loopback())
        throw programs::usage_error(flag + ": '" + text +
                                    "' is not loopback, and nothing guards it there");
    return at;
}

int main(int argc, char** argv) {
    auto const signals = programs::prepare();
    programs::options o("mad-agent", "samples this host and pushes its health to an API node");
    return programs::run(o.name, [&] {
        mad::fleet::agent_settings s;
        bool once = false;
        std::string transport = "both", scope = "host", metrics, user;
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
        o.add("scope", scope, "what is sampled: the host")->check(CLI::IsMember({"host"}));
        o.add("state-file", s.state_file, "keeps an id that had to be drawn by lot");
        o.add_switch("once", once, "print one sample as JSON and exit");
        o.add("metrics", metrics,
              "[HOST:]PORT on loopback that serves /metrics (OpenMetrics) and /health");
        o.add("user", user, "started as root: goes on as this user");
        if (auto const code = o.parse(argc, argv))
            return *code;

        s.polling = transport != "websocket";
        s.websocket = transport != "polling";
        s.log = o.make_logger();
        std::optional<boost::asio::ip::tcp::endpoint> metrics_at;
        if (!metrics.empty())
            metrics_at = loopback_endpoint("--metrics", metrics);
        // Before anything is opened: no source needs root, and who runs us may read the token.
        if (!user.empty())
            programs::become(user);
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
            s.tls = load_tls(o.ca_file());
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
