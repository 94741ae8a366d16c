#include <mad/net/http/server.hpp>
#include <mad/net/io_pool.hpp>
#include <mad/net/tls_dialer.hpp>
#include <mad/net/tls_engine.hpp>
#include <mad/proxy/control.hpp>

#include <catch2/catch.hpp>
#include <support/captured_log.hpp>
#include <support/certificates.hpp>
#include <support/on_shard.hpp>
#include <support/print_result.hpp>
#include <support/raw_client.hpp>

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

using namespace mad;
using namespace mad_test;
namespace http = mad::net::http;
using proxy::listed_upstream;
using proxy::removal;
using proxy::upstream_state;

namespace {

boost::asio::ip::tcp::endpoint const any_port(boost::asio::ip::address_v4::loopback(), 0);

/// A server that says what a test wants to each path. 0: it keeps silent.
class peer {
  public:
    struct says {
        std::map<std::string, int> status; ///< by path; others get 404
        std::string body = "{}";
        std::shared_ptr<net::cipher_factory> tls = {};
    };

    explicit peer(says s) { start(std::move(s)); }
    ~peer() { stop(); }

    void start(says s, std::uint16_t at = 0) {
        threads_ = std::make_unique<net::io_pool>(1, logger());
        mind_ = std::make_shared<mind>();
        mind_->now = std::move(s);
        http::router r;
        r.otherwise(mind_);
        http::server_settings settings;
        settings.tls = mind_->now.tls;
        server_ = std::make_unique<http::server>(threads_->shards(), std::move(r), settings);
        auto where = any_port;
        where.port(at);
        port = server_->listen(where).value().port();
        threads_->start();
    }

    /// Refuses connections from here on.
    void stop() {
        if (threads_)
            threads_->stop();
        server_.reset();
        threads_.reset();
    }

    void say(std::map<std::string, int> status, std::string body = "{}") {
        std::lock_guard const lock(mind_->mutex);
        mind_->now.status = std::move(status);
        mind_->now.body = std::move(body);
    }

    int asked(std::string const& path) const {
        std::lock_guard const lock(mind_->mutex);
        auto const at = mind_->asked.find(path);
        return at == mind_->asked.end() ? 0 : at->second;
    }

    proxy::upstream as(std::string name) const {
        proxy::upstream u;
        u.name = std::move(name);
        u.host = "127.0.0.1";
        u.port = port;
        return u;
    }

    std::uint16_t port = 0;

  private:
    struct mind final : http::route {
        void on_request(net::shard&, http::request const& r, http::exchange x) override {
            std::lock_guard const lock(mutex);
            std::string const path(r.target.substr(0, r.target.find('?')));
            ++asked[path];
            auto const at = now.status.find(path);
            auto const status = at == now.status.end() ? 404 : at->second;
            if (status == 0)
                return silent.push_back(std::move(x));
            x.respond(http::json_answer(status, now.body));
        }
        std::mutex mutex;
        says now;
        std::map<std::string, int> asked;
        std::vector<http::exchange> silent;
    };

    std::unique_ptr<net::io_pool> threads_;
    std::shared_ptr<mind> mind_;
    std::unique_ptr<http::server> server_;
};

/// A control on a thread of its own that probes often, and what it told.
class world {
  public:
    explicit world(std::function<void(proxy::control_settings&)> const& more = {}) {
        proxy::control_settings s;
        s.health.interval = milliseconds(20);
        s.health.timeout = milliseconds(300);
        s.drain = {milliseconds(10), milliseconds(3000)};
        s.log = log.handle();
        if (more)
            more(s);
        it = std::make_unique<proxy::control>(threads[0], std::move(s));
        proxy::control::events e;
        e.view = [this](proxy::control::view_ptr v) {
            std::lock_guard const lock(mutex);
            told = std::move(v);
        };
        e.cut = [this](std::uint32_t id) {
            std::lock_guard const lock(mutex);
            cut.push_back(id);
        };
        e.shed = [this](proxy::shed_order o) {
            std::lock_guard const lock(mutex);
            shed += o.sessions;
            if (told && told->by_id(o.id))
                told->by_id(o.id)->count->tunnels -= o.sessions;
        };
        it->start(std::move(e));
        threads.start();
    }
    ~world() {
        run_on(threads[0], [this] { it->stop(); });
        threads.stop();
    }

    std::shared_ptr<proxy::target const> target(std::string const& name) const {
        std::lock_guard const lock(mutex);
        return told ? told->by_name(name) : nullptr;
    }

    /// Waits until the shards have been told so.
    bool await(std::string const& name, upstream_state s) const {
        return wait_until([&] {
            auto const t = target(name);
            return t && t->state == s;
        });
    }
    bool await_gone(std::string const& name) const {
        return wait_until([&] { return !target(name); });
    }

