#include <mad/core/json.hpp>
#include <mad/socketio/listener.hpp>
#include <mad/socketio/socket.hpp>

#include <catch2/catch.hpp>

#include <support/print_result.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

using namespace mad;
namespace sio = mad::socketio;
namespace asio = boost::asio;

namespace {

/// An event as a handler meets it, without a server.
class fake_event final : public sio::event_context {
  public:
    explicit fake_event(std::string_view text, std::vector<std::string> const& attachments = {})
        : text_(text)
        , decoder_(limits_) {
        auto p = decoder_.feed_text(text_);
        REQUIRE(p);
        for (auto const& a : attachments) {
            p = decoder_.feed_binary(a);
            REQUIRE(p);
        }
        REQUIRE(*p);
        packet_ = std::move(**p);
        name_ = event_name(packet_->view).text();
    }

    sio::socket const& who() const override { return who_; }
    sio::packet const& what() const override { return *packet_; }
    std::string_view name() const override { return name_; }
    sio::ack reply() override {
        ++replies;
        return {};
    }
    void mismatch(error_code ec) override { why = ec; }
    void start(asio::awaitable<void> t) override { task.emplace(std::move(t)); }

    std::optional<error_code> why;
    std::optional<asio::awaitable<void>> task;
    int replies = 0;

  private:
    std::string text_, name_;
    sio::packet_limits limits_;
    sio::decoder decoder_;
    std::optional<sio::packet> packet_;
    sio::socket who_;
};

/// Where answers go, without a server.
class fake_target final : public sio::detail::ack_target {
  public:
    std::string_view ack_nsp() const override { return "/n"; }
    void send_ack(std::uint8_t shard, std::uint32_t slot, std::uint32_t generation,
                  sio::encoded e) override {
        std::lock_guard const lock(mutex);
        sent.push_back(std::to_string(shard) + ' ' + std::to_string(slot) + ' ' +
                       std::to_string(generation) + ' ' + std::string(e.text().payload()));
    }

    std::mutex mutex;
    std::vector<std::string> sent;
};

/// What a handler of those types is given, printed; or the error it is spared by.
template <class... Ts>
std::string given(std::string_view text, std::vector<std::string> const& attachments = {}) {
    std::string out;
    auto const l = sio::make_listener(std::function<void(Ts...)>([&](Ts... args) {
        sio::attachment_list bytes;
        sio::append_args(out, bytes, args...);
        for (auto const& b : bytes)
            out += "+" + std::to_string(b.size());
    }));
    fake_event e(text, attachments);
    l(e);
    if (e.why) {
        CHECK(out.empty());
        return e.why->message();
    }
    return out;
}

std::string const missing = make_error_code(sio::error::missing_argument).message();
std::string const wrong = make_error_code(sio::error::bad_argument).message();

} // namespace

TEST_CASE("a listener without types looks at the packet itself") {
    std::string seen;
    sio::listener const raw = [&](sio::event_context& c) {
        seen = std::string(c.name()) + ' ' + std::string(c.what().view.payload);
    };
    fake_event one(R"(2["x",1,"two"])");
    sio::make_listener(raw)(one);
    CHECK(seen == R"(x ["x",1,"two"])");
    fake_event other(R"(2["y"])");
    sio::make_any_listener(raw)(other);
    CHECK(seen == R"(y ["y"])");
}

TEST_CASE("a handler gets the arguments it asks for, in their types") {
    CHECK(given<>(R"(2["x",1,2])") == "[]");
    CHECK(given<int>(R"(2["x",1])") == "[1]");
    CHECK(given<std::string, bool, double>(R"(2["x","s",true,2.5])") == R"(["s",true,2.5])");
    CHECK(given<std::vector<int>>(R"(2["x",[1,2,3]])") == "[[1,2,3]]");
    CHECK(given<json>(R"(2["x",{"b":1,"a":[null]}])") == R"([{"b":1,"a":[null]}])");
    CHECK(given<sio::raw_json>(R"(2["x", { "b" : 1 } ])") == R"([{ "b" : 1 }])");
    CHECK(given<bytes>(R"(51-["x",{"_placeholder":true,"num":0}])", {"abc"}) ==
          R"([{"_placeholder":true,"num":0}]+3)");
}

