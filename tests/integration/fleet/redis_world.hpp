#ifndef MAD_TESTS_INTEGRATION_FLEET_REDIS_WORLD_HPP
#define MAD_TESTS_INTEGRATION_FLEET_REDIS_WORLD_HPP

#include "fleet_world.hpp"

#include <mad/core/ids.hpp>
#include <mad/fleet/redis_ledger.hpp>
#include <mad/fleet/redis_store.hpp>
#include <mad/net/io_pool.hpp>
#include <mad/socketio/client.hpp>

#include <support/redis_server.hpp>

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

namespace mad_test {

/// How nodes of a test share: as by default, but everything happens ten times as fast.
inline mad::fleet::redis_store_settings quick(std::string const& url, std::string const& node) {
    mad::fleet::redis_store_settings s;
    s.redis = mad::redis::parse_url(url).value();
    s.sharing.node = node;
    s.sharing.lease = 1500ms;
    s.sharing.renew = 500ms;
    s.sharing.grace = 300ms;
    s.sharing.retry = 100ms;
    s.sharing.tick = 20ms;
    s.connection.connect_timeout = 500ms;
    s.connection.command_timeout = 1000ms;
    s.connection.ping_interval = 1000ms;
    s.connection.backoff = {20ms, 200ms};
    return s;
}

inline mad::fleet::api_settings shared_by(mad::fleet::redis_store_settings s) {
    mad::fleet::api_settings out;
    out.node_id = s.sharing.node;
    out.make_store = [s](std::string const& node) {
        auto own = s;
        own.sharing.node = node;
        return mad::fleet::make_redis_store(std::move(own));
    };
    out.make_ledger = [s](std::string const& node) {
        mad::fleet::redis_ledger_settings own;
        own.node = node;
        own.redis = s.redis;
        own.connection = s.connection;
        own.prefix = s.prefix;
        own.look = 500ms;
        return mad::fleet::make_redis_ledger(std::move(own));
    };
    out.make_adapters = [s](mad::net::shard& home) {
        return mad::fleet::make_fleet_adapters(home, s.redis, s.connection, s.legacy_keys);
    };
    return out;
}

/// A node on a Redis.
class redis_node : public fleet_world {
  public:
    redis_node(redis_server const& r, std::string const& node)
        : redis_node(quick(r.url(), node)) {}
    explicit redis_node(mad::fleet::redis_store_settings const& s)
        : fleet_world(shared_by(s)) {}

    std::string url() { return "http://127.0.0.1:" + std::to_string(port); }
    bool ready() { return get("/ready").status == 200; }
    bool await_ready() {
        return wait_until([this] { return ready(); });
    }
};

/// Peers that live by themselves, on a thread of their own.
class peers_world {
  public:
    peers_world() { pool_.start(); }
    ~peers_world() { pool_.stop(); }

    /// Runs `fn` there and waits for it.
    void there(std::function<void()> fn) {
        std::atomic<bool> done{false};
        pool_[0].post([&] {
            fn();
            done = true;
        });
        if (!wait_until([&] { return done.load(); }))
            throw std::runtime_error("the peers' thread hangs");
    }
    boost::asio::io_context& context() { return pool_.context(0); }

  private:
    mad::net::io_pool pool_{1};
};

inline mad::socketio::client_settings to_node(std::string const& url) {
    mad::socketio::client_settings s(url);
    s.engine.transports = {mad::engine::transport_kind::websocket};
    s.backoff.delay = 20ms;
    s.backoff.delay_max = 100ms;
    return s;
}

/// A console that keeps its table as the page does, and counts what it is told.
class live_console {
  public:
    live_console(peers_world& w, std::string const& url)
        : world_(w)
        , client_(std::make_unique<mad::socketio::client>(w.context(), to_node(url))) {
        auto const s = client_->socket();
        s.on("load_clients", [this](json const& list) {
            std::lock_guard const lock(mutex_);
            table_.clear();
            for (auto const& r : list)
                table_[r["id"].get<std::string>()] = r["health"]["storage"].get<int>();
            listed_ = true;
        });
        s.on("web_client_update", [this](json const& r) {
            std::lock_guard const lock(mutex_);
            table_[r["id"].get<std::string>()] = r["health"]["storage"].get<int>();
        });
        s.on("web_client_disconnect", [this](std::string const& id) {
            std::lock_guard const lock(mutex_);
            table_.erase(id);
            ++gone_[id];
        });
        s.on_connect([s] { s.emit("web_connected"); });
        s.connect();
        if (!wait_until([this] {
                std::lock_guard const lock(mutex_);
                return listed_;
            }))
            throw std::runtime_error("the console has no list");
    }
    ~live_console() {
        world_.there([this] { client_.reset(); });
        world_.there([] {}); // and what was under way for it
    }

