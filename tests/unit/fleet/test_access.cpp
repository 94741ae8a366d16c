#include <mad/core/ids.hpp>
#include <mad/core/sha256.hpp>
#include <mad/fleet/access.hpp>

#include <catch2/catch.hpp>

#include <algorithm>
#include <string>
#include <vector>

using namespace mad;
using namespace mad::fleet;

namespace {

using judge = fleet::access; // the system has a function of that name

constexpr std::int64_t now = 1'700'000'000'000;

access_token token(std::string const& name, role r, std::string const& text) {
    access_token t;
    t.name = name;
    t.role = r;
    t.sha256 = sha256(text);
    return t;
}

access_rules some_rules() {
    access_rules r;
    r.tokens = {token("agents", role::agent, "agent-token-0123456789"),
                token("wall", role::viewer, "viewer-token-0123456789"),
                token("ops", role::admin, "admin-token-0123456789")};
    r.link_key = "a key for links, long enough 0123";
    return r;
}

judge with(access_rules r, open_to open = open_to::nobody) {
    access_settings s;
    s.rules = std::move(r);
    s.open = open;
    return judge(std::move(s));
}

judge without(open_to open) {
    access_settings s;
    s.open = open;
    return judge(std::move(s));
}

shown just(std::string_view text) {
    shown s;
    s.token = text;
    return s;
}

shown from_here() {
    shown s;
    s.local_name = s.local = true;
    return s;
}

/// Whether it is in and what it may: `wr-`, or the code of the error.
std::string what(result<principal_ptr> const& r) {
    if (!r)
        return std::string(code_of(static_cast<access_error>(r.error().value())));
    auto const& p = **r;
    return std::string(p.may(right::write) ? "w" : "-") + (p.may(right::read) ? "r" : "-") +
           (p.may(right::manage) ? "m" : "-");
}

} // namespace

TEST_CASE("a token gives the rights of its role") {
    struct row {
        char const *text, *may, *name;
    };
    auto const r = GENERATE(values<row>({
        {"agent-token-0123456789", "w--", "agents"},
        {"viewer-token-0123456789", "-r-", "wall"},
        {"admin-token-0123456789", "wrm", "ops"},
    }));
    auto const got = with(some_rules()).judge(just(r.text), now);
    CHECK(what(got) == r.may);
    REQUIRE(got);
    CHECK((*got)->name == r.name);
    CHECK_FALSE((*got)->anonymous());
}

TEST_CASE("what is no token of the file is unknown, also where none is needed") {
    auto const open = GENERATE(open_to::nobody, open_to::agents, open_to::everybody);
    auto const a = with(some_rules(), open);
    for (auto const* const text :
         {"x", "agent-token-012345678", "agent-token-01234567890", "Agent-token-0123456789",
          "agent-token-0123456789 ", "mad-view.", "mad-view..", ".", "mad-view.e30.e30"})
        CHECK(what(a.judge(just(text), now)) == "token_unknown");
    CHECK(what(a.judge(just(std::string(9217, 'x')), now)) == "token_unknown");
    CHECK(what(a.judge(just(std::string(1 << 20, 'x')), now)) == "token_unknown");
}

TEST_CASE("who shows nothing gets what the node is open to") {
    struct row {
        bool rules;
        open_to open;
        char const *far, *near;
    };
    auto const r = GENERATE(values<row>({
        {false, open_to::nobody, "foreign_host", "wrm"},
        {false, open_to::agents, "w--", "wrm"},
        {false, open_to::everybody, "wr-", "wrm"},
        {true, open_to::nobody, "token_needed", "token_needed"},
        {true, open_to::agents, "w--", "w--"},
        {true, open_to::everybody, "wr-", "wr-"},
    }));
    auto const a = r.rules ? with(some_rules(), r.open) : without(r.open);
    CHECK(what(a.judge({}, now)) == r.far);
    CHECK(what(a.judge(from_here(), now)) == r.near);
    CHECK(a.alone() == (!r.rules && r.open == open_to::nobody));
    if (auto const got = a.judge({}, now))
        CHECK((*got)->anonymous());
    if (auto const got = a.judge(from_here(), now))
        CHECK((*got)->anonymous());
}

TEST_CASE("through a proxy on this machine nobody manages") {
    shown s;
    s.local_name = true; // as the peer says; its address is another
    CHECK(what(without(open_to::nobody).judge(s, now)) == "wr-");
    CHECK(what(without(open_to::everybody).judge(s, now)) == "wr-");
}

TEST_CASE("a node without tokens does not mind being shown one") {
    auto s = from_here();
    s.token = "whatever";
    CHECK(what(without(open_to::nobody).judge(s, now)) == "wrm");
    s.local = s.local_name = false;
    CHECK(what(without(open_to::everybody).judge(s, now)) == "wr-");
    s.token = "mad-view.e30.e30"; // a link is one of its own, or wrong
    CHECK(what(without(open_to::everybody).judge(s, now)) == "token_unknown");
}

