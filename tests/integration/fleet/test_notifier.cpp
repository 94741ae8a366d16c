#include <mad/fleet/notifier.hpp>
#include <mad/fleet/redis_ledger.hpp>
#include <mad/net/http/server.hpp>
#include <mad/net/io_pool.hpp>

#include <support/on_shard.hpp>
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
                out = read_told(*t).words;
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
    w.hook->answer(200, {500, 0, 429}); // 0: hangs
    auto const a = w.make("a");
    a->is(host_in("web-1", host_state::warn, "mem"));
    a->is(host_in("web-2", host_state::crit, "cpu"));
    CHECK(w.heard({"web-1: ok warn", "web-2: ok crit"}));
    CHECK(wait_until([&] { return a->counters().failed == 3; }));
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

namespace {

/// A ledger that does as it is told: its swaps are held back, end in errors before or after they
/// were carried out, and its rows change behind one's back.
class moody_ledger final : public ledger {
  public:
    enum class mood { well, away, answer_lost };

    void start(mad::net::shard& s, ledger_watch w) override {
        home_ = &s;
        real_->start(s, std::move(w));
    }
    std::string const* find(std::string_view t, std::string_view f) const override {
        return real_->find(t, f);
    }
    void each(std::string_view t,
              std::function<void(std::string_view, std::string_view)> const& fn) const override {
        real_->each(t, fn);
    }
    std::size_t size(std::string_view t) const override { return real_->size(t); }
    void put(std::string_view t, std::string_view f, std::string v) override {
        real_->put(t, f, std::move(v));
    }
    void erase(std::string_view t, std::string_view f) override { real_->erase(t, f); }
    void swap(std::string_view t, std::string_view f, std::optional<std::string> expected,
              std::optional<std::string> value,
              std::function<void(mad::result<bool>)> done) override {
        auto const fails = [this, done] {
            home_->post([done] { done(mad::error_code(mad::redis::error::connection_lost)); });
        };
        ++swaps;
        if (how == mood::away)
            return fails();
        if (how == mood::answer_lost) {
            real_->swap(t, f, expected, value, [](mad::result<bool>) {});
            return fails();
        }
        real_->swap(t, f, expected, value, done);
    }
    void tell(std::string) override {}

    mood how = mood::well;
    std::atomic<int> swaps{0};

  private:
    std::unique_ptr<ledger> real_ = make_embedded_ledger();
    mad::net::shard* home_ = nullptr;
};

/// A notifier over such a ledger.
struct moody_world {
    std::shared_ptr<receiver> hook = receiver::make();
    mad::net::io_pool pool{1};
    moody_ledger rows;
    host h = host_in("web-1", host_state::crit, "cpu");
    notifier_settings settings;
    std::unique_ptr<notifier> it;

    moody_world() {
        settings.node = "a";
        settings.webhook = hook->url();
        settings.timeout = 500ms;
        settings.backoff = {20ms, 50ms, 0.0, false};
        settings.lease = 2000ms;
        settings.look = 50ms;
        settings.settle = 100ms;
        pool.start();
        there([this] { rows.start(pool[0], {}); });
    }
    ~moody_world() {
        there([this] { it.reset(); });
        pool.stop();
        hook->end();
    }
    void begin() {
        there([this] {
            it = std::make_unique<notifier>(pool[0], settings, rows, [this](std::string_view id) {
                return id == h.id ? &h : nullptr;
            });
        });
    }
    void there(std::function<void()> const& fn) { run_on(pool[0], fn); }
    void is(host_state s, std::string rule = {}) {
        there([&] {
            h.state = s;
            h.rule = std::move(rule);
            it->look_at(h);
        });
    }
    void feel(moody_ledger::mood m) {
        there([&] { rows.how = m; });
    }
    /// Waits until so many more swaps were asked for.
    bool await_swaps(int n) {
        auto const until = rows.swaps + n;
        return wait_until([&] { return rows.swaps >= until; });
    }
    std::size_t size(std::string_view table) {
        std::size_t n = 0;
        there([&] { n = rows.size(table); });
        return n;
    }
    bool heard(std::vector<std::string> const& wanted) {
        return wait_until([&] { return hook->taken() == wanted; });
    }
};

} // namespace

TEST_CASE("a swap that was carried out and whose answer was lost is told once") {
    moody_world w;
    w.begin();
    w.feel(moody_ledger::mood::answer_lost);
    w.is(host_state::crit, "cpu");
    REQUIRE(w.await_swaps(3));
    w.is(host_state::ok); // meanwhile
    CHECK(w.hook->letters().empty());
    w.feel(moody_ledger::mood::well);
    CHECK(w.heard({"web-1: ok crit", "web-1: crit ok"}));
    CHECK(wait_until([&] { return w.size("outbox") == 0 && w.size("told") == 0; }));
    CHECK(w.it->counters().sent == 2);
}