    std::map<std::string, int> table() const {
        std::lock_guard const lock(mutex_);
        return table_;
    }
    bool shows(std::map<std::string, int> const& wanted, mad::milliseconds most = 5s) const {
        auto const same = [&] { return table() == wanted; };
        if (wait_until(same, most))
            return true;
        UNSCOPED_INFO("the console shows " << json(table()).dump() << " and should show "
                                           << json(wanted).dump());
        return false;
    }
    /// How often it was told that this one has gone.
    int gone(std::string const& id) const {
        std::lock_guard const lock(mutex_);
        auto const it = gone_.find(id);
        return it == gone_.end() ? 0 : it->second;
    }
    /// The same of all together.
    int gone() const {
        std::lock_guard const lock(mutex_);
        int n = 0;
        for (auto const& [id, times] : gone_)
            n += times;
        return n;
    }

  private:
    peers_world& world_;
    std::unique_ptr<mad::socketio::client> client_;
    mutable std::mutex mutex_;
    std::map<std::string, int> table_, gone_;
    bool listed_ = false;
};

/// An agent that says a number when it is told to; its samples are numbered as those of today are.
class live_agent {
  public:
    live_agent(peers_world& w, std::string const& url, std::string id)
        : world_(w)
        , id_(std::move(id))
        , client_(std::make_unique<mad::socketio::client>(w.context(), to_node(url))) {
        auto const s = client_->socket();
        s.on_connect([this, s] { s.emit("client_connected", sample()); });
        s.connect();
    }
    ~live_agent() { leave(); }

    void leave() {
        world_.there([this] { client_.reset(); });
        world_.there([] {});
    }
    /// On the peers' thread.
    void say(int value) {
        value_ = value;
        if (client_ && client_->socket().connected())
            client_->socket().emit("client_healthcheck", sample());
    }
    int value() const { return value_; }
    std::string const& id() const { return id_; }

  private:
    mad::socketio::raw_json sample() {
        return {"{\"id\":\"" + id_ + "\",\"v\":2,\"run\":\"" + run_ +
                "\",\"seq\":" + std::to_string(++seq_) +
                ",\"health\":{\"storage\":" + std::to_string(value_) + ",\"network\":0}}"};
    }

    peers_world& world_;
    std::string id_, run_ = mad::random_id(6);
    std::unique_ptr<mad::socketio::client> client_;
    std::atomic<int> value_{0};
    int seq_ = 0;
};

/// Many agents on some nodes that speak without a pause.
class storm {
  public:
    /// `rate`: samples a second of all together.
    storm(peers_world& w, std::vector<std::string> const& urls, int agents, int rate)
        : world_(w)
        , timer_(w.context())
        , rate_(rate) {
        for (int i = 0; i < agents; ++i)
            agents_.push_back(std::make_unique<live_agent>(
                w, urls[static_cast<std::size_t>(i) % urls.size()], "agent-" + std::to_string(i)));
        w.there([this] { tick(); });
    }
    ~storm() {
        if (!stopped_)
            stop();
    }

