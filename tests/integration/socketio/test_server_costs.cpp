#include "io_world.hpp"

#include <support/malloc_count.hpp>

#include <iostream>

#include <unistd.h>

using namespace mad_test;

// Each case prints what it measures, and fails only far above it: the figures belong to the report,
// the limits keep them from growing unseen.

namespace {

/// Allocations that the shard makes for one run of `work`, once it has run often enough.
double allocations_each(io_world& w, int runs, std::function<void()> const& work) {
    for (int i = 0; i < 50; ++i)
        work();
    w.on_shard([] { count_this_thread(true); });
    auto const before = counted_allocations();
    for (int i = 0; i < runs; ++i)
        work();
    auto const made = counted_allocations() - before;
    w.on_shard([] { count_this_thread(false); });
    return static_cast<double>(made) / runs;
}

void report(std::string const& what, double value) {
    std::cout << "  " << what << ": " << value << std::endl;
}

/// Sessions that are only descriptors on this side, so that the heap is the server's.
class idle_crowd {
  public:
    explicit idle_crowd(std::uint16_t port)
        : port_(port) {}
    ~idle_crowd() {
        for (int const fd : fds_)
            ::close(fd);
    }

    void add_websocket(bool join) {
        ws_peer p(port_, "/socket.io/?EIO=4&transport=websocket");
        p.next_text();
        if (join) {
            p.text("40");
            p.next_text();
        }
        fds_.push_back(::dup(p.wire.fd()));
    }

    void add_polling() {
        polling_peer p(port_, "/socket.io/");
        p.open();
        p.post("40");
        p.get();
        p.begin_get();
        fds_.push_back(::dup(p.get_wire().fd()));
    }

    void reserve(std::size_t n) { fds_.reserve(n); }

  private:
    std::uint16_t port_;
    std::vector<int> fds_;
};

} // namespace

TEST_CASE("messages cost few allocations when the server is warm", "[costs]") {
    if (!counts_mallocs)
        return;
    io_world w([](sio::server& io) {
        io.on("raw", [](sio::raw_json v, sio::ack reply) { reply(v); });
        io.on("text", [](std::string v, sio::ack reply) { reply(v); });
        io.on("numbers", [](int a, double b) { return a + b; });
        io.on("value", [](json v, sio::ack reply) { reply(v); });
        io.on("coroutine", [](sio::raw_json v, sio::ack reply) -> asio::awaitable<void> {
            reply(v);
            co_return;
        });
    });
    struct row {
        char const* what;
        wire kind;
        char const* event;
        double most;
    };
    std::vector<row> const rows{
        {"echo with ack, numbers", wire::websocket, R"(["numbers",1,2.5])", 2.5},
        {"echo with ack, text", wire::websocket, R"(["text","short"])", 2.5},
        {"echo with ack, JSON as it came", wire::websocket, R"(["raw",{"a":[1,2,3],"b":"x"}])",
         3.5},
        {"echo with ack, JSON as a value", wire::websocket, R"(["value",{"a":[1,2,3]}])", 20},
        {"echo with ack, by a coroutine", wire::websocket, R"(["coroutine",{"a":1}])", 20},
        {"polling: echo with ack, GET and POST", wire::polling, R"(["numbers",1,2])", 40},
    };
    std::cout << "allocations for each message:\n";
    for (auto const& r : rows) {
        sio_peer p(r.kind, w.port);
        auto const cost = allocations_each(w, 200, [&] { p.ask(r.event); });
        report(r.what, cost);
        CHECK(cost <= r.most);
    }
}

TEST_CASE("a broadcast costs a few allocations, however many hear it", "[costs]") {
    if (!counts_mallocs)
        return;
    io_world w([](sio::server& io) {
        io.on("join", [](sio::socket s) {
            s.join("a room with a name that does not fit");
            return true;
        });
        io.on("all", [io = &io](sio::raw_json v) { io->emit("out", v); });
        io.on("room", [io = &io](sio::raw_json v) {
            io->to("a room with a name that does not fit").emit("out", v);
        });
        io.on("others", [](sio::socket s, sio::raw_json v) { s.broadcast().emit("out", v); });
    });
    std::cout << "allocations for each broadcast:\n";
    for (std::size_t const n : {2u, 50u}) {
        std::vector<std::unique_ptr<sio_peer>> peers;
        for (std::size_t i = 0; i < n; ++i) {
            peers.push_back(std::make_unique<sio_peer>(wire::websocket, w.port));
            peers.back()->ask(R"(["join"])");
        }
        for (auto const* const event : {"all", "room", "others"}) {
            bool const others = event == std::string("others");
            auto const cost = allocations_each(w, 100, [&] {
                peers[0]->send("2[\"" + std::string(event) + R"(",{"a":[1,2,3]}])");
                for (std::size_t i = others ? 1 : 0; i < n; ++i)
                    peers[i]->next();
            });
            report(std::string(event) + " to " + std::to_string(n), cost);
            CHECK(cost <= 10);
        }
    }
}

TEST_CASE("an idle session costs little memory", "[costs]") {
    if (!counts_mallocs)
        return;
    io_world w([](sio::server& io) {
        io.on("x", [] {}); // for all of them: costs nothing by itself
    });
    constexpr std::size_t n = 400;
    idle_crowd crowd(w.port);
    crowd.reserve(4 * n);
    auto const measure = [&](char const* what, auto const& add, double most) {
        for (std::size_t i = 0; i < n / 4; ++i)
            add();
        auto const before = heap_in_use();
        for (std::size_t i = 0; i < n; ++i)
            add();
        w.on_shard([] {}); // what was marked for the end of a turn is done
        auto const each = static_cast<double>(heap_in_use() - before) / n;
        report(what, each);
        CHECK(each <= most);
    };
    std::cout << "heap bytes for each idle session:\n";
    measure(
        "engine session on a websocket", [&] { crowd.add_websocket(false); }, 2'000);
    measure(
        "joined to / on a websocket", [&] { crowd.add_websocket(true); }, 2'500);
    measure(
        "joined to /, polling, a GET waiting", [&] { crowd.add_polling(); }, 5'000);
}
