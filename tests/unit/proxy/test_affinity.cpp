#include "pool_world.hpp"

#include <mad/core/ids.hpp>

#include <catch2/catch.hpp>
#include <support/malloc_count.hpp>

#include <array>

using namespace pool_world;
using proxy::affinity_rule;
using proxy::choose;
using proxy::pool_view;
using proxy::target;
using outcome = proxy::choice::outcome;
using targets = std::vector<std::shared_ptr<target const>>;

namespace {

time_point const now{1h};

targets some(std::size_t n) {
    targets out;
    for (std::uint32_t i = 0; i < n; ++i)
        out.push_back(target_of(i + 1, "api-" + std::to_string(i)));
    return out;
}

std::shared_ptr<target> changed(std::shared_ptr<target const> const& t) {
    return std::make_shared<target>(*t);
}

std::string key_of(std::string const& address) {
    return std::string(proxy::client_key(boost::asio::ip::make_address(address)).bytes());
}

/// Addresses of one office: 10.1.2.x has no more than 256, so the last two bytes vary.
std::string v4(int i) {
    return "10.1." + std::to_string(i / 256) + '.' + std::to_string(i % 256);
}

std::string v6(int i) {
    char text[64];
    std::snprintf(text, sizeof text, "2001:db8:1:2:%x:%x:%x:%x", i * 7 % 65536, i / 3, 0xff, i);
    return text;
}

/// How many of these clients each target gets, by id.
std::map<std::uint32_t, int> spread(pool_view const& view, std::string (*address)(int), int n,
                                    proxy::affinity_settings const& how) {
    proxy::sid_table sids;
    std::map<std::uint32_t, int> out;
    for (int i = 0; i < n; ++i)
        if (auto const c = choose(view, how, {{}, {}, key_of(address(i))}, sids, now))
            ++out[c.to->id];
    return out;
}

proxy::affinity_settings const pure = *proxy::parse_affinity("hash");

} // namespace

TEST_CASE("the rules of affinity are read from their text") {
    struct row {
        std::string text;
        bool good, sid, cookie;
    };
    auto const r =
        GENERATE(row{"sid,cookie,hash", true, true, true}, row{"hash", true, false, false},
                 row{"sid,hash", true, true, false}, row{"cookie,hash", true, false, true},
                 row{"", false, false, false}, row{"sid", false, false, false},
                 row{"hash,sid", false, false, false}, row{"sid,sid,hash", false, false, false},
                 row{"sid,cookie,hash,", false, false, false}, row{"ip", false, false, false});
    auto const got = proxy::parse_affinity(r.text);
    REQUIRE(got.has_value() == r.good);
    if (got) {
        CHECK(got->sid == r.sid);
        CHECK(got->cookie == r.cookie);
    }
}

TEST_CASE("an address is hashed by all of its bytes") {
    CHECK(key_of("10.1.2.3") == std::string("\x0a\x01\x02\x03", 4));
    CHECK(key_of("::ffff:10.1.2.3") == key_of("10.1.2.3"));
    CHECK(key_of("2001:db8::1").size() == 16);
    std::map<std::uint64_t, int> seen;
    for (int i = 0; i < 65536; ++i) {
        ++seen[proxy::detail::affinity_hash(key_of(v4(i)))];
        ++seen[proxy::detail::affinity_hash(key_of(v6(i)))];
    }
    CHECK(seen.size() == 2 * 65536);
    CHECK(proxy::detail::affinity_hash("a") != proxy::detail::affinity_hash(std::string("a\0", 2)));
}

TEST_CASE("clients are spread evenly over the upstreams, also those of one subnet") {
    auto const address = GENERATE(&v4, &v6);
    auto const n = GENERATE(2u, 3u, 5u, 10u);
    constexpr int clients = 10'000;
    auto const got = spread(pool_view(some(n)), address, clients, pure);
    REQUIRE(got.size() == n);
    // Five standard deviations of a fair throw.
    auto const mean = clients / static_cast<double>(n);
    auto const sd = std::sqrt(mean * (1 - 1.0 / n));
    std::string shown = address == &v4 ? "10.1.0.0/16:" : "2001:db8:1:2::/64:";
    for (auto const& [id, count] : got) {
        shown += ' ' + std::to_string(count);
        CHECK(std::abs(count - mean) < 5 * sd);
    }
    INFO(shown);
    CHECK(got.size() == n);
}