    captured_log log;
    net::io_pool threads{1, logger()};
    std::unique_ptr<proxy::control> it;
    mutable std::mutex mutex;
    proxy::control::view_ptr told;
    std::vector<std::uint32_t> cut;
    std::uint32_t shed = 0;
};

std::string const ready = R"({"ready":true,"node":"a","tag":513})";

} // namespace

TEST_CASE("a mad node is up once it says that it is ready, and its tag is known") {
    peer a({{{"/ready", 200}}, ready});
    world w;
    REQUIRE(w.it->put(a.as("a")));
    CHECK(w.await("a", upstream_state::up));
    CHECK(wait_until([&] {
        auto const t = w.target("a");
        return t->to.node_tag == std::uint16_t{513} && t->addresses.size() == 1;
    }));
    CHECK(w.target("a")->addresses[0].port() == a.port);
    CHECK(w.it->view()->by_tag(513));
    CHECK(w.log.count("proxy.upstream.up") == 1);
    CHECK(a.asked("/health") == 0);
}

TEST_CASE("servers that are not ours are up by what they know") {
    struct row {
        char const* who;
        std::map<std::string, int> status;
        char const* asked;
    };
    auto const r =
        GENERATE(row{"one with /health", {{"/health", 200}}, "/health"},
                 row{"Socket.IO by itself, which knows neither", {}, "/health"},
                 row{"one that says 501", {{"/ready", 501}, {"/health", 501}}, "/health"},
                 row{"an HTTP server of Node without handlers",
                     {{"/ready", 0}, {"/health", 0}, {"/socket.io/", 400}},
                     "/socket.io/"});
    INFO(r.who);
    peer a({r.status});
    world w;
    REQUIRE(w.it->put(a.as("a")));
    CHECK(w.await("a", upstream_state::up));
    CHECK(wait_until([&] { return a.asked(r.asked) >= 5; }));
    CHECK(a.asked("/ready") == 1); // remembered
    a.stop();
    CHECK(w.await("a", upstream_state::down));
}

TEST_CASE("for a server that speaks no HTTP a connection is enough") {
    // The system takes the connections, as of a program that answers nothing.
    boost::asio::io_context ctx;
    auto acceptor = std::make_unique<boost::asio::ip::tcp::acceptor>(ctx, any_port);
    proxy::upstream u;
    u.name = "mute";
    u.host = "127.0.0.1";
    u.port = acceptor->local_endpoint().port();
    world w([](auto& s) { s.health.timeout = milliseconds(50); });
    REQUIRE(w.it->put(u));
    CHECK(w.await("mute", upstream_state::up));
    acceptor.reset();
    CHECK(w.await("mute", upstream_state::down));
}

TEST_CASE("a path of one's own is asked for") {
    peer a({{{"/up", 204}, {"/ready", 500}}});
    world w([](auto& s) { s.health.path = "/up"; });
    REQUIRE(w.it->put(a.as("a")));
    CHECK(w.await("a", upstream_state::up));
    a.say({{"/up", 500}});
    CHECK(w.await("a", upstream_state::down));
    CHECK(a.asked("/ready") == 0);
}

TEST_CASE("an upstream that dies is down, its sessions are cut, and it comes back") {
    peer a({{{"/ready", 200}}}), b({{{"/ready", 200}}});
    world w;
    REQUIRE(w.it->put(a.as("a")));
    REQUIRE(w.it->put(b.as("b")));
    REQUIRE(w.await("a", upstream_state::up));
    REQUIRE(w.await("b", upstream_state::up));
    auto const id = w.target("a")->id;
    auto const port = a.port;
    a.stop();
    CHECK(w.await("a", upstream_state::down));
    CHECK(wait_until([&] {
        std::lock_guard const lock(w.mutex);
        return w.cut == std::vector<std::uint32_t>{id};
    }));
    CHECK_FALSE(w.target("a")->serves);
    a.start({{{"/ready", 200}}}, port);
    CHECK(w.await("a", upstream_state::slow_start));
    CHECK(w.target("a")->id == id);
    CHECK(w.log.count("proxy.upstream.down") == 1);
    CHECK(w.log.count("proxy.upstream.up") == 3);
}

TEST_CASE("a server that hangs is down") {
    peer a({{{"/ready", 200}}}), b({{{"/ready", 200}}});
    world w([](auto& s) { s.health.timeout = milliseconds(50); });
    REQUIRE(w.it->put(a.as("a")));
    REQUIRE(w.it->put(b.as("b")));
    REQUIRE(w.await("a", upstream_state::up));
    a.say({{"/ready", 0}});
    CHECK(w.await("a", upstream_state::down));
    a.say({{"/ready", 200}});
    CHECK(w.await("a", upstream_state::slow_start));
}

