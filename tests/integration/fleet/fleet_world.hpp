#ifndef MAD_TESTS_INTEGRATION_FLEET_FLEET_WORLD_HPP
#define MAD_TESTS_INTEGRATION_FLEET_FLEET_WORLD_HPP

#include <mad/core/json.hpp>
#include <mad/fleet/api.hpp>

#include <catch2/catch.hpp>

#include <support/captured_log.hpp>
#include <support/sio_peer.hpp>
#include <support/wires.hpp>

#include <memory>
#include <string>
#include <vector>

namespace mad_test {

using mad::json;
using namespace std::chrono_literals;
using strings = std::vector<std::string>;

/// An API node on loopback.
class fleet_world {
  public:
    explicit fleet_world(mad::fleet::api_settings s = {}, std::size_t threads = 1) {
        s.listen.port(0);
        s.threads = threads;
        if (s.node_id.empty())
            s.node_id = "node-1";
        s.log = log_.handle();
        api_ = std::make_unique<mad::fleet::api>(std::move(s));
        port = api_->start().value().port();
    }

    mad::fleet::api& api() { return *api_; }
    captured_log const& log() const { return log_; }
    void stop() { api_.reset(); }

    bool await_agents(std::size_t n) {
        return wait_until([&] { return api_->counters().agents == n; });
    }
    bool await_updates(std::size_t n) {
        return wait_until([&] { return api_->counters().updates >= n; });
    }

    http_answer get(std::string const& path, std::string const& host = "127.0.0.1",
                    std::string const& fields = {}) {
        return raw_client(port).ask("GET " + path + " HTTP/1.1\r\nHost: " + host + "\r\n" + fields +
                                    "\r\n");
    }

    std::uint16_t port = 0;

  private:
    captured_log log_;
    std::unique_ptr<mad::fleet::api> api_;
};

/// A sample as an agent of today sends it, with room for more members.
inline std::string sample(std::string const& id, int storage, std::string const& more = {}) {
    return "{\"id\":\"" + id + "\",\"health\":{\"storage\":" + std::to_string(storage) +
           ",\"network\":0.5}" + more + "}";
}

inline std::string seq(std::string const& run, int n) {
    return ",\"v\":2,\"run\":\"" + run + "\",\"seq\":" + std::to_string(n);
}

/// A peer that plays an agent.
class agent_peer {
  public:
    explicit agent_peer(fleet_world& w, wire k = wire::websocket)
        : peer(k, w.port) {}

    /// Sends an event and waits for its acknowledgement; what consoles are told is read over.
    std::string ask(std::string const& event, std::string const& message) {
        auto const number = std::to_string(++asked_);
        peer.send("2" + number + "[\"" + event + "\"" + (message.empty() ? "" : "," + message) +
                  "]");
        for (;;) {
            auto const p = peer.next();
            if (p.empty())
                return "the end";
            if (p.starts_with("3" + number + "["))
                return p.substr(1 + number.size());
            told.push_back(p.substr(1));
        }
    }
    std::string connected(std::string const& m) { return ask("client_connected", m); }
    std::string check(std::string const& m) { return ask("client_healthcheck", m); }

    sio_peer peer;
    strings told; ///< events that came while it waited

  private:
    int asked_ = 0;
};

/// A peer that plays a console.
class console_peer {
  public:
    explicit console_peer(fleet_world& w, wire k = wire::websocket)
        : peer(k, w.port) {}

    /// Says that it is one, and gives the list that it gets.
    json list(std::string const& packet = R"(2["web_connected"])") {
        peer.send(packet);
        auto const e = next();
        if (e[0] != "load_clients")
            throw std::runtime_error("not the list: " + e.dump());
        CHECK(e.size() == 2);
        CHECK(e[1].is_array());
        return e[1];
    }

    /// The next event, as an array.
    json next() {
        auto const p = peer.next();
        if (!p.starts_with("2["))
            throw std::runtime_error("no event: [" + p + "]");
        return json::parse(p.substr(1));
    }

    /// The next event in short: `update a 7`, `disconnect a`.
    std::string told() {
        auto const e = next();
        if (e[0] == "web_client_update")
            return "update " + e[1]["id"].get<std::string>() + " " +
                   e[1]["health"]["storage"].dump();
        if (e[0] == "web_client_disconnect")
            return "disconnect " + e[1].get<std::string>();
        return e.dump();
    }

    sio_peer peer;
};

} // namespace mad_test

#endif
