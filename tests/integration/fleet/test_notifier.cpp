#include <mad/fleet/notifier.hpp>
#include <mad/fleet/redis_ledger.hpp>
#include <mad/net/http/server.hpp>
#include <mad/net/io_pool.hpp>

#include <support/raw_client.hpp>
#include <support/redis_server.hpp>

#include <catch2/catch.hpp>

#include <nlohmann/json.hpp>

#include <atomic>
#include <map>
#include <mutex>

using namespace mad::fleet;
using namespace mad_test;
using namespace std::chrono_literals;

namespace {

/// Takes webhooks, and answers as it is told.
class receiver : public mad::net::http::route {
  public:
    struct letter {
        std::string target, body, id, stamp, signature;
        int status = 0;
    };

    /// Shared with the server, which lives as long.
    static std::shared_ptr<receiver> make() {
        auto r = std::make_shared<receiver>();
        mad::net::http::router routes;
        routes.mount("/", r);
        r->pool_ = std::make_unique<mad::net::io_pool>(1);
        r->server_ = std::make_unique<mad::net::http::server>(r->pool_->shards(), std::move(routes),
                                                              mad::net::http::server_settings());
        auto const at = r->server_->listen({boost::asio::ip::address_v4::loopback(), 0});
        r->url_ = "http://127.0.0.1:" + std::to_string(at->port()) + "/hook?team=ops";
        r->pool_->start();
        return r;
    }
    void end() {
        pool_->stop();
        server_.reset();
    }

    void on_head(mad::net::shard&, mad::net::http::request const&, mad::net::http::exchange&,
                 std::size_t& max_body) override {
        max_body = 65536;
    }
    void on_request(mad::net::shard&, mad::net::http::request const& r,
                    mad::net::http::exchange x) override {
        std::lock_guard const lock(mutex_);
        letter l{std::string(r.target), std::string(r.body), std::string(r.header("X-Mad-Notice")),
                 std::string(r.header("X-Mad-Timestamp")),
                 std::string(r.header("X-Mad-Signature"))};
        l.status = next_.empty() ? usual_ : next_.front();
        if (!next_.empty())
            next_.erase(next_.begin());
        letters_.push_back(l);
        if (l.status == 0) {
            hanging_.push_back(std::move(x)); // never answered
            return;
        }
        x.respond(mad::net::http::text_answer(l.status, "\n"));
    }

    std::string const& url() const { return url_; }
    void answer(int usual, std::vector<int> first = {}) {
        std::lock_guard const lock(mutex_);
        usual_ = usual;
        next_ = std::move(first);
    }
    std::vector<letter> letters() {
        std::lock_guard const lock(mutex_);
        return letters_;
    }
    /// Bodies that were taken, each `host: from to`.
    std::vector<std::string> taken() {
        std::vector<std::string> out;
        for (auto const& l : letters()) {
            if (l.status != 200)
                continue;
            auto const j = nlohmann::json::parse(l.body);
            out.push_back(j["host"].get<std::string>() + ": " + j["from"].get<std::string>() + " " +
                          j["to"].get<std::string>());
        }
        return out;
    }

  private:
    std::unique_ptr<mad::net::io_pool> pool_;
    std::unique_ptr<mad::net::http::server> server_;
    std::string url_;
    std::mutex mutex_;
    std::vector<letter> letters_;
    std::vector<int> next_;
    std::vector<mad::net::http::exchange> hanging_;
    int usual_ = 200;
};

host host_in(std::string id, host_state state, std::string rule = {}) {
    host h;
    h.id = std::move(id);
    h.state = state;
    h.rule = std::move(rule);
    h.own = true;
    return h;
}

/// A node as far as it notifies.
class node {
  public:
    node(std::string const& redis, std::string const& webhook, std::string const& name) {
        redis_ledger_settings l;
        l.node = name;
        l.redis = mad::redis::parse_url(redis).value();
        l.connection.backoff = {20ms, 200ms};
        l.look = 100ms;
        ledger_ = make_redis_ledger(std::move(l));
        settings_.node = name;
        settings_.webhook = webhook;
        settings_.secret = "secret";
        settings_.timeout = 500ms;
        settings_.backoff = {20ms, 50ms, 0.0, false};
        settings_.lease = 1500ms;
        settings_.look = 200ms;
        settings_.settle = 400ms;
        pool_.start();
        std::atomic<bool> ready{false};
        there([&] {
            ledger_watch w;
            w.ready = [&](bool r) { ready = r; };
            ledger_->start(pool_[0], std::move(w));
        });
        if (!wait_until([&] { return ready.load(); }))
            throw std::runtime_error("the ledger is not ready");
        there([this] {
            notifier_ = std::make_unique<notifier>(
                pool_[0], settings_, *ledger_, [this](std::string_view id) -> host const* {
                    auto const it = hosts_.find(std::string(id));
                    return it == hosts_.end() ? nullptr : &it->second;
                });
        });
    }
    ~node() { end(); }

    void end() {
        if (!notifier_)
            return;
        there([this] {
            notifier_.reset();
            ledger_.reset();
        });
        pool_.stop();
    }
    void there(std::function<void()> fn) {
        std::atomic<bool> done{false};
        pool_[0].post([&] {
            fn();
            done = true;
        });
        if (!wait_until([&] { return done.load(); }))
            throw std::runtime_error("the thread hangs");
    }
    void is(host h) {
        pool_[0].post([this, h] {
            hosts_[h.id] = h;
            notifier_->look_at(hosts_[h.id]);
        });
    }
    notifier_counters const& counters() { return notifier_->counters(); }
    std::size_t outbox() {
        std::size_t n = 0;
        there([&] { n = ledger_->size("outbox"); });
        return n;
    }
    std::string told(std::string const& id) {
        std::string out;
        there([&] {
            if (auto const* const t = ledger_->find("told", id))
                out = *t;
        });
        return out;
    }