TEST_CASE("all addresses of one /24 are spread evenly") {
    // 256 fair throws: five standard deviations.
    int most = 0, least = 256;
    for (auto const& [id, count] : spread(
             pool_view(some(4)), [](int i) { return "192.168.7." + std::to_string(i); }, 256,
             pure)) {
        most = std::max(most, count);
        least = std::min(least, count);
    }
    CHECK(most < 64 + 5 * 7);
    CHECK(least > 64 - 5 * 7);
}

TEST_CASE("when an upstream goes only its clients move, and they come back with it") {
    auto const all = some(5);
    pool_view const whole(all);
    auto without = all;
    without.erase(without.begin() + 2);
    pool_view const less(without);
    proxy::sid_table sids;
    int moved = 0;
    std::map<std::uint32_t, int> to;
    constexpr int clients = 10'000;
    for (int i = 0; i < clients; ++i) {
        auto const key = key_of(v4(i));
        auto const before = choose(whole, pure, {{}, {}, key}, sids, now).to->id;
        auto const after = choose(less, pure, {{}, {}, key}, sids, now).to->id;
        if (before == 3) {
            ++moved;
            ++to[after];
        } else if (before != after) {
            FAIL("a client of another upstream moved");
        }
    }
    CHECK(moved > 1800);
    CHECK(moved < 2200);
    CHECK(to.size() == 4); // all of them share in it
    for (auto const& [id, count] : to)
        CHECK(count > moved / 4 - 110);
}