TEST_CASE("a node that says it is not ready keeps its sessions; one that drains says so") {
    peer a({{{"/ready", 200}}}), b({{{"/ready", 200}}});
    world w;
    REQUIRE(w.it->put(a.as("a")));
    REQUIRE(w.it->put(b.as("b")));
    REQUIRE(w.await("a", upstream_state::up));
    REQUIRE(w.await("b", upstream_state::up));
    a.say({{"/ready", 503}}, R"({"ready":false,"reason":"redis","since":1})");
    CHECK(w.await("a", upstream_state::not_ready));
    CHECK(w.target("a")->serves);
    CHECK_FALSE(w.target("a")->takes());
    a.say({{"/ready", 503}}, R"({"ready":false,"reason":"draining","since":1})");
    CHECK(w.await("a", upstream_state::draining));
    a.say({{"/ready", 200}});
    CHECK(w.await("a", upstream_state::up));
    std::lock_guard const lock(w.mutex);
    CHECK(w.cut.empty());
}

TEST_CASE("a drain closes sessions in slices until none is left") {
    peer a({{{"/ready", 200}}}), b({{{"/ready", 200}}});
    world w;
    REQUIRE(w.it->put(a.as("a")));
    REQUIRE(w.it->put(b.as("b")));
    REQUIRE(w.await("a", upstream_state::up));
    w.target("a")->count->tunnels = 90;
    REQUIRE(w.it->drain("a"));
    CHECK(w.it->view()->by_name("a")->state == upstream_state::draining); // at once
    CHECK(w.await("a", upstream_state::drained));
    {
        std::lock_guard const lock(w.mutex);
        CHECK(w.shed == 90);
        CHECK(w.cut.empty());
    }
    CHECK(w.log.count("proxy.upstream.draining") == 1);
    CHECK(w.log.count("proxy.upstream.drained") == 1);
    REQUIRE(w.it->undrain("a"));
    CHECK(w.await("a", upstream_state::slow_start));
    CHECK(w.it->drain("nobody").error() == proxy::pool_error::unknown_upstream);
}

TEST_CASE("upstreams come and go while others are served") {
    peer a({{{"/ready", 200}}}), b({{{"/ready", 200}}});
    world w;
    REQUIRE(w.it->put(a.as("a")));
    REQUIRE(w.await("a", upstream_state::up));
    auto const before = w.target("a");
    REQUIRE(w.it->put(b.as("b")));
    REQUIRE(w.await("b", upstream_state::up));
    CHECK(w.target("a") == before);
    w.target("b")->count->tunnels = 1;
    CHECK(w.it->remove("b", removal::if_empty).error() == proxy::pool_error::has_sessions);
    CHECK(w.it->remove("b", removal::at_once));
    CHECK(w.await_gone("b"));
    auto const asked = a.asked("/ready");
    CHECK(wait_until([&] { return a.asked("/ready") > asked + 2; }));
    CHECK(w.log.count("proxy.upstream.removed") == 1);
}

TEST_CASE("a list brings upstreams, and takes away what it brought") {
    peer a({{{"/ready", 200}}}), b({{{"/ready", 200}}}), c({{{"/ready", 200}}});
    world w;
    REQUIRE(w.it->put(c.as("by-hand")));
    w.it->set_list("file", {{a.as("a")}, {b.as("b")}});
    w.it->set_list("found", {{b.as("b")}});
    REQUIRE(w.await("a", upstream_state::up));
    REQUIRE(w.await("b", upstream_state::up));
    REQUIRE(w.await("by-hand", upstream_state::up));
    w.it->set_list("found", {{b.as("b"), true}});
    CHECK(w.await("b", upstream_state::draining));
    w.it->set_list("found", {{b.as("b"), false}});
    CHECK(wait_until([&] { return w.target("b")->takes(); }));
    w.it->set_list("file", {});
    CHECK(w.await_gone("a"));
    CHECK(w.target("b"));
    w.it->set_list("found", {});
    CHECK(w.await_gone("b"));
    CHECK(w.target("by-hand"));
    auto bad = a.as("no/name");
    w.it->set_list("file", {{bad}});
    CHECK(w.log.count("proxy.upstream.refused") == 1);
}

