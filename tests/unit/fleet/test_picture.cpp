#include <mad/fleet/picture.hpp>

#include <catch2/catch.hpp>

#include "fake_link.hpp"

#include <random>

using namespace mad::fleet;
using mad_test::fake_node;
using namespace std::chrono_literals;

TEST_CASE("which of two records of an agent is newer") {
    struct row {
        char const* what;
        claim a, b;
        bool a_is_newer;
    };
    // node, life, version, born, run, seq
    auto const r = GENERATE(values<row>({
        {"a later change of the same node", {"A", 0, 8, 5, "", 0}, {"A", 0, 7, 5, "", 0}, true},
        {"an earlier change of it", {"A", 0, 6, 5, "", 0}, {"A", 0, 7, 5, "", 0}, false},
        {"the same change of it", {"A", 0, 7, 5, "", 0}, {"A", 0, 7, 5, "", 0}, false},
        {"a node that was started anew", {"A", 1, 1, 9, "", 0}, {"A", 0, 7, 5, "", 0}, true},
        {"what it was before", {"A", 0, 9, 9, "r", 9}, {"A", 1, 1, 5, "r", 1}, false},
        {"a later connection elsewhere", {"B", 0, 1, 6, "", 0}, {"A", 0, 7, 5, "", 0}, true},
        {"an earlier connection elsewhere", {"B", 0, 9, 4, "", 0}, {"A", 0, 7, 5, "", 0}, false},
        {"connections of one moment: the name", {"B", 0, 1, 5, "", 0}, {"A", 0, 7, 5, "", 0}, true},
        {"and the other way round", {"A", 0, 7, 5, "", 0}, {"B", 0, 1, 5, "", 0}, false},
        {"a later sample of the run", {"B", 0, 1, 4, "r", 8}, {"A", 0, 7, 5, "r", 7}, true},
        {"an earlier sample of the run", {"B", 0, 1, 9, "r", 6}, {"A", 0, 7, 5, "r", 7}, false},
        {"the same sample at a later connection",
         {"B", 0, 1, 6, "r", 7},
         {"A", 0, 7, 5, "r", 7},
         true},
        {"another run, a later connection", {"B", 0, 1, 6, "q", 1}, {"A", 0, 7, 5, "r", 7}, true},
        {"samples without numbers", {"B", 0, 1, 4, "r", 0}, {"A", 0, 7, 5, "r", 7}, false},
    }));
    CAPTURE(r.what);
    CHECK(newer(r.a, r.b) == r.a_is_newer);
}

TEST_CASE("of two different claims exactly one is newer") {
    std::mt19937 random(3);
    std::string_view const names[] = {"A", "B", "C"};
    std::string_view const runs[] = {"", "r", "q"};
    auto const any = [&] {
        return claim{names[random() % 3],          0,
                     std::uint64_t(random() % 50), std::int64_t(random() % 3),
                     runs[random() % 3],           std::uint64_t(random() % 3)};
    };
    for (int i = 0; i < 20'000; ++i) {
        auto const a = any(), b = any();
        if (a.node == b.node && a.version == b.version)
            CHECK_FALSE((newer(a, b) || newer(b, a)));
        else
            CHECK(newer(a, b) != newer(b, a));
    }
}

namespace {

stored_record own(std::string const& id, std::string const& socket, int value) {
    stored_record r;
    r.id = id;
    r.socket_id = socket;
    r.record = fake_node::record(id, socket, value);
    return r;
}

/// A batch in short: `-gone ~moved +set`.
std::string words(change_batch const& b) {
    std::string out;
    for (auto const& r : b.removals)
        out += (r.left ? " -" : " ~") + r.id;
    for (auto const& s : b.sets)
        out += " +" + s.id + fake_node::value_of(s.envelope) + (s.moved ? "!" : "");
    return out.empty() ? "" : out.substr(1);
}

constexpr std::size_t lots = 1 << 20;

envelope theirs(std::string const& record, std::int64_t born, std::uint64_t version) {
    return {born, version, record};
}

} // namespace

