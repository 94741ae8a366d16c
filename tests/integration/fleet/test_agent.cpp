#include <mad/core/json.hpp>
#include <mad/fleet/agent.hpp>
#include <mad/net/http/server.hpp>
#include <mad/socketio/server.hpp>

#include <catch2/catch.hpp>

#include <support/captured_log.hpp>
#include <support/raw_client.hpp>
#include <support/temp_folder.hpp>

#include <atomic>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include <sys/stat.h>

using mad::json;
using mad::milliseconds;
using mad_test::captured_log;
using mad_test::raw_client;
using mad_test::wait_until;
namespace sio = mad::socketio;
namespace http = mad::net::http;

namespace {

/// A node that keeps what agents tell it, and lets in who has its token.
class fake_node {
  public:
    explicit fake_node(std::string token = {}, std::uint16_t at = 0, bool answers = true)
        : token_(std::move(token)) {
        io_.of("/").use([this](sio::socket const& s, sio::next next) {
            auto const said = s.handshake().auth();
            bool const good = token_.empty() || said == json{{"token", token_}};
            {
                std::lock_guard const lock(mutex_);
                urls_.emplace_back(s.handshake().url());
                refusals_ += good ? 0 : 1;
            }
            if (good)
                return next({});
            next(sio::connect_error{"unauthorized", {}});
        });
        io_.on_connection([this, answers](sio::socket s) {
            {
                std::lock_guard const lock(mutex_);
                peers_.push_back(s);
            }
            for (std::string const name : {"client_connected", "client_healthcheck"})
                s.on(name, [this, name](json message) { keep(name, std::move(message)); });
            s.on("client_disconnected", [this, answers](json message, sio::ack done) {
                keep("client_disconnected", std::move(message));
                if (answers)
                    done();
            });
        });
        port = io_.listen(at).value().port();
    }
    ~fake_node() { io_.close(); }

    struct told {
        std::string event;
        json message;
    };
    std::vector<told> all() const {
        std::lock_guard const lock(mutex_);
        return told_;
    }
    std::vector<std::string> urls() const {
        std::lock_guard const lock(mutex_);
        return urls_;
    }
    std::size_t refusals() const {
        std::lock_guard const lock(mutex_);
        return refusals_;
    }
    std::size_t joined() const {
        std::lock_guard const lock(mutex_);
        return peers_.size();
    }
    sio::socket peer(std::size_t i) const {
        std::lock_guard const lock(mutex_);
        return peers_.at(i);
    }
    std::size_t count(std::string const& event) const {
        auto const list = all();
        return static_cast<std::size_t>(std::count_if(
            list.begin(), list.end(), [&](told const& t) { return t.event == event; }));
    }
    bool await(std::string const& event, std::size_t n) const {
        return wait_until([&] { return count(event) >= n; });
    }

    std::string url() const { return "http://127.0.0.1:" + std::to_string(port); }
    std::uint16_t port = 0;

  private:
    void keep(std::string const& event, json message) {
        std::lock_guard const lock(mutex_);
        told_.push_back({event, std::move(message)});
    }

    mutable std::mutex mutex_;
    std::string token_;
    std::vector<told> told_;
    std::vector<std::string> urls_;
    std::vector<sio::socket> peers_;
    std::size_t refusals_ = 0;
    sio::server io_;
};

struct agent_world {
    mad::fleet::agent_settings settings(std::string const& url) const {
        mad::fleet::agent_settings s;
        s.api_url = url;
        s.id = "host-1";
        s.interval = milliseconds(1000);
        s.log = log.handle();
        return s;
    }
    std::string secret(std::string const& text) const {
        auto const path = folder.write("token", text + "\n");
        REQUIRE(::chmod(path.c_str(), 0600) == 0);
        return path;
    }
    captured_log log;
    mad_test::temp_folder folder;
};

} // namespace

