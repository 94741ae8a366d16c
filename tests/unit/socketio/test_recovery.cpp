#include <mad/core/json.hpp>
#include <mad/socketio/recovery.hpp>

#include <catch2/catch.hpp>

#include <string>
#include <vector>

using namespace mad;
namespace sio = mad::socketio;
using strings = std::vector<std::string>;

namespace {

class hand_clock final : public mad::clock {
  public:
    time_point now() const override { return time_point(at); }
    std::int64_t wall_ms() const override { return wall; }
    void pass(milliseconds t) {
        at += t;
        wall += t.count();
    }

    duration at{};
    std::int64_t wall = 1'795'342'252'341;
};

/// A log by hand: packets are called by their event's name.
struct world {
    explicit world(sio::recovery_settings s = {}) {
        s.clock = &clock;
        log.emplace(s);
    }

    /// Keeps an event; delivers it on those shards. Its offset.
    std::string add(std::string const& event, sio::target const& to = {},
                    std::vector<int> const& shards = {0}, std::string const& only = {}) {
        auto const [p, n] =
            log->add(sio::encode_packet(sio::packet_type::event, "/", {}, event), to, only);
        last = n;
        for (auto const s : shards)
            log->delivered(static_cast<std::uint8_t>(s), n);
        return offset_of(p);
    }

    static std::string offset_of(sio::encoded const& p) {
        return json::parse(p.text().payload().substr(2)).back();
    }

    void save(std::string pid, strings rooms = {}, std::uint8_t shard = 0) {
        log->save({"the-id", std::move(pid), std::move(rooms), "{\"n\":1}", shard, 0, {}});
    }

    /// It came back, and is away again.
    void save_again(std::string pid, strings rooms = {}, std::uint8_t shard = 0) {
        log->save(
            {"the-id", std::move(pid), std::move(rooms), "{}", shard, back.sequence, back.numbers});
    }

    /// What has been missed, `none` when the session does not come back.
    std::string missed(std::string const& pid, std::string const& offset) {
        auto const r = log->restore(pid, offset);
        if (!r)
            return "none";
        CHECK(r->sequence == last);
        back = *r;
        std::string out;
        for (auto const& p : r->missed)
            out += json::parse(p.text().payload().substr(2))[0].get<std::string>();
        return out;
    }

    hand_clock clock;
    std::optional<sio::recovery_log> log;
    std::uint64_t last = 0;
    sio::restored_session back;
};

} // namespace

TEST_CASE("an offset is the time in base 64, and never comes twice") {
    sio::offset_source o;
    CHECK(o.next(0) == "0");
    CHECK(o.next(63) == "_");
    CHECK(o.next(64) == "10");
    CHECK(o.next(1'795'342'252'341) == "Q82lBar");
    CHECK(o.next(1'795'342'252'341) == "Q82lBar.0");
    CHECK(o.next(1'795'342'252'341) == "Q82lBar.1");
    CHECK(o.next(5) == "Q82lBar.2"); // set back
    CHECK(o.next(1'795'342'252'342) == "Q82lBas");
    for (int i = 0; i < 64; ++i)
        (void)o.next(5);
    CHECK(o.next(5) == "Q82lBas.10");
}

TEST_CASE("an offset is one more argument behind the others") {
    auto const text = [](sio::encoded const& e) {
        return std::string(sio::with_offset(e, "Q\"1").text().payload());
    };
    using enum sio::packet_type;
    CHECK(text(sio::encode_packet(event, "/", {}, "a")) == R"(42["a","Q\"1"])");
    CHECK(text(sio::encode_packet(event, "/n", {}, "a", json{{"k", {1}}})) ==
          R"(42/n,["a",{"k":[1]},"Q\"1"])");
    auto const binary =
        sio::with_offset(sio::encode_packet(event, "/", {}, "a", bytes{1, 2}, bytes{3}), "z");
    CHECK(binary.text().payload() == R"(452-["a",{"_placeholder":true,"num":0},)"
                                     R"({"_placeholder":true,"num":1},"z"])");
    REQUIRE(binary.attachments().size() == 2);
    CHECK(binary.attachments()[0].payload() == "\x01\x02");
    CHECK(binary.attachments()[0].binary());
}