TEST_CASE("a token has its time") {
    auto rules = some_rules();
    rules.tokens[1].expires_ms = now;
    auto const a = with(std::move(rules));
    auto const t = just("viewer-token-0123456789");
    CHECK(what(a.judge(t, now - 1)) == "-r-");
    CHECK(what(a.judge(t, now)) == "token_expired");
    CHECK(what(a.judge(t, now + 1)) == "token_expired");
    CHECK((*a.judge(t, now - 1))->expires_ms == now);
    CHECK((*a.judge(just("admin-token-0123456789"), now))->expires_ms == 0);
}

TEST_CASE("an agent is only what its token is for") {
    struct row {
        std::vector<std::string> ids, tags;
        char const* id;
        std::vector<std::string> said;
        bool may;
    };
    std::vector<row> const rows{
        {{}, {}, "anything", {}, true},
        {{}, {}, "anything", {"x"}, true},
        {{"web-1"}, {}, "web-1", {}, true},
        {{"web-1"}, {}, "web-10", {}, false},
        {{"web-1"}, {}, "web-", {}, false},
        {{"web-*"}, {}, "web-10", {"any"}, true},
        {{"web-*"}, {}, "web-", {}, true},
        {{"web-*"}, {}, "WEB-1", {}, false},
        {{"web-*"}, {}, "my-web-1", {}, false},
        {{"*-eu-*"}, {}, "db-eu-7", {}, true},
        {{"*-eu-*"}, {}, "db-us-7", {}, false},
        {{"a*b*c"}, {}, "aXbYbZc", {}, true},
        {{"a*b*c"}, {}, "aXbYbZ", {}, false},
        {{"*"}, {}, "", {}, true},
        {{"**"}, {}, "x", {}, true},
        {{"a", "b"}, {}, "b", {}, true},
        {{"[ab]?"}, {}, "ax", {}, false},
        {{"[ab]?"}, {}, "[ab]?", {}, true},
        {{}, {"prod"}, "x", {"prod"}, true},
        {{}, {"prod"}, "x", {}, false},
        {{}, {"prod"}, "x", {"staging"}, false},
        {{}, {"prod"}, "x", {"prod", "staging"}, false},
        {{}, {"prod", "role:*"}, "x", {"role:web", "prod"}, true},
        {{"web-*"}, {"prod"}, "web-1", {"prod"}, true},
        {{"web-*"}, {"prod"}, "db-1", {"prod"}, false},
        {{"web-*"}, {"prod"}, "web-1", {"dev"}, false},
    };
    for (auto const& r : rows) {
        principal p;
        p.rights = rights_of(role::agent);
        p.ids = r.ids;
        p.tags = r.tags;
        INFO("id " << r.id << " of " << (r.ids.empty() ? "all" : r.ids[0]) << ", tags "
                   << (r.tags.empty() ? "all" : r.tags[0]));
        CHECK(p.may_be({r.id, r.said}) == r.may);
        p.rights = rights_of(role::viewer);
        CHECK_FALSE(p.may_be({r.id, r.said}));
    }
}