TEST_CASE("more arguments than asked for do no harm") {
    CHECK(given<int>(R"(2["x",1,{"deep":[[]]},"y"])") == "[1]");
}

TEST_CASE("arguments that do not fit spare the handler") {
    CHECK(given<int>(R"(2["x"])") == missing);
    CHECK(given<int>("2") == missing);
    CHECK(given<int>(R"(2["x","1"])") == wrong);
    CHECK(given<int>(R"(2["x",1.5])") == wrong);
    CHECK(given<int>(R"(2["x",null])") == wrong);
    CHECK(given<std::int8_t>(R"(2["x",200])") == wrong);
    CHECK(given<unsigned>(R"(2["x",-1])") == wrong);
    CHECK(given<std::string>(R"(2["x",1])") == wrong);
    CHECK(given<bool>(R"(2["x",0])") == wrong);
    CHECK(given<bytes>(R"(2["x","abc"])") == wrong);
    CHECK(given<std::vector<int>>(R"(2["x",[1,"2"]])") == wrong);
    CHECK(given<std::vector<int>>(R"(2["x",{}])") == wrong);
    CHECK(given<int, int>(R"(2["x",1])") == missing);
    CHECK(given<int, int>(R"(2["x",1,"2"])") == wrong);
}

TEST_CASE("what is optional may be missing or null, but not of another kind") {
    CHECK(given<std::optional<int>>(R"(2["x"])") == "[null]");
    CHECK(given<std::optional<int>>(R"(2["x",null])") == "[null]");
    CHECK(given<std::optional<int>>(R"(2["x",7])") == "[7]");
    CHECK(given<std::optional<int>>(R"(2["x","7"])") == wrong);
    CHECK(given<int, std::optional<std::string>>(R"(2["x",1])") == "[1,null]");
}

TEST_CASE("a handler may take all arguments at once") {
    std::optional<sio::arguments> got;
    auto const l = sio::make_listener([&](sio::arguments a) { got = std::move(a); });
    fake_event e(R"(2["x",1,"two",[3]])");
    l(e);
    REQUIRE(got);
    CHECK(*got == sio::arguments{{1, "two", json::array({3})}});
}

TEST_CASE("socket and ack stand before and behind the arguments and count for none") {
    std::string got;
    auto const l = sio::make_listener([&](sio::socket s, int a, std::string b, sio::ack reply) {
        CHECK(s == sio::socket{});
        CHECK_FALSE(reply.wanted());
        reply("into the void"); // nobody asked: nothing happens
        got = std::to_string(a) + b;
    });
    fake_event e(R"(2["x",1,"b"])");
    l(e);
    CHECK(got == "1b");
    CHECK(e.replies == 1);
}

TEST_CASE("an ack answers once, whichever copy is called") {
    fake_target t;
    sio::ack a(t, 1, 2, 3, 4);
    CHECK(a.wanted());
    SECTION("itself") {
        a("yes", 1);
    }
    SECTION("a copy") {
        auto b = a;
        b("yes", 1);
    }
    SECTION("the original of a copy of a copy") {
        auto b = a;
        auto c = b;
        a("yes", 1);
        CHECK_FALSE(c.wanted());
        c("no");
    }
    SECTION("one it was moved to") {
        auto b = std::move(a);
        a = b;
        b("yes", 1);
    }
    SECTION("with arguments of any number") {
        a(sio::arguments{{"yes", 1}});
    }
    CHECK_FALSE(a.wanted());
    a("again");
    a(sio::arguments{});
    CHECK(t.sent == std::vector<std::string>{R"(1 2 3 43/n,4["yes",1])"});
}

TEST_CASE("of many threads that answer at once one does") {
    fake_target t;
    for (int round = 0; round < 50; ++round) {
        sio::ack const first(t, 0, 0, 0, 1);
        std::vector<sio::ack> copies(4, first);
        std::vector<std::thread> threads;
        for (auto& c : copies)
            threads.emplace_back([&c] { c(); });
        for (auto& th : threads)
            th.join();
    }
    CHECK(t.sent.size() == 50);
}