TEST_CASE("what came behind the offset has been missed") {
    world w;
    auto const a = w.add("a");
    w.save("p");
    w.add("b");
    w.add("c");
    CHECK(w.missed("other", a) == "none");
    CHECK(w.missed("p", "nonsense") == "none");
    CHECK(w.missed("p", a) == "bc");
    CHECK(w.missed("p", a) == "none"); // it lives
    w.log->end("p");
    CHECK(w.missed("p", a) == "bc");
}

TEST_CASE("only what was meant for it is missed") {
    struct row {
        sio::target to;
        char const* only;
        bool meant;
    };
    auto const r = GENERATE(values<row>({
        {{}, "", true},
        {{{"r"}, {}}, "", true},
        {{{"s"}, {}}, "", false},
        {{{"s", "r"}, {}}, "", true},
        {{{"the-id"}, {}}, "", true},
        {{{}, {"r"}}, "", false},
        {{{}, {"s"}}, "", true},
        {{{"r"}, {"the-id"}}, "", false},
        {{}, "the-id", true},
        {{}, "another", false},
    }));
    world w;
    auto const a = w.add("a");
    w.save("p", {"q", "r"});
    w.add("x", r.to, {0}, r.only);
    CHECK(w.missed("p", a) == (r.meant ? "x" : ""));
}

TEST_CASE("shards may deliver in other orders: what its own has sent counts") {
    world w;
    auto const a = w.add("a", {}, {0, 1});
    // Of b and c, sent at the same time, shard 1 delivers c first.
    auto const b = w.add("b", {}, {0});
    auto const b_number = w.last;
    auto const c = w.add("c", {}, {0, 1});
    SECTION("the peer has c only") {
        w.save("p", {}, 1);
        w.log->delivered(1, b_number);
        CHECK(w.missed("p", c) == "b");
    }
    SECTION("the peer has both") {
        w.log->delivered(1, b_number);
        w.save("p", {}, 1);
        CHECK(w.missed("p", b) == "");
    }
    SECTION("on the other shard they came as they were sent") {
        w.log->delivered(1, b_number);
        w.save("p", {}, 0);
        CHECK(w.missed("p", b) == "c");
    }
    SECTION("what its shard never sent is missed, even when it is old") {
        w.save("p", {}, 1);
        CHECK(w.missed("p", c) == "b");
    }
    SECTION("an offset that its shard never sent is no offset") {
        w.save("p", {}, 1);
        CHECK(w.missed("p", b) == "none");
    }
    SECTION("nor is there any of a shard without deliveries") {
        w.save("p", {}, 7);
        CHECK(w.missed("p", a) == "none");
    }
}

TEST_CASE("who comes back more than once gets the rest, on whichever shard it was") {
    world w;
    auto const a = w.add("a", {}, {0, 1}, "the-id");
    w.save("p", {}, 0);
    auto const b = w.add("b", {}, {0, 1});
    auto const c = w.add("c", {}, {0}, "the-id"); // shard 1 knows nothing of it
    w.add("-", {}, {0}, "another");
    auto const d = w.add("d", {}, {0, 1});
    CHECK(w.missed("p", a) == "bcd");
    SECTION("nothing of it came") {
        w.save_again("p", {}, 1);
        w.add("e", {}, {0, 1});
        CHECK(w.missed("p", a) == "bcde");
        w.save_again("p", {}, 0);
        CHECK(w.missed("p", d) == "e");
    }
    SECTION("some of it came") {
        w.save_again("p", {}, 1);
        CHECK(w.missed("p", b) == "cd");
        w.save_again("p", {}, 0);
        CHECK(w.missed("p", c) == "d");
        w.save_again("p", {}, 1);
        CHECK(w.missed("p", d) == "");
    }
    SECTION("it has left by itself: its rooms are those of before, what it was sent is not") {
        w.log->end(
            "p", sio::saved_session{"the-id", "p", {"r"}, {}, 1, w.back.sequence, w.back.numbers});
        CHECK(w.missed("p", c) == "d");
        CHECK(w.back.session.rooms.empty());
    }
    SECTION("all of it, and more") {
        auto const e = w.add("e", {}, {1}, "the-id");
        auto const f = w.add("f", {}, {0, 1});
        w.save_again("p", {}, 1);
        w.add("g", {}, {0, 1});
        SECTION("one") {
            CHECK(w.missed("p", e) == "fg");
        }
        SECTION("two") {
            CHECK(w.missed("p", f) == "g");
        }
        SECTION("none") {
            CHECK(w.missed("p", d) == "efg");
        }
    }
}