TEST_CASE("a batch has the newest state of each agent that has changed") {
    picture p("A");
    p.begin_sharing();
    p.put(own("a", "s1", 1), 10);
    p.put(own("b", "s2", 2), 10);
    p.put(own("a", "s1", 3), 10);
    CHECK(p.dirty());
    CHECK(words(p.next_batch(lots)) == "+a3 +b2");
    CHECK_FALSE(p.dirty());
    CHECK(words(p.next_batch(lots)).empty());
    p.put(own("b", "s2", 4), 10);
    CHECK(words(p.next_batch(lots)) == "+b4");
    CHECK(p.shared_size() == 2);
}

TEST_CASE("nothing is noted while there is nobody to tell") {
    picture p("A");
    p.put(own("a", "s1", 1), 0);
    p.put(own("b", "s2", 2), 0);
    CHECK(p.drop("b", "s2"));
    CHECK_FALSE(p.dirty());
    auto const all = p.begin_sharing();
    REQUIRE(all.size() == 1);
    CHECK(all[0].id == "a");
    CHECK_FALSE(p.dirty());
    p.put(own("a", "s1", 3), 5);
    CHECK(p.dirty());
    p.end_sharing();
    CHECK_FALSE(p.dirty());
}

TEST_CASE("an agent that leaves is removed and told as gone") {
    picture p("A");
    p.begin_sharing();
    p.put(own("a", "s1", 1), 10);
    (void)p.next_batch(lots);
    CHECK(p.drop("a", "s1"));
    auto const b = p.next_batch(lots);
    CHECK(words(b) == "-a");
    CHECK(b.removals[0].left == 2u);
    CHECK(p.shared_size() == 0);
}

TEST_CASE("an agent that was never told of needs no farewell") {
    picture p("A");
    p.begin_sharing();
    for (int i = 0; i < 1'000; ++i) {
        auto const id = "a" + std::to_string(i);
        p.put(own(id, "s", 1), 10);
        CHECK(p.drop(id, "s"));
    }
    CHECK_FALSE(p.dirty());
    CHECK(words(p.next_batch(lots)).empty());
}

TEST_CASE("an agent that leaves and comes back in one batch is removed first") {
    picture p("A");
    p.begin_sharing();
    p.put(own("a", "s1", 1), 10);
    (void)p.next_batch(lots);
    CHECK(p.drop("a", "s1"));
    p.put(own("a", "s2", 2), 10);
    CHECK(words(p.next_batch(lots)) == "-a +a2");
}

TEST_CASE("a batch is about as long as was asked, oldest changes first") {
    picture p("A");
    p.begin_sharing();
    for (int i = 0; i < 5; ++i)
        p.put(own("a" + std::to_string(i), "s", i), 10);
    CHECK(words(p.next_batch(100)) == "+a00 +a11");
    p.put(own("a0", "s", 9), 10);
    CHECK(p.drop("a3", "s"));
    CHECK(words(p.next_batch(lots)) == "+a22 +a44 +a09");
    CHECK_FALSE(p.dirty());
}

TEST_CASE("a connection keeps its time, another one gets a later one") {
    picture p("A");
    auto const born = [&] {
        auto const all = p.begin_sharing();
        return read_envelope(all.at(0).envelope)->born;
    };
    p.put(own("a", "s1", 1), 100);
    CHECK(born() == 100);
    p.put(own("a", "s1", 2), 200);
    CHECK(born() == 100);
    p.put(own("a", "s2", 3), 50); // the shared clock was set back
    CHECK(born() == 101);
}

