// conformance-client: mad's client goes through the rows of CLIENT.md.

#include "client_peer.hpp"

#include <mad/net/deflate.hpp>

#include <CLI/CLI.hpp>
#include <boost/asio/co_spawn.hpp>

#include <algorithm>
#include <iostream>

namespace {

using namespace conformance;

std::vector<row> all_rows() {
    auto rows = connect_rows();
    for (auto* const more : {event_rows, namespace_rows, return_rows})
        for (auto& r : more())
            rows.push_back(std::move(r));
    return rows;
}

boost::asio::awaitable<int> run(row_clock& clock, std::string url, std::string column,
                                mad::engine::revision rev, std::vector<std::string> names,
                                peers::adjust every) {
    int failed = 0;
    for (auto const& r : all_rows()) {
        bool const named = std::find(names.begin(), names.end(), r.name) != names.end();
        peers p(clock, url, column, rev);
        if ((!r.only.empty() && r.only != column) || (!names.empty() && !named) ||
            (r.needs_auth && p.old()))
            continue;
        p.every = every;
        clock.begin();
        std::string why;
        try {
            co_await r.run(p);
        } catch (std::exception const& e) {
            why = *e.what() ? e.what() : "failed";
            std::replace(why.begin(), why.end(), '\n', ' ');
        }
        p.close();
        failed += !why.empty();
        if (why.empty())
            std::cout << "ok " << r.name << std::endl;
        else
            std::cout << "not ok " << r.name << ' ' << why << std::endl;
    }
    co_return failed;
}

/// Connects again and again until it is killed, and answers `ask`: for the rows of
/// `client_differences`.
boost::asio::awaitable<int> stay(row_clock& clock, std::string url, std::string column) {
    peers p(clock, url, column, mad::engine::revision::eio4);
    auto& only = p.make("/", again);
    only.socket.on("ask", [](sio::ack reply) { reply(); });
    only.socket.connect();
    co_await pause(clock, mad::seconds(59));
    co_return 0;
}

} // namespace

int main(int argc, char** argv) {
    CLI::App app{"mad's Socket.IO client against a socket.io server", "conformance-client"};
    std::string url, transport;
    int revision = 4;
    std::vector<std::string> names;
    app.add_option("--url", url, "http://HOST:PORT")->required();
    app.add_option("--transport", transport, "polling|websocket|upgrade")
        ->required()
        ->check(CLI::IsMember({"polling", "websocket", "upgrade"}));
    app.add_option("--revision", revision, "3|4, of the protocol")->check(CLI::IsMember({3, 4}));
    app.add_option("ROW", names, "only these rows");
    bool stays = false;
    app.add_option("--stay", stays, "no rows: connects again and again until it is killed");
    bool compression = false;
    bool msgpack = false;
    app.add_option_function<std::string>(
           "--parser", [&msgpack](std::string const& name) { msgpack = name == "msgpack"; })
        ->check(CLI::IsMember({"json", "msgpack"}));
    app.add_option("--compression", compression, "offer to compress websocket messages");
    try {
        app.parse(argc, argv);
    } catch (CLI::ParseError const& e) {
        auto const code = app.exit(e);
        return code == 0 ? 0 : 2;
    }

    boost::asio::io_context ctx(1);
    row_clock clock(ctx);
    peers::adjust every;
    every = [compression, msgpack](sio::client_settings& s) {
        if (compression)
            s.engine.per_message_deflate = mad::net::make_message_deflate();
        if (msgpack)
            s.parser = sio::packet_parser::msgpack;
    };
    auto const rev = revision == 3 ? mad::engine::revision::eio3 : mad::engine::revision::eio4;
    int failed = 1;
    boost::asio::co_spawn(
        ctx, stays ? stay(clock, url, transport) : run(clock, url, transport, rev, names, every),
        [&](std::exception_ptr e, int n) { failed = e ? 1 : n; });
    // Not only the rows: a client that leaves work behind would keep this from returning.
    ctx.run_for(mad::seconds(60));
    if (!ctx.stopped()) {
        std::cerr << "conformance-client: still busy after 60 s\n";
        return 1;
    }
    return failed > 0 ? 1 : 0;
}