TEST_CASE("who is away for too long connects anew") {
    sio::recovery_settings s;
    s.max_disconnection_duration = milliseconds(1000);
    world w(s);
    auto const a = w.add("a");
    w.save("p");
    w.clock.pass(milliseconds(1000));
    SECTION("in time") {
        CHECK(w.missed("p", a) == "");
    }
    SECTION("too late") {
        w.clock.pass(milliseconds(1));
        CHECK(w.missed("p", a) == "none");
        CHECK(w.log->sessions() == 0);
    }
}

TEST_CASE("what is too old goes once a minute") {
    sio::recovery_settings s;
    s.max_disconnection_duration = milliseconds(10'000);
    world w(s);
    w.add("a");
    w.save("p");
    w.save("q");
    w.save("q");
    w.clock.pass(seconds(59));
    w.add("b");
    CHECK(w.log->packets() == 2);
    w.clock.pass(seconds(1));
    w.add("c");
    CHECK(w.log->packets() == 2);
    CHECK(w.log->sessions() == 0);
}

TEST_CASE("the log is bounded, and an offset that it has forgotten is no offset") {
    sio::recovery_settings s;
    bool const by_number = GENERATE(true, false);
    if (by_number)
        s.max_packets = 3;
    else
        s.max_bytes = 4'000;
    world w(s);
    std::vector<std::string> offsets;
    for (int i = 0; i < 100; ++i)
        offsets.push_back(w.add("x"));
    CHECK(w.log->packets() >= 3);
    CHECK(w.log->packets() <= 40);
    w.save("p");
    CHECK(w.missed("p", offsets.front()) == "none");
    CHECK(w.missed("p", offsets[offsets.size() - 3]) == "xx");
    (void)w.add(std::string(5'000, 'x'));
    CHECK(w.log->packets() == (by_number ? 3 : 0));
}

TEST_CASE("sessions are bounded, the oldest goes") {
    sio::recovery_settings s;
    bool const by_number = GENERATE(true, false);
    if (by_number)
        s.max_sessions = 3;
    else
        s.max_bytes = 8'000;
    world w(s);
    auto const a = w.add("a");
    for (int i = 0; i < 10; ++i)
        w.save("p" + std::to_string(i), {std::string(by_number ? 1 : 1'500, 'r')});
    CHECK(w.log->sessions() >= 3);
    CHECK(w.log->sessions() <= 5);
    CHECK(w.missed("p0", a) == "none");
    CHECK(w.missed("p9", a) == "");
    w.save("huge", {std::string(100'000, 'r')});
    CHECK(w.log->sessions() <= (by_number ? 3 : 5));
}

TEST_CASE("a session that is saved again is the newer one") {
    world w;
    auto const a = w.add("a");
    w.save("p", {"r"});
    CHECK(w.missed("p", a) == "");
    w.save("p", {"s"});
    w.add("x", {{"s"}, {}});
    w.add("y", {{"r"}, {}});
    auto const r = w.log->restore("p", a);
    REQUIRE(r);
    CHECK(r->session.rooms == strings{"s"});
    CHECK(r->session.id == "the-id");
    CHECK(r->session.data == "{\"n\":1}");
    CHECK(r->missed.size() == 1);
    CHECK(w.log->sessions() == 1);
}