    /// What each has said last.
    std::map<std::string, int> stop() {
        world_.there([this] {
            stopped_ = true;
            timer_.cancel();
        });
        world_.there([] {}); // and its handler has run
        return values();
    }
    std::map<std::string, int> values() const {
        std::map<std::string, int> out;
        for (auto const& a : agents_)
            out[a->id()] = a->value();
        return out;
    }
    int said() const { return said_; }

    /// After `stop`.
    void leave(std::size_t i) { agents_[i]->leave(); }

  private:
    void tick() {
        for (int i = 0; i < rate_ / 50; ++i)
            agents_[static_cast<std::size_t>(said_) % agents_.size()]->say(++said_);
        timer_.expires_after(20ms);
        timer_.async_wait([this](mad::error_code ec) {
            if (!ec && !stopped_)
                tick();
        });
    }

    peers_world& world_;
    std::vector<std::unique_ptr<live_agent>> agents_;
    boost::asio::steady_timer timer_;
    int rate_;
    std::atomic<int> said_{0};
    std::atomic<bool> stopped_{false};
};

/// Two nodes, a console at each, and agents at both that speak 1,000 times a second.
struct under_load {
    using settings = mad::fleet::redis_store_settings;

    explicit under_load(redis_server const& r)
        : under_load(quick(r.url(), "A"), quick(r.url(), "B")) {}
    under_load(settings const& for_a, settings const& for_b)
        : a(for_a)
        , b(for_b) {
        REQUIRE((a.await_ready() && b.await_ready()));
        at_a.emplace(peers, a.url());
        at_b.emplace(peers, b.url());
        agents.emplace(peers, std::vector{a.url(), b.url()}, 40, 1'000);
        REQUIRE(wait_until([this] { return whole(); }));
        watcher = std::thread([this] { watch(); });
    }
    ~under_load() {
        over = true;
        if (watcher.joinable())
            watcher.join();
        agents.reset();
    }

    bool ready() { return a.ready() && b.ready(); }
    /// Waits until the agents, which speak 1,000 times a second, have spoken so many times more.
    bool goes_on(int samples) {
        auto const until = agents->said() + samples;
        return wait_until([&] { return agents->said() > until; });
    }
    bool whole() { return at_a->table().size() == 40 && at_b->table().size() == 40; }

    /// Asks a node all the time how it is: it must answer at once whatever Redis does.
    void watch() {
        while (!over) {
            auto const asked = std::chrono::steady_clock::now();
            if (a.get("/health").status != 200)
                ++unwell;
            auto const took = std::chrono::steady_clock::now() - asked;
            slowest = std::max(slowest.load(),
                               std::chrono::duration_cast<mad::milliseconds>(took).count());
            std::this_thread::sleep_for(5ms);
        }
    }

    /// Everybody shows the last value of every agent, and nobody was told that one has gone.
    /// `gone_at_a`: unless the console at A had to be told so of some.
    void check(int gone_at_a = 0) {
        CHECK(a.await_ready());
        CHECK(b.await_ready());
        auto const last = agents->stop();
        CHECK(at_a->shows(last));
        CHECK(at_b->shows(last));
        CHECK(at_a->gone() == gone_at_a);
        CHECK(at_b->gone() == 0);
        CHECK(live_console(peers, a.url()).table() == last);
        // And one that does leave is told of once.
        agents->leave(0);
        auto const once = [&](live_console& c) {
            return wait_until([&] { return !c.table().contains("agent-0"); }) &&
                   c.table().size() == 39;
        };
        CHECK(once(*at_a));
        CHECK(once(*at_b));
        CHECK(at_a->gone() == gone_at_a + 1);
        CHECK(at_b->gone() == 1);
        CHECK(unwell == 0);
        CHECK(slowest < 1'000); // a test's machine is busy; the figure is in docs/fleet.md
    }

    redis_node a, b;
    peers_world peers;
    std::optional<live_console> at_a, at_b;
    std::optional<storm> agents;
    std::atomic<bool> over{false};
    std::atomic<int> unwell{0};
    std::atomic<std::int64_t> slowest{0};
    std::thread watcher;
};

} // namespace mad_test

#endif