TEST_CASE("the weight is the part that an upstream gets") {
    targets all{target_of(1, "a", 1), target_of(2, "b", 2), target_of(3, "c", 5)};
    for (std::size_t i = 0; i < all.size(); ++i) {
        auto t = changed(all[i]);
        t->to.weight = static_cast<unsigned>(t->share);
        all[i] = t;
    }
    bool const by_hash_alone = GENERATE(true, false);
    auto how = by_hash_alone ? pure : proxy::affinity_settings();
    how.bound = 0;
    auto const got = spread(pool_view(all), &v4, 10'000, how);
    CHECK(got.at(1) == Approx(1250).margin(170));
    CHECK(got.at(2) == Approx(2500).margin(220));
    CHECK(got.at(3) == Approx(6250).margin(250));
}

TEST_CASE("the hash alone does not look at load or slow start") {
    auto all = some(3);
    auto const before = spread(pool_view(all), &v4, 3000, pure);
    auto slow = changed(all[0]);
    slow->share = 0.1;
    slow->state = state::slow_start;
    slow->count->tunnels = 100'000;
    all[0] = slow;
    CHECK(spread(pool_view(all), &v4, 3000, pure) == before);
}

TEST_CASE("the hash alone leaves sid and cookie aside") {
    auto const all = some(3);
    pool_view const view(all);
    proxy::sid_table sids;
    auto const key = key_of("10.0.0.1");
    auto const at = choose(view, pure, {{}, {}, key}, sids, now).to;
    auto const& other = *all[at->id % 3];
    sids.learn("session", other, true, now);
    auto const c = choose(view, pure, {"session", other.cookie, key}, sids, now);
    CHECK(c.to == at);
    CHECK(c.by == affinity_rule::hash);
}

TEST_CASE("by the hash alone, who takes no new sessions keeps those that it has") {
    auto const why = GENERATE(state::draining, state::drained, state::not_ready, state::up);
    auto all = some(3);
    pool_view const before(all);
    auto leaving = changed(all[1]); // up: it gives away what it has over its part
    leaving->share = 0;
    leaving->state = why;
    all[1] = leaving;
    pool_view const during(all);
    proxy::sid_table sids;
    int old = 0, fresh = 0;
    for (int i = 0; i < 1000; ++i) {
        auto const key = key_of(v4(i));
        // Of which the table knows nothing: another proxy may have opened it.
        auto const home = choose(before, pure, {{}, {}, key}, sids, now).to->id;
        auto const polled = choose(during, pure, {"old", {}, key}, sids, now);
        CHECK(polled.to->id == home);
        CHECK(polled.by == affinity_rule::hash);
        old += home == 2;
        // What begins now begins elsewhere, and stays there.
        auto const at = choose(during, pure, {{}, {}, key}, sids, now).to;
        REQUIRE(at->id != 2);
        auto const sid = "session " + std::to_string(i);
        sids.learn(sid, *at, true, now);
        CHECK(choose(during, pure, {sid, {}, key}, sids, now).to == at);
        fresh += at->id != home;
    }
    CHECK(old > 250);
    CHECK(fresh == old);
}

TEST_CASE("by the hash alone, one that is not probed yet is a member like those that are up") {
    auto all = some(3);
    auto const before = spread(pool_view(all), &v4, 3000, pure);
    auto unknown = changed(all[1]);
    unknown->state = state::unknown;
    unknown->share = GENERATE(0, 1); // others are up; none is
    all[1] = unknown;
    pool_view const view(all);
    CHECK(spread(view, &v4, 3000, pure) == before);
    proxy::sid_table sids;
    for (int i = 0; i < 100; ++i) {
        auto const key = key_of(v4(i));
        auto const at = choose(view, pure, {{}, {}, key}, sids, now).to;
        CHECK(choose(view, pure, {"session", {}, key}, sids, now).to == at);
        // It did not answer, and the handshake went on to another one.
        std::array const tried{at->id};
        auto const other = choose(view, pure, {{}, {}, key}, sids, now, tried).to;
        auto const sid = "session " + std::to_string(i);
        sids.learn(sid, *other, true, now);
        auto const follows = at == all[1] ? other : at;
        CHECK(choose(view, pure, {sid, {}, key}, sids, now).to == follows);
    }
    auto down = changed(all[1]);
    down->state = state::down;
    down->share = 0;
    down->serves = false;
    all[1] = down;
    CHECK(spread(pool_view(all), &v4, 3000, pure).count(2) == 0);
}

TEST_CASE("by the hash alone, the pool's own views keep the set from start to up") {
    world w;
    std::vector<std::uint32_t> ids{w.add("a"), w.add("b"), w.add("c")};
    auto const start = spread(*w.it.view(w.now), &v4, 1000, pure);
    CHECK(start.size() == 3);
    for (auto const id : ids) {
        w.good(id);
        CHECK(spread(*w.it.view(w.now), &v4, 1000, pure) == start);
    }
    proxy::sid_table sids;
    REQUIRE(w.it.drain("b", w.now));
    auto const draining = w.it.view(w.now);
    std::map<std::uint32_t, int> polls;
    for (int i = 0; i < 1000; ++i)
        ++polls[choose(*draining, pure, {"old", {}, key_of(v4(i))}, sids, now).to->id];
    CHECK(polls == start);
    CHECK(spread(*draining, &v4, 1000, pure).count(ids[1]) == 0);
}

TEST_CASE("by whatever rule: each request renews what is known of its session, and says so") {
    auto const all = some(2);
    pool_view const view(all);
    proxy::sid_table sids;
    auto const key = key_of("10.0.0.1");
    auto const how = *proxy::parse_affinity(GENERATE("hash", "cookie,hash", "sid,cookie,hash"));
    auto const first = choose(view, how, {{}, {}, key}, sids, now);
    auto const at = first.to;
    CHECK_FALSE(first.learnt);
    CHECK_FALSE(choose(view, how, {"session", {}, key}, sids, now).learnt);
    sids.learn("session", *at, true, now);
    for (auto t = now; t < now + 10min; t += 60s) {
        CHECK(choose(view, how, {"session", {}, key}, sids, t).learnt);
        sids.expire(t);
    }
    CHECK(at->count->polling_sessions == 1);
}

TEST_CASE("no upstream gets more than a quarter over its part of the sessions") {
    auto const all = some(4);
    pool_view const view(all);
    proxy::sid_table sids;
    proxy::affinity_settings const how;
    // One address only: the hash would put all of them on one.
    auto const key = key_of("10.0.0.1");
    for (int i = 0; i < 1000; ++i) {
        auto const c = choose(view, how, {{}, {}, key}, sids, now);
        REQUIRE(c);
        c.to->count->tunnels += 1;
    }
    for (auto const& t : all)
        CHECK(t->count->tunnels <= 313);
}

TEST_CASE("the bound counts tunnels and polling sessions, by weight") {
    targets all{target_of(1, "a", 3), target_of(2, "b", 1)};
    pool_view const view(all);
    proxy::sid_table sids;
    for (int i = 0; i < 1000; ++i) {
        auto const c = choose(view, {}, {{}, {}, key_of("10.0.0.7")}, sids, now);
        REQUIRE(c);
        (i % 2 ? c.to->count->tunnels : c.to->count->polling_sessions) += 1;
    }
    CHECK(all[0]->count->sessions() >= 687); // 1000 - 1.25 * 250
    CHECK(all[0]->count->sessions() <= 939); // 1.25 * 750
}

TEST_CASE("a session goes where its handshake was answered, before all else") {
    auto const all = some(3);
    pool_view const view(all);
    proxy::sid_table sids;
    for (auto const& t : all) {
        auto const sid = "session of " + t->to.name;
        sids.learn(sid, *t, true, now);
        for (auto const& other : all) {
            auto const c = choose(view, {}, {sid, other->cookie, key_of("10.0.0.9")}, sids, now);
            CHECK(c.to == t);
            CHECK(c.by == affinity_rule::sid);
        }
    }
}

TEST_CASE("a session that nobody learnt goes by the tag in its id") {
    auto all = some(3);
    for (std::size_t i = 0; i < 3; ++i) {
        auto t = changed(all[i]);
        t->to.node_tag = static_cast<std::uint16_t>(1000 + i);
        all[i] = t;
    }
    pool_view const view(all);
    proxy::sid_table sids;
    for (auto const& t : all) {
        auto const sid = session_id::make(0, *t->to.node_tag);
        auto const c = choose(view, {}, {sid, {}, key_of("10.0.0.9")}, sids, now);
        CHECK(c.to == t);
        CHECK(c.by == affinity_rule::sid);
        // What was learnt counts more: another kind of server may draw any id.
        sids.learn(sid, *all[0], true, now);
        CHECK(choose(view, {}, {sid, {}, {}}, sids, now).to == all[0]);
    }
    auto const c = choose(view, {}, {session_id::make(0, 7), all[1]->cookie, {}}, sids, now);
    CHECK(c.to == all[1]);
    CHECK(c.by == affinity_rule::cookie);
}

TEST_CASE("the count at the end of a foreign id is not the tag of a mad node beside it") {
    auto all = some(3);
    auto tagged = changed(all[2]);
    tagged->to.node_tag = std::uint16_t{5};
    all[2] = tagged;
    pool_view const view(all);
    proxy::sid_table sids;
    // The fifth session of a Node server, and one of the mad node.
    std::string const foreign = "Zm9vYmFyYmF6cXV4AAAF", ours = session_id::make(0, 5);
    auto const key = key_of("10.0.0.9");
    CHECK(choose(view, {}, {ours, all[0]->cookie, key}, sids, now).to == all[2]);
    auto const c = choose(view, {}, {foreign, all[0]->cookie, key}, sids, now);
    CHECK(c.to == all[0]);
    CHECK(c.by == affinity_rule::cookie);
    // What was learnt wins over all of it.
    sids.learn(foreign, *all[1], true, now);
    CHECK(choose(view, {}, {foreign, all[0]->cookie, key}, sids, now).to == all[1]);
}

TEST_CASE("a known session whose upstream is gone is not sent to another one") {
    auto all = some(3);
    auto tagged = changed(all[1]);
    tagged->to.node_tag = std::uint16_t{5};
    all[1] = tagged;
    proxy::sid_table sids;
    sids.learn("learnt", *all[1], true, now);
    auto const tagged_sid = session_id::make(0, 5);
    auto const cookie = all[0]->cookie;

    SECTION("it is down") {
        auto down = changed(all[1]);
        down->serves = false;
        down->share = 0;
        all[1] = down;
        pool_view const view(all);
        for (auto const& sid : {std::string("learnt"), tagged_sid}) {
            auto const c = choose(view, {}, {sid, cookie, key_of("10.0.0.1")}, sids, now);
            CHECK(c.verdict == outcome::session_gone);
            CHECK(c.to == all[1]);
        }
    }
    SECTION("it was removed") {
        all.erase(all.begin() + 1);
        pool_view const view(all);
        auto const c = choose(view, {}, {"learnt", cookie, key_of("10.0.0.1")}, sids, now);
        CHECK(c.verdict == outcome::session_gone);
        CHECK_FALSE(c.to);
    }
    SECTION("it drains: then it serves") {
        auto draining = changed(all[1]);
        draining->share = 0;
        all[1] = draining;
        pool_view const view(all);
        for (auto const& sid : {std::string("learnt"), tagged_sid})
            CHECK(choose(view, {}, {sid, {}, {}}, sids, now).to == all[1]);
    }
}

TEST_CASE("a client with a cookie goes where it was, as long as that takes sessions") {
    auto all = some(3);
    proxy::sid_table sids;
    auto const cookie = all[1]->cookie;
    all[1]->count->tunnels = 100'000; // the bound is for the hash
    auto c = choose(pool_view(all), {}, {{}, cookie, key_of("10.0.0.1")}, sids, now);
    CHECK(c.to == all[1]);
    CHECK(c.by == affinity_rule::cookie);

    auto draining = changed(all[1]);
    draining->share = 0;
    all[1] = draining;
    pool_view const view(all);
    c = choose(view, {}, {{}, cookie, key_of("10.0.0.1")}, sids, now);
    CHECK(c.to != all[1]);
    CHECK(c.by == affinity_rule::hash);
    // A session that was there before this process was: it is still served.
    CHECK(choose(view, {}, {"unknown", cookie, key_of("10.0.0.1")}, sids, now).to == all[1]);
}

TEST_CASE("a cookie that is not ours counts for nothing") {
    auto const all = some(3);
    pool_view const view(all);
    proxy::sid_table sids;
    proxy::cookie_signer const theirs;
    auto const key = key_of("10.0.0.1");
    auto const by_hash = choose(view, {}, {{}, {}, key}, sids, now).to;
    auto forged = all[by_hash->id % 3]->cookie;
    forged.back() = forged.back() == 'A' ? 'B' : 'A';
    for (auto const& cookie :
         {std::string("x"), forged, theirs.sign(theirs.id_of("api-0")), std::string(32, 'A'),
          std::string(4000, 'x'), all[0]->cookie + "x", all[0]->cookie.substr(1)}) {
        auto const c = choose(view, {}, {{}, cookie, key}, sids, now);
        CHECK(c.to == by_hash);
        CHECK(c.by == affinity_rule::hash);
    }
}

TEST_CASE("those tried already are not tried again") {
    auto const all = some(3);
    pool_view const view(all);
    proxy::sid_table sids;
    bool const by_hash_alone = GENERATE(true, false);
    auto const how = by_hash_alone ? pure : proxy::affinity_settings();
    std::vector<std::uint32_t> tried;
    auto const cookie = all[0]->cookie;
    for (int i = 0; i < 3; ++i) {
        auto const c = choose(view, how, {{}, cookie, key_of("10.0.0.1")}, sids, now, tried);
        REQUIRE(c);
        CHECK(std::find(tried.begin(), tried.end(), c.to->id) == tried.end());
        tried.push_back(c.to->id);
    }
    auto const c = choose(view, how, {{}, cookie, key_of("10.0.0.1")}, sids, now, tried);
    CHECK(c.verdict == outcome::none);
    CHECK_FALSE(c.to);
}

TEST_CASE("nobody is chosen when nobody is there") {
    proxy::sid_table sids;
    bool const by_hash_alone = GENERATE(true, false);
    auto const how = by_hash_alone ? pure : proxy::affinity_settings();
    auto const c = choose(pool_view(), how, {"sid", "cookie", "key"}, sids, now);
    CHECK(c.verdict == outcome::none);
    CHECK_FALSE(proxy::choose_any(pool_view(), "key"));
}

TEST_CASE("requests without a session go to any that takes some") {
    auto all = some(3);
    auto down = changed(all[0]);
    down->share = 0;
    all[0] = down;
    pool_view const view(all);
    std::map<std::uint32_t, int> seen;
    for (int i = 0; i < 100; ++i)
        ++seen[proxy::choose_any(view, key_of(v4(i)))->id];
    CHECK(seen.size() == 2);
    CHECK(seen.count(1) == 0);
}

TEST_CASE("a choice allocates nothing") {
    auto all = some(8);
    auto tagged = changed(all[1]);
    tagged->to.node_tag = std::uint16_t{5};
    all[1] = tagged;
    pool_view const view(all);
    proxy::sid_table sids;
    sids.learn("a session id of twenty", *all[2], true, now);
    auto const key = key_of("2001:db8::1");
    auto const tag_sid = session_id::make(0, 5);
    proxy::affinity_settings const how;
    std::array<proxy::choice, 5> got;
    mad_test::count_this_thread(true);
    auto const before = mad_test::counted_allocations();
    got[0] = choose(view, how, {"a session id of twenty", {}, key}, sids, now);
    got[1] = choose(view, how, {tag_sid, {}, key}, sids, now);
    got[2] = choose(view, how, {{}, all[3]->cookie, key}, sids, now);
    got[3] = choose(view, how, {{}, {}, key}, sids, now);
    got[4] = choose(view, pure, {{}, {}, key}, sids, now);
    auto const after = mad_test::counted_allocations();
    mad_test::count_this_thread(false);
    CHECK(after == before);
    for (auto const& c : got)
        CHECK(c);
}
