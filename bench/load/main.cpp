// The load: one scenario, one thread, one JSON line. `bench_load --help` lists the scenarios.

#include "scenario.hpp"

#include <array>
#include <charconv>
#include <iostream>

#include <unistd.h>

namespace {

struct scenario {
    std::string_view name;
    void (*run)(bench::settings const&, bench::json_line&);
    std::string_view measures;
};

constexpr std::array<scenario, 11> scenarios{{
    {"connect", bench::run_connect, "handshakes a second, Socket.IO CONNECT included"},
    {"echo", bench::run_echo, "acks a second over websocket"},
    {"polling-echo", bench::run_polling_echo, "acks a second over HTTP polling"},
    {"requests", bench::run_requests, "posts a second to polling sessions, keep-alive"},
    {"broadcast", bench::run_broadcast, "deliveries a second"},
    {"crowd", bench::run_crowd, "the same at a rate; begins at a line on stdin"},
    {"churn", bench::run_churn, "handshakes a second beside clients that stay and echo"},
    {"slow", bench::run_slow, "deliveries a second beside clients that do not read"},
    {"idle", bench::run_idle, "bytes of server memory per idle connection"},
    {"consoles", bench::run_consoles, "what consoles of a fleet are sent"},
    {"fleet", bench::run_fleet, "from agents to old consoles: events a second, and how late"},
}};

void usage(std::ostream& out) {
    out << "usage: bench_load SCENARIO --url http://A.B.C.D:PORT [OPTION VALUE]...\n\n";
    for (auto const& s : scenarios)
        out << "  " << s.name << std::string(14 - s.name.size(), ' ') << s.measures << '\n';
    out << "\n"
           "  --url URL        once more for broadcast and consoles: clients are spread over all\n"
           "  --pid N          the server, to read its CPU and memory; once for each of several\n"
           "  --connections N  clients at a time (100)\n"
           "  --in-flight N    messages under way: echo per client, broadcast and slow in all (1)\n"
           "  --churn N        churn: clients at a time that come and go beside the others (64)\n"
           "  --slow N         slow: clients beside the others that do not read (10)\n"
           "  --fill N         slow: broadcasts to all before the warm-up (0)\n"
           "  --consoles N     fleet: pages that are told what the clients send (1)\n"
           "  --rate N         echo, churn, crowd, fleet: messages a second in all, answers or "
           "not\n"
           "                   (echo: 0, as answered)\n"
           "  --payload N      characters in a message's argument (16)\n"
           "  --revision N     of Engine.IO: echo, polling-echo; 3 or 4 (4)\n"
           "  --echoes N       connect: messages each client echoes before it leaves (0)\n"
           "  --sources N      source addresses 127.0.0.1 up (1)\n"
           "  --warmup S       seconds before measuring (0.5)\n"
           "  --seconds S      seconds to measure at most (2)\n"
           "  --count N        units to measure at most\n"
           "  --settle S       idle, slow: seconds before memory is read (2)\n"
           "  --deadline S     seconds for everything; past them the run fails (120)\n";
}

template <class Number>
Number parse(std::string_view option, std::string_view value) {
    Number made{};
    auto const* const end = value.data() + value.size();
    auto const [at, bad] = std::from_chars(value.data(), end, made);
    if (bad != std::errc{} || at != end || made < Number{})
        throw bench::failure("not a number for " + std::string(option) + ": " + std::string(value));
    return made;
}

bench::settings parse_options(int argc, char** argv, unsigned& deadline) {
    bench::settings s;
    bool has_url = false;
    for (int i = 2; i < argc; i += 2) {
        std::string_view const option = argv[i];
        if (i + 1 == argc)
            throw bench::failure("no value for " + std::string(option));
        std::string_view const value = argv[i + 1];
        if (option == "--url") {
            auto to = bench::target::parse(value);
            if (has_url) {
                s.others.push_back(std::move(to));
            } else {
                to.sources = s.to.sources;
                s.to = std::move(to);
                has_url = true;
            }
        } else if (option == "--pid") {
            s.servers.push_back(parse<pid_t>(option, value));
        } else if (option == "--connections") {
            s.connections = parse<std::size_t>(option, value);
        } else if (option == "--in-flight") {
            s.in_flight = parse<std::size_t>(option, value);
        } else if (option == "--payload") {
            s.payload = parse<std::size_t>(option, value);
        } else if (option == "--revision") {
            s.revision = parse<unsigned>(option, value);
        } else if (option == "--echoes") {
            s.echoes = parse<std::size_t>(option, value);
        } else if (option == "--sources") {
            s.to.sources = parse<unsigned>(option, value);
        } else if (option == "--warmup") {
            s.how_long.warmup = parse<double>(option, value);
        } else if (option == "--seconds") {
            s.how_long.seconds = parse<double>(option, value);
        } else if (option == "--count") {
            s.how_long.count = parse<std::uint64_t>(option, value);
        } else if (option == "--rate") {
            s.rate = parse<double>(option, value);
        } else if (option == "--consoles") {
            s.consoles = parse<std::size_t>(option, value);
        } else if (option == "--churn") {
            s.churn = parse<std::size_t>(option, value);
        } else if (option == "--slow") {
            s.slow = parse<std::size_t>(option, value);
        } else if (option == "--fill") {
            s.fill = parse<std::size_t>(option, value);
        } else if (option == "--settle") {
            s.settle = parse<double>(option, value);
        } else if (option == "--deadline") {
            deadline = parse<unsigned>(option, value);
        } else {
            throw bench::failure("unknown option: " + std::string(option));
        }
    }
    if (!has_url)
        throw bench::failure("--url is missing");
    if (s.connections == 0 || s.in_flight == 0)
        throw bench::failure("--connections and --in-flight must be at least 1");
    if (s.revision != 3 && s.revision != 4)
        throw bench::failure("--revision must be 3 or 4");
    for (auto& to : s.others)
        to.sources = s.to.sources;
    std::string_view const name = argv[1];
    if (s.revision != 4 && name != "echo" && name != "polling-echo")
        throw bench::failure("--revision is for echo and polling-echo");
    if (!s.others.empty() && name != "broadcast" && name != "consoles")
        throw bench::failure("one --url, except for broadcast and consoles");
    return s;
}

} // namespace

int main(int argc, char** argv) {
    std::string_view const name = argc > 1 ? argv[1] : "--help";
    if (name == "--help") {
        usage(std::cout);
        return 0;
    }
    for (auto const& wanted : scenarios) {
        if (wanted.name != name)
            continue;
        try {
            unsigned deadline = 120;
            auto const settings = parse_options(argc, argv, deadline);
            ::alarm(deadline); // whatever a server does, the run ends
            bench::json_line out;
            out.text("scenario", name)
                .number("connections", static_cast<std::int64_t>(settings.connections))
                .number("in_flight", static_cast<std::int64_t>(settings.in_flight));
            wanted.run(settings, out);
            std::cout << out.str() << std::endl;
            return 0;
        } catch (bench::failure const& e) {
            std::cerr << "bench_load " << name << ": " << e.what() << '\n';
            return 1;
        }
    }
    usage(std::cerr);
    return 2;
}