TEST_CASE("connections from before the shared clock was known get their time later") {
    picture p("A");
    auto r = own("a", "s1", 1);
    r.seen = mad::time_point{} + 7s;
    p.put(r, 0);
    r.seen += 5s;
    p.put(r, 0);
    p.settle_births([](mad::time_point t) {
        return 1'000 + std::chrono::duration_cast<mad::milliseconds>(t.time_since_epoch()).count();
    });
    CHECK(read_envelope(p.begin_sharing().at(0).envelope)->born == 8'000);
}

TEST_CASE("a foreign record is taken when it is newer, and told once") {
    std::string told;
    store_watch w;
    w.updated = [&](stored_record const& r, bool moved) {
        told += (moved ? "moved " : "") + r.id + fake_node::value_of(r.record) + " ";
    };
    w.gone = [&](std::string_view id) { told += "gone " + std::string(id) + " "; };
    picture p("A", w);
    auto const t = mad::time_point{} + 1h;
    auto const a1 = fake_node::record("a", "s1", 1, ",\"info\":{\"x\":1},\"run\":\"r\",\"seq\":4");
    CHECK(p.merge("B", 1, theirs(a1, 10, 1), t) == picture::outcome::taken);
    CHECK(p.merge("B", 1, theirs(a1, 10, 1), t) == picture::outcome::older);
    REQUIRE(p.find("a"));
    CHECK(p.find("a")->socket_id == "s1");
    CHECK(p.find("a")->info == "{\"x\":1}");
    CHECK(p.find("a")->run == "r");
    CHECK(p.find("a")->seq == 4);
    CHECK(p.find("a")->seen == t);
    CHECK(p.own_size() == 0);
    CHECK(p.merge("C", 1, theirs(fake_node::record("a", "s2", 2), 11, 1), t) ==
          picture::outcome::taken);
    CHECK_FALSE(p.merge_gone("B", 1, "a", 99));
    CHECK_FALSE(p.merge_gone("C", 1, "a", 1)); // older than what is here
    CHECK(p.merge_gone("C", 1, "a", 2));
    CHECK(told == "a1 moved a2 gone a ");
    CHECK(p.size() == 0);
}

TEST_CASE("a record that cannot be read is refused, as is one in our own name") {
    picture p("A");
    CHECK(p.merge("B", 1, {1, 1, "{}"}, {}) == picture::outcome::refused);
    CHECK(p.merge("A", 1, theirs(fake_node::record("a", "s", 1), 1, 1), {}) ==
          picture::outcome::refused);
    CHECK(p.size() == 0);
}

TEST_CASE("an own agent that moves elsewhere is removed here without a farewell") {
    picture p("A");
    p.begin_sharing();
    p.put(own("a", "s1", 1), 10);
    (void)p.next_batch(lots);
    CHECK(p.merge("B", 1, theirs(fake_node::record("a", "s2", 2), 20, 1), {}) ==
          picture::outcome::taken);
    CHECK(p.own_size() == 0);
    CHECK(words(p.next_batch(lots)) == "~a");
    CHECK_FALSE(p.drop("a", "s1")); // its late disconnect
    CHECK(p.size() == 1);
    CHECK_FALSE(p.dirty());

    SECTION("and comes back as one that has moved") {
        p.put(own("a", "s3", 3), 30);
        CHECK(p.own_size() == 1);
        CHECK(words(p.next_batch(lots)) == "+a3!");
        CHECK(p.merge("B", 1, theirs(fake_node::record("a", "s2", 4), 20, 2), {}) ==
              picture::outcome::older);
    }
}

TEST_CASE("what bears no mark is swept") {
    std::string gone;
    store_watch w;
    w.gone = [&](std::string_view id) { gone += id; };
    picture p("A", w);
    p.put(own("o", "s", 1), 10);
    for (char const* const id : {"a", "b", "c"})
        p.merge("B", 1, theirs(fake_node::record(id, "s", 1), 10, 1), {});
    p.merge("C", 1, theirs(fake_node::record("d", "s", 1), 10, 1), {});
    p.merge("B", 1, theirs(fake_node::record("b", "s", 1), 10, 1), {}, 7); // no newer: stays
    p.merge("B", 1, theirs(fake_node::record("c", "s", 2), 10, 2), {}, 7);
    CHECK(p.sweep("B", 7) == 1);
    CHECK(gone == "a");
    CHECK(p.forget("B") == 2);
    CHECK(p.size() == 2);
    CHECK(p.forget("A") == 0); // own ones are nobody else's
    CHECK(p.owners() == std::unordered_set<std::string>{"C"});
}

TEST_CASE("what was not heard of for long expires") {
    picture p("A");
    auto const t = mad::time_point{} + 1h;
    p.merge("B", 1, theirs(fake_node::record("a", "s", 1), 10, 1), t);
    p.merge("B", 1, theirs(fake_node::record("b", "s", 1), 10, 2), t + 5s);
    CHECK(p.expire("B", t + 3s) == 1);
    CHECK(p.find("b"));
}
