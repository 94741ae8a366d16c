#include <mad/fleet/agent_siblings.hpp>

#include <catch2/catch.hpp>

#include <support/captured_log.hpp>
#include <support/temp_folder.hpp>

#include <boost/asio/io_context.hpp>

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include <sys/socket.h>
#include <unistd.h>

using namespace std::chrono_literals;

namespace {

/// Instances on the test's own thread.
struct siblings_world {
    /// One that is heard at once when it speaks again.
    struct one {
        one(siblings_world& w, std::string name, mad::milliseconds patience = 10s)
            : s(w.loop, {.folder = w.folder.file(""),
                         .name = std::move(name),
                         .patience = patience,
                         .log = w.log.handle()}) {
            REQUIRE_FALSE(s.start([this](bool silent, std::function<void()> done) {
                ++(silent ? silenced : resumed);
                if (done)
                    done();
            }));
        }
        void take_over() {
            s.take_over([this] { speaks = true; });
        }
        mad::fleet::agent_siblings s;
        int silenced = 0, resumed = 0;
        bool speaks = false, gave_back = false;
    };

    bool until(std::function<bool()> const& done) {
        auto const end = std::chrono::steady_clock::now() + 20s;
        while (!done()) {
            if (std::chrono::steady_clock::now() > end)
                return false;
            loop.run_one_for(10ms);
            loop.restart();
        }
        return true;
    }
    bool spoken(one& o) {
        return until([&] { return o.speaks; });
    }

    mad_test::captured_log log;
    mad_test::temp_folder folder;
    boost::asio::io_context loop;
};

} // namespace

TEST_CASE_METHOD(siblings_world, "an instance alone speaks at once") {
    one a(*this, "1");
    a.take_over();
    CHECK(a.speaks);
    CHECK_FALSE(a.s.silent());
    CHECK_FALSE(a.s.leads());
}

TEST_CASE_METHOD(siblings_world, "who comes later speaks, once those before are silent") {
    one a(*this, "9");
    a.take_over();
    one b(*this, "10");
    CHECK(a.silenced == 0); // it could not speak itself yet
    b.take_over();
    CHECK_FALSE(b.speaks);
    REQUIRE(spoken(b));
    CHECK(a.s.silent());
    CHECK(b.s.leads());

    SECTION("the one before ends") {
        a.s.stop();
        CHECK(until([&] { return !b.s.leads(); }));
        CHECK_FALSE(b.s.silent());
    }
    SECTION("the later one gives it back, and waits until the other is heard") {
        b.s.give_back(10s, [&] { b.gave_back = true; });
        CHECK_FALSE(b.gave_back);
        CHECK(until([&] { return b.gave_back; }));
        CHECK(a.resumed == 1);
        CHECK_FALSE(a.s.silent());
        CHECK_FALSE(b.s.leads());
    }
    SECTION("the later one dies") {
        b.s.stop();
        CHECK(until([&] { return a.resumed == 1; }));
        CHECK_FALSE(a.s.silent());
    }
    SECTION("a third takes over from both, and while one of two holds it nobody speaks again") {
        one c(*this, "11");
        c.take_over();
        REQUIRE(spoken(c));
        CHECK(b.s.silent());
        b.s.stop(); // the second ends: the third still holds the first
        CHECK(until([&] { return a.s.silent(); }));
        CHECK(a.resumed == 0);
        c.s.stop();
        CHECK(until([&] { return a.resumed == 1; }));
        CHECK(a.silenced == 1);
    }
}

TEST_CASE_METHOD(siblings_world, "of two that come at the same time one speaks") {
    one a(*this, "9"), b(*this, "10");
    auto const first = GENERATE(0, 1);
    (first ? b : a).take_over();
    (first ? a : b).take_over();
    REQUIRE(until([&] { return a.speaks && b.speaks && a.s.silent(); }));
    CHECK_FALSE(b.s.silent());
    CHECK(b.s.leads());
    CHECK_FALSE(a.s.leads());
    // And it is the other's turn when that ends.
    b.s.stop();
    CHECK(until([&] { return a.resumed == 1; }));
}

TEST_CASE_METHOD(siblings_world, "what does not answer is not waited for longer than patience") {
    auto const deaf = mad::net::open_unix_listener(folder.file("8.agent")).value();
    // And a name that nobody listens at.
    auto const dead = mad::net::open_unix_listener(folder.file("7.agent")).value();
    ::close(dead.fd);
    one b(*this, "10", 50ms);
    b.take_over();
    CHECK_FALSE(b.speaks);
    CHECK(spoken(b));
    CHECK(log.count("fleet.agent.sibling_silent") == 1);
    ::close(deaf.fd);
}

TEST_CASE_METHOD(siblings_world, "words that no instance says silence nobody") {
    one a(*this, "9");
    a.take_over();
    for (std::string const& word : {std::string("no end of line"), std::string(5'000, 'x')}) {
        auto const fd = mad::net::connect_unix(folder.file("9.agent"));
        REQUIRE(fd);
        CHECK(::send(*fd, word.data(), word.size(), MSG_NOSIGNAL) > 0);
        ::shutdown(*fd, SHUT_WR);
        char c;
        CHECK(until([&] { return ::recv(*fd, &c, 1, MSG_DONTWAIT) == 0 || errno == ECONNRESET; }));
        ::close(*fd);
    }
    CHECK(a.silenced == 0);
    CHECK_FALSE(a.s.silent());
    a.s.stop();
    CHECK_FALSE(std::filesystem::exists(folder.file("9.agent")));
}
