#ifndef MAD_TESTS_CONFORMANCE_CLUSTER_HPP
#define MAD_TESTS_CONFORMANCE_CLUSTER_HPP

#include <mad/core/json.hpp>
#include <mad/net/io_pool.hpp>
#include <mad/socketio/server.hpp>
#include <mad/sync/redis_adapter.hpp>
#include <mad/sync/redis_bus.hpp>
#include <mad/sync/sharded_adapter.hpp>
#include <mad/sync/streams_adapter.hpp>

#include <CLI/CLI.hpp>

#include <memory>
#include <string>
#include <utility>
#include <vector>

/// conformance-server as one node of several (`--redis`), told what to do by its clients. The same
/// on the reference implementation: reference/cluster-node.mjs.
namespace conformance {

struct cluster_options {
    std::string redis, adapter = "classic";
    bool specific = false, recovery = false;

    void add_to(CLI::App& app) {
        app.add_option("--redis", redis, "URL: be one node of several");
        app.add_option("--adapter", adapter, "how nodes talk")
            ->check(CLI::IsMember({"classic", "compat", "sharded", "streams"}))
            ->capture_default_str();
        app.add_flag("--specific-response-channel", specific, "classic: answer the asker alone");
        app.add_flag("--recovery", recovery, "streams: peers may come back");
    }

    /// Nothing without `--redis`.
    mad::socketio::adapter_factory make(mad::net::io_pool& pool, mad::logger log) const {
        if (redis.empty())
            return {};
        mad::redis::settings s;
        s.log = log;
        auto const bus = std::make_shared<mad::sync::redis_bus>(
            *pool.shards().front(), mad::redis::parse_url(redis).value(), s);
        if (adapter == "sharded") {
            mad::sync::sharded_adapter_settings a;
            a.log = log;
            return mad::sync::make_sharded_adapters(bus, a);
        }
        if (adapter == "streams") {
            mad::sync::streams_adapter_settings a;
            a.log = log;
            if (recovery)
                a.recovery = mad::milliseconds(120'000);
            return mad::sync::make_streams_adapters(bus, a);
        }
        mad::sync::redis_adapter_settings a;
        a.log = log;
        a.compat = adapter == "compat";
        a.specific_response_channel = specific;
        return mad::sync::make_redis_adapters(bus, a);
    }
};

namespace detail {

inline std::vector<std::string> names(mad::json const& options, char const* key) {
    return options.value(key, std::vector<std::string>());
}

inline mad::socketio::broadcast_operator operator_of(mad::socketio::nsp const& nsp,
                                                     mad::json const& options) {
    auto b = nsp.all().to(names(options, "rooms")).except(names(options, "except"));
    if (options.value("volatile", false))
        b = b.as_volatile();
    if (!options.value("compress", true))
        b = b.compress(false);
    if (options.value("local", false))
        b = b.local();
    return b;
}

inline mad::json answer_of(mad::socketio::ack_responses const& r) {
    auto const error = !r.ec ? mad::json() : mad::json(r.text.empty() ? r.ec.message() : r.text);
    return {{"error", error}, {"values", r.values}};
}

/// The first argument is options, the second a name, and others follow.
inline std::pair<std::string, mad::socketio::arguments>
event_of(mad::socketio::arguments const& args) {
    return {args[1].get<std::string>(),
            mad::socketio::arguments{{args.values.begin() + 2, args.values.end()}}};
}

} // namespace detail

inline void add_cluster_handlers(mad::socketio::nsp const& nsp) {
    namespace sio = mad::socketio;
    using mad::json;
    nsp.on_server_side("sse", [nsp](sio::arguments const& args, auto const& reply) {
        nsp.local().emit("sse-heard", args);
        if (reply)
            reply(sio::arguments{{"heard " + args[0].get<std::string>()}});
    });
    nsp.on_server_side("silent", [](auto const&, auto const&) {});
    nsp.on_connection([nsp](sio::socket s) {
        s.on("x-data", [s](json data, sio::ack reply) {
            s.data() = data;
            reply();
        });
        s.on("x-emit", [nsp](sio::arguments args, sio::ack reply) {
            auto const [event, rest] = detail::event_of(args);
            detail::operator_of(nsp, args[0]).emit(event, rest);
            reply();
        });
        s.on("x-others", [s](sio::arguments args, sio::ack reply) {
            auto const [event, rest] = detail::event_of(args);
            s.broadcast().emit(event, rest);
            reply();
        });
        s.on("x-ask", [nsp](json options, sio::ack reply) {
            auto const t = mad::milliseconds(options.value("timeout", 1000));
            detail::operator_of(nsp, options)
                .timeout(t)
                .emit_with_ack(
                    [reply](sio::ack_responses r) mutable { reply(detail::answer_of(r)); },
                    "question", 1);
        });
        s.on("x-fetch", [nsp](json options, sio::ack reply) {
            detail::operator_of(nsp, options)
                .fetch_sockets([reply](mad::result<std::vector<sio::remote_socket>> all) mutable {
                    if (!all)
                        return reply(json{{"error", all.error().message()}});
                    auto sockets = json::array();
                    for (auto const& each : *all)
                        sockets.push_back({{"id", each.id},
                                           {"rooms", each.rooms},
                                           {"data", json::parse(each.data)},
                                           {"handshake", json::parse(each.handshake)}});
                    reply(json{{"sockets", sockets}});
                });
        });
        s.on("x-rooms", [nsp](sio::ack reply) {
            nsp.all_rooms([reply](mad::result<std::vector<std::string>> all) mutable {
                all ? reply(json{{"rooms", *all}}) : reply(json{{"error", all.error().message()}});
            });
        });
        s.on("x-join", [nsp](json options, std::vector<std::string> rooms, sio::ack reply) {
            detail::operator_of(nsp, options).sockets_join(rooms);
            reply();
        });
        s.on("x-leave", [nsp](json options, std::vector<std::string> rooms, sio::ack reply) {
            detail::operator_of(nsp, options).sockets_leave(rooms);
            reply();
        });
        s.on("x-disconnect", [nsp](json options, bool close, sio::ack reply) {
            reply();
            detail::operator_of(nsp, options).disconnect_sockets(close);
        });
        s.on("x-sse", [nsp](sio::arguments args, sio::ack reply) {
            auto const [event, rest] = detail::event_of(args);
            nsp.server_side_emit(event, rest);
            reply();
        });
        s.on("x-sse-ack", [nsp](sio::arguments args, sio::ack reply) {
            auto const [event, rest] = detail::event_of(args);
            nsp.server_side_emit_with_ack(
                [reply](sio::ack_responses r) mutable { reply(detail::answer_of(r)); }, event, rest,
                mad::milliseconds(args[0].value("timeout", 5000)));
        });
    });
}

} // namespace conformance

#endif