TEST_CASE("a link shows what its filter says, for its time") {
    auto const a = with(some_rules());
    auto const link = a.make_link("tag:prod \"a b\"", now + 1000);
    CHECK(link.expires_ms == now + 1000);
    auto const got = a.judge(just(link.token), now);
    CHECK(what(got) == "-r-");
    REQUIRE(got);
    CHECK((*got)->by == known_by::link);
    CHECK((*got)->filter == "tag:prod \"a b\"");
    CHECK((*got)->expires_ms == now + 1000);
    CHECK(what(a.judge(just(link.token), now + 1000)) == "token_expired");
    // It stands in the fragment of an address as it is.
    for (char const c : link.token) {
        bool const plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                           (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
        CHECK(plain);
    }
    CHECK((*a.judge(just(a.make_link({}, now + 1).token), now))->filter.empty());
    std::string longest; // 1,024 code points
    for (int i = 0; i < 1024; ++i)
        longest += "\xf0\x9f\x98\x80";
    CHECK((*a.judge(just(a.make_link(longest, now + 1).token), now))->filter == longest);
}

TEST_CASE("a link that was changed anywhere is none") {
    auto const a = with(some_rules());
    auto const good = a.make_link("tag:prod", now + 1000).token;
    REQUIRE(a.judge(just(good), now));
    for (std::size_t i = 0; i < good.size(); ++i) {
        auto other = good;
        other[i] = good[i] == 'A' ? 'B' : 'A';
        INFO(i);
        CHECK_FALSE(a.judge(just(other), now));
        CHECK_FALSE(a.judge(just(std::string_view(good).substr(0, i)), now));
        CHECK_FALSE(a.judge(just(good.substr(0, i) + good.substr(i + 1)), now));
    }
    CHECK_FALSE(a.judge(just(good + "A"), now));
    CHECK_FALSE(a.judge(just(good + "="), now));
    // The text of one with the signature of another.
    auto const late = a.make_link("", now + 9'000'000).token;
    CHECK_FALSE(a.judge(just(late.substr(0, late.rfind('.')) + good.substr(good.rfind('.'))), now));
}

TEST_CASE("links of another key are unknown, and those of the same one are good on every node") {
    auto const link = with(some_rules()).make_link("", now + 1000).token;
    CHECK(with(some_rules()).judge(just(link), now));
    auto rules = some_rules();
    rules.link_key = "another key for links, long enough";
    CHECK(what(with(rules).judge(just(link), now)) == "token_unknown");
    rules.link_key.clear(); // each has one of its own then
    CHECK(what(with(rules).judge(just(with(rules).make_link("", now + 1).token), now)) ==
          "token_unknown");
    access_settings s;
    s.rules = rules;
    s.spare_link_key = "the same";
    auto const own = judge(s).make_link("", now + 1).token;
    CHECK(judge(s).judge(just(own), now)); // as after reading the file again
}

TEST_CASE("a proxy that is believed says who somebody is") {
    struct row {
        char const* roles;
        role otherwise;
        char const* may;
    };
    auto const r = GENERATE(values<row>({
        {"", role::viewer, "-r-"},
        {"", role::admin, "wrm"},
        {"viewer", role::viewer, "-r-"},
        {"viewer", role::admin, "-r-"},
        {"admin", role::viewer, "wrm"},
        {"staff, admin ,viewer", role::viewer, "wrm"},
        {"administrator", role::viewer, "-r-"},
        {"agent", role::viewer, "-r-"},
        {"Admin", role::viewer, "-r-"},
        {",,", role::viewer, "-r-"},
    }));
    access_settings s;
    s.rules = some_rules();
    s.identity_role = r.otherwise;
    judge const a(std::move(s));
    shown who;
    who.identity = "ann@example.org";
    who.identity_roles = r.roles;
    auto const got = a.judge(who, now);
    CHECK(what(got) == r.may);
    REQUIRE(got);
    CHECK((*got)->name == "ann@example.org");
    CHECK((*got)->by == known_by::identity);
    who.token = "wrong"; // what is shown counts
    CHECK(what(a.judge(who, now)) == "token_unknown");
    who.identity = {};
    who.token = {};
    CHECK(what(a.judge(who, now)) == "token_needed"); // roles alone are nobody's
}

TEST_CASE("who was let in stays as long as nothing of theirs changes") {
    auto const a = with(some_rules());
    auto const in = [&](std::string_view text) { return *a.judge(just(text), now); };
    auto const agent = in("agent-token-0123456789");
    auto const link = in(a.make_link("", now + 1).token);
    CHECK(a.still_good(*agent));
    CHECK(with(some_rules()).still_good(*agent));
    CHECK(with(some_rules()).still_good(*link));

    auto const changed = [&](auto change) {
        auto rules = some_rules();
        change(rules);
        auto const b = with(std::move(rules));
        return std::string(b.still_good(*agent) ? "agent " : "") +
               (b.still_good(*link) ? "link" : "");
    };
    CHECK(changed([](access_rules& r) { r.tokens.erase(r.tokens.begin()); }) == "link");
    CHECK(changed([](access_rules& r) { r.tokens[0].sha256 = sha256("next"); }) == "link");
    CHECK(changed([](access_rules& r) { r.tokens[0].role = role::viewer; }) == "link");
    CHECK(changed([](access_rules& r) { r.tokens[0].ids = {"a"}; }) == "link");
    CHECK(changed([](access_rules& r) { r.tokens[0].expires_ms = now; }) == "link");
    CHECK(changed([](access_rules& r) { r.link_key = "other"; }) == "agent ");
    CHECK(changed([](access_rules& r) { std::swap(r.tokens[0], r.tokens[2]); }) == "agent link");
    shown who;
    who.identity = "ann";
    CHECK(a.still_good(**a.judge(who, now)));
}

TEST_CASE("what somebody may see narrows what they ask for") {
    principal p;
    CHECK(p.narrowed("").empty());
    CHECK(p.narrowed("cpu>80") == "cpu>80");
    p.filter = "tag:prod";
    CHECK(p.narrowed("") == "tag:prod");
    CHECK(p.narrowed("cpu>80") == "tag:prod cpu>80");
}

TEST_CASE("each refusal has a code and a text of its own, and roles have their words") {
    std::vector<std::string> seen;
    for (int i = 1; i <= static_cast<int>(access_error::foreign_origin); ++i) {
        auto const e = static_cast<access_error>(i);
        for (auto const& text : {std::string(code_of(e)), make_error_code(e).message()}) {
            CHECK(text != "unknown");
            CHECK(text != "unknown error");
            CHECK(std::find(seen.begin(), seen.end(), text) == seen.end());
            seen.push_back(text);
        }
    }
    CHECK(access_category().message(200) == "unknown error");
    CHECK(std::string(access_category().name()) == "mad.fleet.access");
    for (auto const r : {role::agent, role::viewer, role::admin})
        CHECK(role_of(to_string(r)) == r);
    CHECK_FALSE(role_of("Admin"));
    CHECK_FALSE(role_of(""));
}
