#include <mad/fleet/agent.hpp>
#include <mad/socketio/server.hpp>

#include <catch2/catch.hpp>

#include <support/malloc_count.hpp>

#include <boost/asio/steady_timer.hpp>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <future>
#include <memory>
#include <utility>
#include <vector>

namespace fleet = mad::fleet;
namespace net = mad::net;
namespace sio = mad::socketio;
using mad::milliseconds;

namespace {

constexpr auto within = std::chrono::seconds(60);

std::size_t entries(char const* folder) {
    std::size_t n = 0;
    for ([[maybe_unused]] auto const& e : std::filesystem::directory_iterator(folder))
        ++n;
    return n;
}

/// What an agent does in each tick, as fast as the loop goes, on a connection to a real server.
class ticking {
  public:
    explicit ticking(std::string const& transport)
        : pool_(1)
        , node_(1)
        , timer_(pool_.context(0))
        , messages_(settings_, "host-1") {
        node_server_ = std::make_unique<sio::server>(node_.shards());
        node_server_->on("client_healthcheck", [this](sio::raw_json) { arrived_.fetch_add(1); });
        auto const port = node_server_->listen(0).value().port();
        node_.start();
        sio::client_settings c("http://127.0.0.1:" + std::to_string(port));
        c.engine.transports = {mad::engine::transport_kind::polling,
                               mad::engine::transport_kind::websocket};
        if (transport == "websocket")
            c.engine.transports.erase(c.engine.transports.begin());
        client_ = std::make_unique<sio::client>(pool_[0], std::move(c));
        std::promise<void> joined;
        client_->socket("/").on_connect([&] { joined.set_value(); });
        client_->socket("/").connect();
        pool_.start();
        REQUIRE(joined.get_future().wait_for(within) == std::future_status::ready);
    }
    ~ticking() {
        pool_.stop();
        node_.stop();
    }

    /// Heap allocations of the agent's thread over `n` ticks.
    std::size_t allocations_over(int n) {
        std::promise<std::size_t> done;
        left_ = n + 1;
        is_begun_ = false;
        done_ = &done;
        pool_[0].post([this] { wait(); });
        auto all = done.get_future();
        REQUIRE(all.wait_for(within) == std::future_status::ready);
        return all.get();
    }

    int arrived() const { return arrived_; }

  private:
    void wait() {
        timer_.expires_after(milliseconds(1));
        timer_.async_wait([this](mad::error_code ec) {
            if (!ec)
                tick();
        });
    }

    void tick() {
        if (!std::exchange(is_begun_, true)) {
            begun_ = mad_test::counted_allocations();
            mad_test::count_this_thread(true);
        }
        if (--left_ == 0) {
            mad_test::count_this_thread(false);
            return done_->set_value(mad_test::counted_allocations() - begun_);
        }
        message_.text = messages_.next(false);
        client_->socket("/").volatile_emit("client_healthcheck", message_);
        wait();
    }

    net::io_pool pool_, node_;
    boost::asio::steady_timer timer_;
    fleet::agent_settings settings_;
    fleet::agent_messages messages_;
    sio::raw_json message_;
    std::unique_ptr<sio::server> node_server_;
    std::unique_ptr<sio::client> client_;
    std::promise<std::size_t>* done_ = nullptr;
    std::size_t begun_ = 0;
    int left_ = 0;
    bool is_begun_ = false;
    std::atomic<int> arrived_{0};
};

} // namespace

TEST_CASE("a tick of the agent, from the sample to the wire, allocates nothing once it is warm") {
    auto const transport = GENERATE(as<std::string>{}, "websocket", "both");
    CAPTURE(transport);
    ticking agent(transport);
    agent.allocations_over(200);
    auto const descriptors = entries("/proc/self/fd");
    auto const threads = entries("/proc/self/task");
    // Something of the machine may change just now (a mount, a device): then once more.
    std::size_t least = 1;
    for (int attempt = 0; attempt < 5 && least > 0; ++attempt)
        least = agent.allocations_over(1000);
    CHECK(least == 0);
    CHECK(agent.arrived() > 1000);
    CHECK(entries("/proc/self/fd") == descriptors);
    CHECK(entries("/proc/self/task") == threads);
}

TEST_CASE("an agent is one thread beside that of its program") {
    auto const before = entries("/proc/self/task");
    fleet::agent_settings s;
    s.api_url = "http://127.0.0.1:9";
    s.id = "host-1";
    fleet::agent agent(s);
    agent.start();
    CHECK(entries("/proc/self/task") <= before + 1);
    agent.stop(milliseconds(0));
    CHECK(entries("/proc/self/task") == before);
}