  private:
    notifier_settings settings_;
    mad::net::io_pool pool_{1};
    std::map<std::string, host> hosts_;
    std::unique_ptr<ledger> ledger_;
    std::unique_ptr<notifier> notifier_;
};

struct world {
    redis_server redis;
    std::shared_ptr<receiver> hook = receiver::make();
    ~world() { hook->end(); }
    std::unique_ptr<node> make(std::string const& name) {
        return std::make_unique<node>(redis.url(), hook->url(), name);
    }
    bool heard(std::vector<std::string> const& wanted) {
        return wait_until([&] { return hook->taken() == wanted; });
    }
};

} // namespace

TEST_CASE("a change is posted, signed, and then forgotten") {
    world w;
    auto const a = w.make("a");
    a->is(host_in("web-1", host_state::crit, "cpu"));
    REQUIRE(w.heard({"web-1: ok crit"}));
    auto const l = w.hook->letters().front();
    CHECK(l.target == "/hook?team=ops");
    CHECK(l.signature == sign_notice("secret", l.stamp, l.body));
    CHECK(l.id == nlohmann::json::parse(l.body)["id"]);
    CHECK(wait_until([&] { return a->outbox() == 0; }));
    CHECK(a->told("web-1") == "crit cpu");
    a->is(host_in("web-1", host_state::crit, "cpu")); // nothing new
    a->is(host_in("web-1", host_state::ok));
    CHECK(w.heard({"web-1: ok crit", "web-1: crit ok"}));
    CHECK(wait_until([&] { return a->counters().sent == 2; }));
}

TEST_CASE("of two nodes that see the same one tells") {
    world w;
    auto const a = w.make("a"), b = w.make("b");
    for (int i = 0; i < 30; ++i) {
        auto h = host_in("web-" + std::to_string(i), host_state::offline);
        h.own = false;
        h.reason = "node";
        a->is(h);
        b->is(h);
    }
    REQUIRE(wait_until([&] { return w.hook->taken().size() >= 30; }));
    CHECK(wait_until([&] { return a->outbox() == 0 && b->outbox() == 0; }));
    auto all = w.hook->taken();
    std::sort(all.begin(), all.end());
    CHECK(std::unique(all.begin(), all.end()) == all.end());
    CHECK(all.size() == 30);
    CHECK(a->counters().sent + b->counters().sent == 30);
}

TEST_CASE("a receiver that fails, hangs and recovers has each notice once, in order") {
    world w;
    w.hook->answer(200, {500, 0, 503, 429});
    auto const a = w.make("a");
    a->is(host_in("web-1", host_state::warn, "mem"));
    a->is(host_in("web-2", host_state::crit, "cpu"));
    CHECK(w.heard({"web-1: ok warn", "web-2: ok crit"}));
    CHECK(wait_until([&] { return a->counters().failed == 4; }));
}

TEST_CASE("what a receiver refuses for good is given up, and the next one goes") {
    world w;
    w.hook->answer(200, {410});
    auto const a = w.make("a");
    a->is(host_in("web-1", host_state::warn, "mem"));
    a->is(host_in("web-2", host_state::crit, "cpu"));
    CHECK(w.heard({"web-2: ok crit"}));
    CHECK(wait_until([&] { return a->outbox() == 0; }));
    CHECK(a->counters().given_up == 1);
}

TEST_CASE("what a node that ends has not sent another one sends") {
    world w;
    w.hook->answer(503);
    auto a = w.make("a");
    auto const b = w.make("b");
    a->is(host_in("web-1", host_state::crit, "cpu"));
    REQUIRE(wait_until([&] { return a->counters().failed > 0 && b->outbox() == 1; }));
    a->end();
    w.hook->answer(200);
    CHECK(w.heard({"web-1: ok crit"}));
    CHECK(wait_until([&] { return b->outbox() == 0; }));
    CHECK(b->counters().taken_over == 1);
}

TEST_CASE("a node that was started in the middle of an alert says nothing twice") {
    world w;
    {
        auto const a = w.make("a");
        a->is(host_in("web-1", host_state::crit, "cpu"));
        REQUIRE(w.heard({"web-1: ok crit"}));
        REQUIRE(wait_until([&] { return a->outbox() == 0; }));
    }
    auto const again = w.make("a");
    again->is(host_in("web-1", host_state::crit, "cpu"));
    again->is(host_in("web-1", host_state::ok));
    CHECK(w.heard({"web-1: ok crit", "web-1: crit ok"}));
}

TEST_CASE("what happens while Redis is away is told when it is back") {
    world w;
    auto const a = w.make("a");
    w.redis.kill();
    a->is(host_in("web-1", host_state::crit, "cpu"));
    w.redis.restart();
    CHECK(w.heard({"web-1: ok crit"}));
}

TEST_CASE("without a webhook it is written down what would have been told") {
    redis_server r;
    node a(r.url(), "", "a");
    a.is(host_in("web-1", host_state::crit, "cpu"));
    CHECK(wait_until([&] { return a.told("web-1") == "crit cpu"; }));
    CHECK(a.outbox() == 0);
}