TEST_CASE("of two lists that have the same name the first source counts, and one warning tells") {
    peer a({{{"/ready", 200}}}), b({{{"/ready", 200}}});
    world w;
    auto const seen = [&] { return w.it->view()->by_name("node"); };
    auto const one = a.as("node"), other = b.as("node");
    REQUIRE(one.port != other.port);
    w.it->set_list("configuration", {{one}});
    REQUIRE(w.await("node", upstream_state::up));
    auto const id = seen()->id;
    for (int i = 0; i < 3; ++i) {
        w.it->set_list("discovery", {{other, true}});
        CHECK(seen()->to.port == one.port);
        w.it->set_list("configuration", {{one}});
        CHECK(seen()->to.port == one.port);
    }
    CHECK(seen()->id == id); // nobody has come and gone meanwhile
    CHECK(w.log.count("proxy.upstream.name_taken") == 1);
    REQUIRE(w.await("node", upstream_state::up)); // the drain is of the other one

    SECTION("the name is the other's when it is free") {
        w.it->set_list("configuration", {});
        CHECK(seen()->to.port == other.port);
        w.it->set_list("configuration", {{one}});
        CHECK(seen()->to.port == one.port);
        CHECK(w.log.count("proxy.upstream.name_taken") == 2);
    }
    SECTION("the other one goes, and nothing happens") {
        w.it->set_list("discovery", {});
        CHECK(seen()->id == id);
    }
    SECTION("the same server in both: its drain and its tag are known from either") {
        auto same = one;
        same.node_tag = std::uint16_t{7};
        same.weight = 9;
        w.it->set_list("discovery", {{same, true}});
        CHECK(seen()->state == upstream_state::draining);
        w.it->set_list("configuration", {{one}});
        CHECK(seen()->to.node_tag == 7);
        CHECK(seen()->to.weight == 1);
        CHECK(seen()->state == upstream_state::draining);
        w.it->set_list("discovery", {{same, false}});
        CHECK(seen()->takes());
    }
    SECTION("two of one name in one list: the last one") {
        w.it->set_list("configuration", {{other}, {one}});
        CHECK(seen()->id == id);
    }
}

TEST_CASE("connects that fail take an upstream out between two probes") {
    peer a({{{"/ready", 200}}}), b({{{"/ready", 200}}});
    world w([](auto& s) { s.health.rise = 1'000'000; });
    REQUIRE(w.it->put(a.as("a")));
    REQUIRE(w.it->put(b.as("b")));
    REQUIRE(w.await("a", upstream_state::up));
    REQUIRE(w.await("b", upstream_state::up));
    for (int i = 0; i < 3; ++i) {
        w.it->connect_failed(w.target("a")->id);
        w.it->connect_failed(w.target("b")->id);
    }
    CHECK(w.await("a", upstream_state::down));
    CHECK(w.target("b")->state == upstream_state::up); // not more than half
}

TEST_CASE("names are looked up for the relays") {
    peer a({{{"/ready", 200}}});
    world w;
    auto u = a.as("a");
    u.host = "localhost";
    REQUIRE(w.it->put(u));
    CHECK(w.await("a", upstream_state::up));
    CHECK(wait_until([&] { return !w.target("a")->addresses.empty(); }));
    for (auto const& at : w.target("a")->addresses) {
        CHECK(at.address().is_loopback());
        CHECK(at.port() == a.port);
    }
    u.name = "nowhere";
    u.host = "nowhere.invalid";
    REQUIRE(w.it->put(u));
    CHECK(w.await("nowhere", upstream_state::down));
    CHECK(w.target("nowhere")->addresses.empty());
}

TEST_CASE("upstreams that speak TLS are probed over TLS, their names checked") {
    authority ca;
    auto const right = ca.issue("right", {"right", {"IP:127.0.0.1"}});
    auto const wrong = ca.issue("wrong", {"wrong", {"DNS:elsewhere.example"}});
    auto const serve = [](authority::files const& f) {
        return net::tls_server_context::load(f.cert, f.key).value();
    };
    peer a({{{"/ready", 200}}, ready, serve(right)}), b({{{"/ready", 200}}, ready, serve(wrong)});
    world w([&](auto& s) {
        net::tls_client_settings tls;
        tls.ca_file = ca.ca_file();
        s.tls = std::make_shared<net::tls_dialer>(net::tls_client_context::load(tls).value());
    });
    auto of_a = a.as("a"), of_b = b.as("b");
    of_a.secure = of_b.secure = true;
    REQUIRE(w.it->put(of_a));
    REQUIRE(w.it->put(of_b));
    CHECK(w.await("a", upstream_state::up));
    CHECK(w.await("b", upstream_state::down));
}

TEST_CASE("a reload changes what is asked") {
    peer a({{{"/ready", 200}, {"/up", 200}}});
    world w;
    REQUIRE(w.it->put(a.as("a")));
    REQUIRE(w.await("a", upstream_state::up));
    proxy::health_settings h;
    h.interval = milliseconds(20);
    h.path = "/up";
    w.it->set(h, {}, {});
    CHECK(wait_until([&] { return a.asked("/up") > 3; }));
    CHECK(w.target("a")->state == upstream_state::up);
}
