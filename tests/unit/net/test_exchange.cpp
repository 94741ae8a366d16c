#include <mad/net/http/exchange.hpp>

#include <catch2/catch.hpp>

#include <optional>
#include <vector>

using namespace mad::net;
using namespace mad::net::http;

namespace {

/// A connection that writes down what it is asked.
struct owner final : exchange_owner {
    void respond(response&& r) override { answers.push_back(r.status); }
    stream take_stream(std::string& rest) override {
        rest = "behind the head";
        ++taken;
        return {};
    }
    void abandon() override { ++abandoned; }

    exchange* current() { return current_; }

    std::vector<int> answers;
    int taken = 0, abandoned = 0;
};

} // namespace

TEST_CASE("an exchange is answered once") {
    owner o;
    exchange x(o);
    CHECK(x.open());
    CHECK(o.current() == &x);
    x.respond(text_answer(200, "yes"));
    CHECK_FALSE(x);
    CHECK(o.current() == nullptr);
    x.respond(text_answer(201, "again"));
    CHECK(o.answers == std::vector{200});
}

TEST_CASE("an exchange that is dropped unanswered answers 500") {
    owner o;
    { exchange x(o); }
    CHECK(o.answers == std::vector{500});
    {
        exchange y(o);
        y = exchange{};
    }
    CHECK(o.answers == std::vector{500, 500});
}

TEST_CASE("an exchange moves, and its owner knows where it is") {
    owner o;
    exchange a(o);
    exchange b(std::move(a));
    CHECK_FALSE(a.open()); // NOLINT
    CHECK(o.current() == &b);
    exchange c;
    c = std::move(b);
    CHECK(o.current() == &c);
    auto& self = c;
    c = std::move(self);
    CHECK(c.open());
    CHECK(o.answers.empty());
    c.respond({});
    CHECK(o.answers.size() == 1);
}

TEST_CASE("taking over one that is open answers the one that was there") {
    owner first, second;
    exchange x(first);
    x = exchange(second);
    CHECK(first.answers == std::vector{500});
    CHECK(second.answers.empty());
    x.abandon();
    CHECK(second.abandoned == 1);
    CHECK(second.answers.empty());
}

TEST_CASE("the end of the peer is told once, and not to who has answered") {
    owner o;
    std::vector<int> heard;
    auto const hear = [&](int status) { heard.push_back(status); };
    SECTION("while it waits") {
        exchange x(o);
        x.on_gone(hear);
        exchange y(std::move(x)); // what was asked for moves along
        o.current()->end(0);
        CHECK(heard == std::vector{0});
        CHECK_FALSE(y.open());
        y.respond({});
        CHECK(o.answers.empty());
    }
    SECTION("with the status of a refused body") {
        exchange x(o);
        x.on_gone(hear);
        o.current()->end(413);
        CHECK(heard == std::vector{413});
    }
    SECTION("not after an answer, a hand-over or an abandonment") {
        exchange x(o), y(o), z(o);
        for (auto* const e : {&x, &y, &z})
            e->on_gone(hear);
        std::string rest;
        x.respond({});
        y.take_stream(rest);
        z.abandon();
        for (auto* const e : {&x, &y, &z})
            e->end(0);
        CHECK(heard.empty());
    }
}

TEST_CASE("who is told of the end may destroy the exchange") {
    owner o;
    std::optional<exchange> x(std::in_place, o);
    x->on_gone([&](int) { x.reset(); });
    o.current()->end(0);
    CHECK_FALSE(x);
    CHECK(o.answers.empty());
}

TEST_CASE("a stream is handed over once") {
    owner o;
    exchange x(o);
    std::string rest;
    CHECK_FALSE(x.take_stream(rest).is_open());
    CHECK(rest == "behind the head");
    rest.clear();
    CHECK_FALSE(x.take_stream(rest).is_open());
    CHECK(rest.empty());
    CHECK(o.taken == 1);
    CHECK(o.answers.empty());
}
