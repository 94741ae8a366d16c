// mad-api: the node that agents push to and consoles look at.

#include "service.hpp"

#include <mad/fleet/api.hpp>
#include <mad/net/listener.hpp>

#include <iostream>

int main(int argc, char** argv) {
    auto const signals = programs::prepare();
    programs::options o("mad-api", "API node: agents push their health, consoles see it live");
    return programs::run(o.name, [&] {
        mad::fleet::api_settings s;
        auto& engine = s.sockets.engine;
        using mad::milliseconds;
        o.add_server(3000);
        o.add("threads", s.threads, "shards; 0: one for each core")->check(CLI::Range(0, 256));
        o.add("node-id", s.node_id, "name of this node; default: random");
        o.add("path", engine.path, "engine path");
        o.add_duration("ping-interval", engine.ping_interval, milliseconds(10),
                       milliseconds(3'600'000), "time between pings");
        o.add_duration("ping-timeout", engine.ping_timeout, milliseconds(10),
                       milliseconds(3'600'000), "time for a pong");
        o.add("max-payload", engine.max_payload, "longest message in bytes")
            ->check(CLI::Range(std::size_t(1024), std::size_t(100'000'000)));
        o.add("eio3", engine.handshake.allow_eio3,
              "serve clients of Socket.IO 2.x too (Engine.IO revision 3)")
            ->type_name("on|off")
            ->default_str("off");
        o.add("max-packets-per-session", s.sockets.max_packet_rate,
              "packets a second of one connection; 0: no limit")
            ->check(CLI::Range(0.0, 1e6));
        o.add("cors-origin", engine.cors.origins, "origin of pages that may connect, or *");
        if (auto const code = o.parse(argc, argv))
            return *code;

        s.anonymous = o.anonymous;
        s.listen = o.endpoint();
        s.log = o.make_logger();
        s.sockets.http.max_connections = o.max_connections;
        s.sockets.http.addresses = o.addresses;
        s.sockets.http.tls = o.load_tls();
        if (o.check)
            return 0;
        s.passed_listeners = mad::net::passed_listeners();
        mad::fleet::api node(std::move(s));
        if (auto const at = node.start(); !at)
            throw std::runtime_error("cannot listen: " + at.error().message());
        return programs::serve(signals, o,
                               {node.url(), [&] { node.set_tls(o.load_tls()); },
                                [&](milliseconds drain) { node.stop(drain); }});
    });
}