TEST_CASE("what a handler returns goes to the ack, and void asks for none") {
    fake_event returns(R"(2["x",20])");
    sio::make_listener([](int a) { return a * 2; })(returns);
    CHECK(returns.replies == 1);
    fake_event silent(R"(2["x",20])");
    sio::make_listener([](int) {})(silent);
    CHECK(silent.replies == 0);
}

TEST_CASE("functions, lambdas that change and references are handlers too") {
    fake_event e(R"(2["x",3,"s"])");
    struct handler {
        int* sum;
        void operator()(int a, std::string const& s) const noexcept {
            *sum += a + static_cast<int>(s.size());
        }
    };
    int sum = 0;
    sio::make_listener(handler{&sum})(e);
    CHECK(sum == 4);

    static int seen = 0;
    void (*const plain)(int) = [](int a) { seen = a; };
    sio::make_listener(plain)(e);
    CHECK(seen == 3);

    auto const counting = sio::make_listener([n = 0, &sum]() mutable { sum = ++n; });
    counting(e);
    counting(e);
    CHECK(sum == 2); // the state stays with the handler
}

TEST_CASE("an exception of a handler comes out, for whoever calls it to report") {
    fake_event e(R"(2["x"])");
    auto const l = sio::make_listener([] { throw std::runtime_error("a bad day"); });
    CHECK_THROWS_WITH(l(e), "a bad day");
}

TEST_CASE("a coroutine is handed over, not run") {
    std::vector<std::string> steps;
    auto const l = sio::make_listener([&](std::string s) -> asio::awaitable<void> {
        steps.push_back("begun " + s);
        co_await asio::post(asio::use_awaitable);
        steps.push_back("done " + s);
    });
    fake_event e(R"(2["x","a text that is too long to live inside a string"])");
    l(e);
    CHECK(steps.empty());
    REQUIRE(e.task);

    asio::io_context ctx;
    asio::co_spawn(ctx, std::move(*e.task), asio::detached);
    ctx.run();
    CHECK(steps ==
          std::vector<std::string>{"begun a text that is too long to live inside a string",
                                   "done a text that is too long to live inside a string"});
}

TEST_CASE("a coroutine keeps its function alive when the listener is gone") {
    std::string got;
    std::optional<asio::awaitable<void>> task;
    {
        auto const text = std::make_shared<std::string>("kept");
        auto const l = sio::make_listener([&got, text]() -> asio::awaitable<void> {
            co_await asio::post(asio::use_awaitable);
            got = *text;
        });
        fake_event e(R"(2["x"])");
        l(e);
        REQUIRE(e.task);
        task.emplace(std::move(*e.task));
    }
    asio::io_context ctx;
    asio::co_spawn(ctx, std::move(*task), asio::detached);
    ctx.run();
    CHECK(got == "kept");
}

TEST_CASE("a coroutine that returns something takes the ack at the start") {
    fake_event e(R"(2["x",1])");
    sio::make_listener([](int a) -> asio::awaitable<int> { co_return a; })(e);
    CHECK(e.replies == 1);
    REQUIRE(e.task);
    fake_event wrong_kind(R"(2["x","1"])");
    sio::make_listener([](int a) -> asio::awaitable<int> { co_return a; })(wrong_kind);
    CHECK_FALSE(wrong_kind.task);
    CHECK(wrong_kind.why == make_error_code(sio::error::bad_argument));
}

TEST_CASE("a handler of all events gets name and arguments") {
    std::string name;
    sio::arguments args;
    fake_event e(R"(2["some\u0020event",1,null])");
    sio::make_any_listener([&](std::string n, sio::arguments a) {
        name = n;
        args = a;
    })(e);
    CHECK(name == "some event");
    CHECK(args == sio::arguments{{1, nullptr}});

    bool called = false;
    sio::make_any_listener([&](sio::socket, std::string, sio::arguments) { called = true; })(e);
    CHECK(called);
}