TEST_CASE("a swap that was never carried out is made when that is possible again") {
    moody_world w;
    w.begin();
    w.feel(moody_ledger::mood::away);
    w.is(host_state::crit, "cpu");
    REQUIRE(w.await_swaps(3));
    w.feel(moody_ledger::mood::well);
    CHECK(w.heard({"web-1: ok crit"}));
    CHECK(wait_until([&] { return w.size("outbox") == 0; }));
}

TEST_CASE("who loses a swap to other words looks again") {
    moody_world w;
    w.begin();
    w.there([&] {
        w.h.state = host_state::crit;
        w.h.rule = "cpu";
        w.it->look_at(w.h);
        w.rows.put("told", "web-1", "warn mem\nother"); // before the swap gets there
    });
    CHECK(w.heard({"web-1: warn crit"}));
    CHECK(wait_until([&] { return w.size("outbox") == 0; }));
}

TEST_CASE("what another node has taken over is not sent") {
    moody_world w;
    w.hook->answer(503);
    w.begin();
    w.is(host_state::crit, "cpu");
    REQUIRE(wait_until([&] { return w.it->counters().failed > 0; }));
    w.there([&] {
        std::string id;
        w.rows.each("outbox", [&](std::string_view field, std::string_view) { id = field; });
        w.rows.put("outbox", id,
                   R"({"by":"b","n":9,"won":true,"age":1,"host":"web-1","body":"{}"})");
    });
    CHECK(wait_until([&] { return w.it->counters().waiting == 0; }));
    w.hook->answer(200);
    CHECK(w.it->counters().sent == 0);
    CHECK(w.size("outbox") == 1);
}

TEST_CASE("rows that nobody looks after: those that won are sent, of the others none") {
    moody_world w;
    w.settings.lease = 200ms;
    auto const row = [](std::string const& won, std::string const& host) {
        return R"({"by":"a","n":1,"won":)" + won + R"(,"age":5,"host":")" + host +
               R"(","body":"{\"host\":\")" + host + R"(\",\"from\":\"ok\",\"to\":\"crit\"}"})";
    };
    w.there([&] {
        w.rows.put("outbox", "n1", row("true", "won"));
        w.rows.put("outbox", "n2", row("false", "lost"));
        w.rows.put("told", "lost", "crit cpu\nelse");
        w.rows.put("outbox", "n3", row("false", "died"));
        w.rows.put("told", "died", "crit cpu\nn3");
        w.rows.put("outbox", "n4", "nonsense");
    });
    w.begin(); // an earlier life of the same node, too
    CHECK(wait_until([&] { return w.size("outbox") == 0 && w.it->counters().sent == 2; }));
    auto taken = w.hook->taken();
    std::sort(taken.begin(), taken.end());
    CHECK(taken == std::vector<std::string>{"died: ok crit", "won: ok crit"});
    CHECK(w.it->counters().taken_over == 2);
}

TEST_CASE("a notice that the receiver cannot bear lets others pass") {
    moody_world w;
    w.hook->answer(200, {500, 500, 500});
    w.settings.lease = 200ms;
    auto const row = [](int age, std::string const& host) {
        return R"({"by":"b","n":1,"won":true,"age":)" + std::to_string(age) + R"(,"host":")" +
               host + R"(","body":"{\"host\":\")" + host +
               R"(\",\"from\":\"ok\",\"to\":\"crit\"}"})";
    };
    w.there([&] {
        w.rows.put("outbox", "n1", row(1, "bad"));
        w.rows.put("outbox", "n2", row(1, "good"));
        w.rows.put("outbox", "n3", row(3'700'000, "old"));
    });
    w.begin();
    CHECK(w.heard({"good: ok crit", "bad: ok crit"}));
    CHECK(wait_until([&] { return w.it->counters().given_up == 1; }));
}

TEST_CASE("the queue is bounded: the oldest makes room") {
    moody_world w;
    w.hook->answer(503);
    w.settings.max_waiting = 3;
    w.settings.backoff = {200ms, 200ms, 0.0, false};
    w.begin();
    for (int i = 0; i < 10; ++i)
        w.is(i % 2 ? host_state::ok : host_state::crit, i % 2 ? "" : "cpu");
    CHECK(wait_until([&] { return w.it->counters().waiting == 3 || w.size("outbox") <= 3; }));
    CHECK(w.it->counters().waiting <= 3);
}
