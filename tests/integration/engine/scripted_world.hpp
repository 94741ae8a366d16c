#ifndef MAD_TESTS_INTEGRATION_ENGINE_SCRIPTED_WORLD_HPP
#define MAD_TESTS_INTEGRATION_ENGINE_SCRIPTED_WORLD_HPP

#include "client_world.hpp"

#include <support/scripted_server.hpp>

namespace mad_test {

/// A client of a server that plays scripts.
struct scripted_world {
    explicit scripted_world(std::vector<scripted_server::script> scripts)
        : server(ctx, std::move(scripts)) {}

    void run(std::vector<engine::transport_kind> transports,
             std::function<void(engine::client_settings&)> const& adjust = {}) {
        engine::client_settings s;
        s.url = server.url();
        s.transports = std::move(transports);
        s.timeout = mad::seconds(10);
        s.close_timeout = mad::milliseconds(200);
        if (adjust)
            adjust(s);
        engine::client c(mad::net::shard::of(ctx), s);
        told.when_finished = [this] { server.close(); };
        client = &c;
        c.open(told);
        ctx.run();
    }

    boost::asio::io_context ctx{1};
    scripted_server server;
    engine::client* client = nullptr;
    heard told;
};

} // namespace mad_test

#endif