TEST_CASE_METHOD(agent_world, "an agent says who it is, then how it is, and that it leaves") {
    fake_node node;
    mad::fleet::agent agent(settings(node.url()));
    agent.start();
    REQUIRE(node.await("client_healthcheck", 1));
    agent.stop(milliseconds(5'000));
    auto const all = node.all();
    REQUIRE(all.size() >= 3);
    CHECK(all[0].event == "client_connected");
    CHECK(all[0].message.contains("info"));
    CHECK(all[1].event == "client_healthcheck");
    CHECK_FALSE(all[1].message.contains("info"));
    CHECK(all[0].message["run"] == all[1].message["run"]);
    CHECK(all[0].message["seq"] < all[1].message["seq"]);
    CHECK(all.back().event == "client_disconnected");
    CHECK(all.back().message == json{{"id", "host-1"}});
}

TEST_CASE_METHOD(agent_world, "each start is a run of its own") {
    fake_node node;
    for (std::size_t i = 1; i <= 2; ++i) {
        mad::fleet::agent agent(settings(node.url()));
        agent.start();
        REQUIRE(node.await("client_connected", i));
    }
    auto const all = node.all();
    CHECK(all.front().message["run"] != all.back().message["run"]);
}

TEST_CASE_METHOD(agent_world, "a token goes into the auth of the connect, and into no URL") {
    fake_node node("s3cret");
    auto s = settings(node.url());
    s.token_file = secret("s3cret");
    mad::fleet::agent agent(std::move(s));
    agent.start();
    REQUIRE(node.await("client_connected", 1));
    for (auto const& u : node.urls())
        CHECK(u.find("s3cret") == u.npos);
    CHECK_FALSE(log.has("s3cret"));
    CHECK(log.count("fleet.agent.token_in_clear") == 0); // loopback
}

TEST_CASE_METHOD(agent_world, "a token on its way to another host in the clear is warned of") {
    auto s = settings("http://192.0.2.1:3000");
    s.token_file = secret("s3cret");
    mad::fleet::agent const agent(std::move(s));
    CHECK(log.count("fleet.agent.token_in_clear") == 1);
}

TEST_CASE_METHOD(agent_world, "a refused agent says so once, goes on, and reads its token anew") {
    fake_node node("right");
    auto s = settings(node.url());
    s.token_file = secret("wrong");
    s.refused_delay = milliseconds(5);
    s.refused_delay_max = milliseconds(20);
    mad::fleet::agent agent(std::move(s));
    agent.start();
    REQUIRE(wait_until([&] { return node.refusals() >= 4; }));
    CHECK(log.count("fleet.agent.refused") == 1);
    CHECK(log.has("why=unauthorized"));
    CHECK_FALSE(agent.connected());
    secret("right");
    REQUIRE(node.await("client_connected", 1));
    CHECK_FALSE(log.has("right token"));
}

TEST_CASE_METHOD(agent_world, "a token that is reread ends the wait after a refusal") {
    fake_node node("right");
    auto s = settings(node.url()); // waits 15 s and more
    s.token_file = secret("wrong");
    mad::fleet::agent agent(std::move(s));
    agent.start();
    REQUIRE(wait_until([&] { return log.count("fleet.agent.refused") == 1; }));
    REQUIRE(::chmod(folder.file("token").c_str(), 0644) == 0);
    CHECK(agent.reload().starts_with("token-file: "));
    secret("right");
    CHECK(agent.reload().empty());
    REQUIRE(node.await("client_connected", 1));
    CHECK(node.refusals() == 1);
}

TEST_CASE_METHOD(agent_world, "an agent that a node has dismissed comes back") {
    fake_node node;
    mad::fleet::agent agent(settings(node.url()));
    agent.start();
    REQUIRE(node.await("client_connected", 1));
    node.peer(0).disconnect();
    REQUIRE(node.await("client_connected", 2));
    CHECK(node.all().back().message.contains("info"));
}

TEST_CASE_METHOD(agent_world, "a lost connection brings a new sample with info, not an old one") {
    fake_node node;
    mad::fleet::agent agent(settings(node.url()));
    agent.start();
    REQUIRE(node.await("client_connected", 1));
    node.peer(0).drop_connection();
    REQUIRE(node.await("client_connected", 2));
    std::uint64_t last = 0;
    for (auto const& t : node.all()) {
        CHECK(t.message["seq"].get<std::uint64_t>() > last);
        last = t.message["seq"].get<std::uint64_t>();
        CHECK(t.message.contains("info") == (t.event == "client_connected"));
    }
}

TEST_CASE_METHOD(agent_world, "an agent moves when its node is about to stop") {
    fake_node node;
    mad::fleet::agent agent(settings(node.url()));
    agent.start();
    REQUIRE(node.await("client_connected", 1));
    SECTION("asked well") {
        node.peer(0).emit("node_draining", json{{"after_ms", 10}});
        REQUIRE(node.await("client_connected", 2));
        CHECK(log.count("fleet.agent.node_draining") == 1);
        CHECK(log.count("fleet.agent.disconnected") == 0); // it was its own doing
        CHECK(node.count("client_disconnected") == 0);     // nor did it leave the fleet
        CHECK(node.all().back().message.contains("info"));
    }
    SECTION("asked in words that mean nothing") {
        for (auto const& odd : {json(), json(7), json{{"after_ms", "soon"}}, json::array({1})})
            node.peer(0).emit("node_draining", odd);
        auto const before = node.count("client_healthcheck");
        REQUIRE(node.await("client_healthcheck", before + 2));
        CHECK(node.joined() == 1);
        CHECK(log.count("fleet.agent.node_draining") == 0);
    }
}

TEST_CASE_METHOD(agent_world, "an agent that starts before its node finds it when it comes") {
    boost::asio::io_context ctx;
    boost::asio::ip::tcp::acceptor place(ctx, {boost::asio::ip::address_v4::loopback(), 0});
    auto const port = place.local_endpoint().port();
    place.close();
    mad::fleet::agent agent(settings("http://127.0.0.1:" + std::to_string(port)));
    agent.start();
    REQUIRE(wait_until([&] { return log.count("fleet.agent.not_connected") == 1; }));
    fake_node node({}, port);
    REQUIRE(node.await("client_connected", 1));
    CHECK(log.count("fleet.agent.not_connected") == 1);
}

TEST_CASE_METHOD(agent_world, "an agent whose node has no name yet samples, and stops when told") {
    auto s = settings("http://node.invalid:3000");
    std::promise<void> sampled;
    s.on_first_sample = [&] { sampled.set_value(); };
    mad::fleet::agent agent(std::move(s));
    auto run = std::async(std::launch::async, [&] { agent.run(); });
    CHECK(sampled.get_future().wait_for(mad_test::patience) == std::future_status::ready);
    agent.leave(milliseconds(200));
    CHECK(run.wait_for(mad_test::patience) == std::future_status::ready);
    CHECK_FALSE(agent.connected());
}

TEST_CASE_METHOD(agent_world, "the goodbye goes out, and is not waited for longer than told") {
    fake_node node({}, 0, false); // as nodes of the original: no answer
    mad::fleet::agent agent(settings(node.url()));
    auto run = std::async(std::launch::async, [&] { agent.run(); });
    REQUIRE(node.await("client_connected", 1));
    agent.leave(milliseconds(300));
    CHECK(run.wait_for(mad_test::patience) == std::future_status::ready);
    CHECK(node.await("client_disconnected", 1));
}

namespace {

/// A node that takes one event and answers that request when told to.
class held_node final : public http::route {
  public:
    void on_head(mad::net::shard&, http::request const&, http::exchange&,
                 std::size_t& max_body) override {
        max_body = 1'000'000;
    }
    void on_request(mad::net::shard& home, http::request const& r, http::exchange x) override {
        shard = &home;
        std::lock_guard const lock(mutex);
        if (r.method == "POST") {
            bodies.emplace_back(r.body);
            if (r.body.starts_with("42") && std::exchange(first, false))
                return void(held = std::move(x));
            x.respond(http::text_answer(200, "ok"));
            return let_in();
        }
        if (r.query.find("sid=") == r.query.npos)
            return x.respond(http::text_answer(
                200, R"(0{"sid":"s","upgrades":[],"pingInterval":60000,"pingTimeout":60000,)"
                     R"("maxPayload":1000000})"));
        poll = std::move(x);
        let_in();
    }
    std::vector<std::string> events() {
        std::lock_guard const lock(mutex);
        std::vector<std::string> out;
        for (auto const& b : bodies)
            if (b.starts_with("42"))
                out.push_back(b);
        return out;
    }
    std::mutex mutex;
    std::vector<std::string> bodies;
    http::exchange poll, held;
    std::atomic<mad::net::shard*> shard{nullptr};
    bool joined = false, first = true;

  private:
    void let_in() {
        if (joined || bodies.empty() || !poll)
            return;
        joined = true;
        poll.respond(http::text_answer(200, R"(40{"sid":"abc"})"));
    }
};

} // namespace

TEST_CASE_METHOD(agent_world,
                 "a node that does not read makes no queue: it gets the newest sample") {
    auto const node = std::make_shared<held_node>();
    mad::net::io_pool pool(1);
    http::router routes;
    routes.mount("/socket.io/", node);
    http::server server(pool.shards(), std::move(routes), {});
    auto const at = server.listen({boost::asio::ip::address_v4::loopback(), 0}).value();
    pool.start();
    {
        auto s = settings(http::url_of(at, false));
        s.websocket = false;
        mad::fleet::agent agent(std::move(s));
        agent.start();
        REQUIRE(wait_until([&] { return agent.sent() >= 4; }));
        CHECK(node->events().size() == 1);
        (*node->shard).post([&] { node->held.respond(http::text_answer(200, "ok")); });
        REQUIRE(wait_until([&] { return node->events().size() >= 2; }));
        auto const next = node->events()[1];
        CHECK(next.find('\x1e') == next.npos); // one packet
        CHECK(json::parse(next.substr(2))[1]["seq"] >= 4);
    }
    pool.stop();
}

TEST_CASE_METHOD(agent_world, "an agent leaves in time when its node has fallen silent") {
    auto const node = std::make_shared<held_node>();
    mad::net::io_pool pool(1);
    http::router routes;
    routes.mount("/socket.io/", node);
    http::server server(pool.shards(), std::move(routes), {});
    auto const at = server.listen({boost::asio::ip::address_v4::loopback(), 0}).value();
    pool.start();
    {
        auto s = settings(http::url_of(at, false));
        s.websocket = false;
        mad::fleet::agent agent(std::move(s));
        auto run = std::async(std::launch::async, [&] { agent.run(); });
        REQUIRE(wait_until([&] { return agent.sent() >= 1; }));
        agent.leave(milliseconds(200));
        CHECK(run.wait_for(mad_test::patience) == std::future_status::ready);
    }
    pool.stop();
}

TEST_CASE_METHOD(agent_world, "metrics are for this machine, and no page of a browser") {
    fake_node node;
    mad::fleet::agent agent(settings(node.url()));
    auto const at = agent.serve_metrics({boost::asio::ip::address_v4::loopback(), 0});
    REQUIRE(at);
    agent.start();
    REQUIRE(node.await("client_healthcheck", 1));
    auto const ask = [&](std::string const& path, std::string const& fields) {
        return raw_client(at->port()).ask("GET " + path + " HTTP/1.1\r\n" + fields + "\r\n");
    };
    auto const local = std::string("Host: 127.0.0.1\r\n");
    auto const good = ask("/metrics", local);
    CHECK(good.status == 200);
    CHECK(good.header("content-type") ==
          "application/openmetrics-text; version=1.0.0; charset=utf-8");
    CHECK(good.header("cache-control") == "no-store");
    CHECK(good.body.ends_with("\n# EOF\n"));
    CHECK(good.body.find("\nmad_agent_connected 1\n") != good.body.npos);
    CHECK(good.body.find("mad_host_info{id=\"host-1\"") != good.body.npos);
    auto const health = json::parse(ask("/health", local).body);
    CHECK(health["healthy"] == true);
    CHECK(health["connected"] == true);
    CHECK(ask("/metrics", "Host: evil.example\r\n").status == 403);
    CHECK(ask("/metrics", local + "Origin: http://evil.example\r\n").status == 403);
    CHECK(ask("/", local).status == 404);
}

TEST_CASE_METHOD(agent_world, "metrics are there before any node is") {
    mad::fleet::agent agent(settings("http://127.0.0.1:1"));
    auto const at = agent.serve_metrics({boost::asio::ip::address_v4::loopback(), 0});
    REQUIRE(at);
    agent.start();
    REQUIRE(wait_until([&] {
        auto const text =
            raw_client(at->port()).ask("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n").body;
        return text.find("\nmad_host_uptime_seconds ") != text.npos &&
               text.find("\nmad_agent_connected 0\n") != text.npos;
    }));
}
