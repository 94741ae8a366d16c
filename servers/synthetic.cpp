// mad-synthetic: agents of hosts that do not exist, to see a large fleet without having one.

#include "service.hpp"
#include "synthetic_fleet.hpp"
#include "tls.hpp"

#include <mad/fleet/page.hpp>
#include <mad/net/http/url.hpp>

#include <boost/asio/steady_timer.hpp>

#include <iostream>

#include <unistd.h>

/// One line of JSON each second.
static void print_numbers(boost::asio::steady_timer& timer, programs::synthetic_fleet& fleet) {
    timer.expires_after(mad::seconds(1));
    timer.async_wait([&](mad::error_code ec) {
        if (ec)
            return;
        auto const& n = fleet.numbers();
        std::cout << "{\"connected\":" << n.connected << ",\"connections\":" << n.connections
                  << ",\"sent\":" << n.sent << ",\"refused\":" << n.refused << "}" << std::endl;
        print_numbers(timer, fleet);
    });
}

int main(int argc, char** argv) {
    auto const signals = programs::prepare();
    programs::options o("mad-synthetic",
                        "agents of hosts that do not exist, marked with the tag `synthetic`");
    return programs::run(o, [&] {
        programs::synthetic_settings s;
        std::string token_file;
        bool stats = false;
        o.add_list("api", s.urls, "URL of a node or a proxy; repeat, agents take them in turn");
        o.add("path", s.path, "engine path there");
        o.add("agents", s.agents, "how many")->check(CLI::Range(1, 19'000));
        o.add("first", s.first, "number of the first one")->check(CLI::Range(0, 10'000'000));
        o.add("prefix", s.prefix, "what their ids begin with");
        o.add_duration("interval", s.interval, mad::seconds(1), mad::seconds(60),
                       "time between samples");
        o.add("seed", s.seed, "the same seed makes the same hosts");
        o.add("trouble", s.trouble, "percent of the hosts that are in trouble now and then")
            ->check(CLI::Range(0.0, 100.0));
        o.add("steady", s.steady, "percent of the hosts whose values never change")
            ->check(CLI::Range(0.0, 100.0));
        o.add("churn", s.churn, "percent of the agents that lose their connection, each minute")
            ->check(CLI::Range(0.0, 6'000.0));
        o.add_duration("freeze-after", s.freeze_after, mad::seconds(0), mad::seconds(86'400),
                       "then nothing changes any more, and one line of JSON says what there is; "
                       "0: never");
        o.add("token-file", token_file, "file with the token that nodes ask for (chmod 600)");
        o.add_switch("stats", stats, "one line of JSON each second: what they have done");
        if (auto const code = o.parse(argc, argv))
            return *code;
        if (s.urls.empty())
            throw programs::usage_error("--api: the URL of an API node is needed");
        for (auto const& url : s.urls) {
            if (!mad::fleet::parse_origin(url) || !mad::net::http::parse_url(url))
                throw programs::usage_error("--api: '" + url +
                                            "' is no URL of an API node (http://host:port)");
            if (url.starts_with("https") && !s.tls)
                s.tls = programs::load_client_tls(o.ca_file());
        }
        if (!token_file.empty())
            s.token = programs::read_secret("--token-file", token_file);
        if (o.check)
            return 0;
        s.log = o.make_logger();
        s.on_frozen = [](std::string const& line) { std::cout << line << std::endl; };
        programs::synthetic_fleet fleet(std::move(s));
        boost::asio::steady_timer timer(fleet.context());
        boost::asio::post(fleet.context(), [&] {
            programs::announce(o, "");
            if (stats)
                print_numbers(timer, fleet);
        });
        programs::attend(signals, o, fleet.context(),
                         {"", [] {}, [&](mad::milliseconds drain) { fleet.leave(drain); }});
        fleet.run();
        std::cout.flush();
        ::_exit(0); // a name that is being looked up would be waited for
    });
}
