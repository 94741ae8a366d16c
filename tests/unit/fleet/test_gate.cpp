#include <mad/core/clock.hpp>
#include <mad/core/json.hpp>
#include <mad/core/sha256.hpp>
#include <mad/fleet/gate.hpp>

#include <catch2/catch.hpp>

#include <support/captured_log.hpp>

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

using mad::json;
using namespace mad::fleet;
namespace http = mad::net::http;

namespace {

constexpr char viewer_token[] = "viewer-token-0123456789";
constexpr char admin_token[] = "admin-token-0123456789";

access_rules rules() {
    access_rules r;
    access_token t;
    t.name = "wall";
    t.role = role::viewer;
    t.sha256 = mad::sha256(viewer_token);
    r.tokens.push_back(t);
    t.name = "ops \"x\"";
    t.role = role::admin;
    t.sha256 = mad::sha256(admin_token);
    t.expires_ms = 4'000'000'000'000;
    r.tokens.push_back(t);
    return r;
}

/// A request and what it points to.
struct asked {
    explicit asked(std::string const& token, std::string from = {})
        : bearer("bearer " + token)
        , origin(std::move(from)) {
        fields.push_back({"Host", "node.example"});
        if (!token.empty())
            fields.push_back({"Authorization", bearer});
        if (!origin.empty())
            fields.push_back({"Origin", origin});
        r.method = "GET";
        r.target = r.path = "/api/v1/session";
        r.fields = fields;
        r.peer = boost::asio::ip::make_address("192.0.2.1");
    }
    asked(asked const&) = delete;
    asked& operator=(asked const&) = delete;

    void on_this_machine(char const* host = "localhost:3000") {
        r.peer = boost::asio::ip::make_address("::ffff:127.0.0.1");
        fields[0].value = host;
    }

    std::string bearer, origin;
    std::vector<http::field> fields;
    http::request r;
};

struct one_gate {
    explicit one_gate(bool tokens = true, open_to open = open_to::nobody)
        : at(settings(tokens, open), sockets(), log.handle()) {}

    static gate_settings settings(bool tokens, open_to open) {
        gate_settings s;
        if (tokens)
            s.access.rules = rules();
        s.access.open = open;
        return s;
    }
    static mad::engine::server_settings sockets() {
        mad::engine::server_settings s;
        s.cors.origins = {"https://console.example"};
        return s;
    }

    std::string code(http::response const& r) const {
        return json::parse(r.body)["error"]["code"].get<std::string>();
    }

    mad_test::captured_log log;
    gate at;
};

} // namespace

TEST_CASE("the answer says what is missing") {
    one_gate g;
    asked const nobody(""), wrong("x");
    auto const n = g.at.admit(nobody.r, right::read);
    REQUIRE_FALSE(n);
    CHECK(n.refusal.status == 401);
    CHECK(n.refusal.body == R"({"error":{"code":"token_needed","message":"a token is needed"}})");
    CHECK(n.refusal.fields.find("WWW-Authenticate: Bearer") != std::string::npos);
    CHECK(n.refusal.fields.find("no-store") != std::string::npos);
    CHECK(g.code(g.at.admit(wrong.r, right::read).refusal) == "token_unknown");
    auto old = rules();
    old.tokens[1].expires_ms = 1;
    g.at.set_rules(old);
    asked const late(admin_token);
    CHECK(g.code(g.at.admit(late.r, right::read).refusal) == "token_expired");
    CHECK_FALSE(g.log.has(admin_token));
}

TEST_CASE("without tokens it depends on where one is") {
    struct row {
        open_to open;
        bool here;
        int status; ///< of reading; 0: let in
        bool manages;
    };
    auto const r = GENERATE(values<row>({
        {open_to::nobody, true, 0, true},
        {open_to::everybody, true, 0, true},
        {open_to::agents, true, 0, true},
        {open_to::everybody, false, 0, false},
        {open_to::nobody, false, 403, false},
        {open_to::agents, false, 401, false},
    }));
    one_gate g(false, r.open);
    asked q("");
    if (r.here)
        q.on_this_machine();
    auto const a = g.at.admit(q.r, right::read);
    CHECK(static_cast<bool>(a) == (r.status == 0));
    if (a)
        CHECK(a.who->anonymous());
    else
        CHECK(a.refusal.status == r.status);
    CHECK(static_cast<bool>(g.at.admit(q.r, right::manage)) == r.manages);
}

TEST_CASE("each right is asked for, and refused by its name") {
    one_gate g;
    asked const viewer(viewer_token), admin(admin_token), nobody("");
    CHECK(g.at.admit(viewer.r, right::read));
    CHECK(g.at.admit(viewer.r, right::read).who->name == "wall");
    CHECK(g.code(g.at.admit(viewer.r, right::manage).refusal) == "may_not_manage");
    CHECK(g.code(g.at.admit(viewer.r, right::write).refusal) == "may_not_write");
    CHECK(g.at.admit(viewer.r, right::manage).refusal.status == 403);
    for (auto const r : {right::read, right::write, right::manage})
        CHECK(g.at.admit(admin.r, r));
    CHECK(g.at.admit(nobody.r, right::read).refusal.status == 401);
    one_gate open(true, open_to::everybody);
    CHECK(open.at.admit(nobody.r, right::read));
    CHECK(open.code(open.at.admit(nobody.r, right::manage).refusal) == "token_needed");
    asked here("");
    here.on_this_machine();
    CHECK_FALSE(open.at.admit(here.r, right::manage)); // there is a token for that
    CHECK(one_gate(false, open_to::everybody).at.admit(here.r, right::manage));
    CHECK_FALSE(one_gate(false, open_to::everybody).at.admit(nobody.r, right::manage));
}

TEST_CASE("pages of other sites cannot ask in somebody's name") {
    struct row {
        char const *host, *origin;
        bool in;
    };
    auto const r = GENERATE(values<row>({
        {"localhost:3000", "", true},
        {"localhost:3000", "http://localhost:3000", true},
        {"localhost:3000", "https://console.example", true},
        {"localhost:3000", "http://evil.example", false},
        {"localhost:3000", "null", false},
        {"evil.example", "http://evil.example", false}, // its name leads here
        {"evil.example", "", false},
    }));
    CAPTURE(r.host, r.origin);
    one_gate g(false, GENERATE(open_to::nobody, open_to::everybody));
    asked q("", r.origin);
    q.on_this_machine(r.host);
    CHECK(static_cast<bool>(g.at.admit(q.r, right::manage)) == r.in);
}

TEST_CASE("a link is good until its key is another") {
    one_gate g;
    auto const ends = mad::system_clock::instance().wall_ms() + 60'000;
    auto const link = g.at.make_link("ops", "tag:prod", ends);
    CHECK(link.expires_ms == ends);
    asked const holder(link.token);
    auto const a = g.at.admit(holder.r, right::read);
    REQUIRE(a);
    CHECK(a.who->filter == "tag:prod");
    CHECK(a.who->expires_ms == ends);
    CHECK(g.code(g.at.admit(holder.r, right::manage).refusal) == "may_not_manage");
    CHECK(g.log.has("tag:prod"));
    CHECK_FALSE(g.log.has(link.token));
    g.at.set_rules(rules()); // as after SIGHUP: the key of this process stays
    CHECK(g.at.admit(holder.r, right::read));
    auto other = rules();
    other.link_key = "another key";
    g.at.set_rules(other);
    CHECK(g.code(g.at.admit(holder.r, right::read).refusal) == "token_unknown");
}

namespace {

/// Tables that several nodes have; who changes one tells them by itself.
class shared_tables final : public ledger {
  public:
    void start(mad::net::shard&, ledger_watch) override {}
    std::string const* find(std::string_view, std::string_view field) const override {
        auto const it = rows.find(std::string(field));
        return it == rows.end() ? nullptr : &it->second;
    }
    void each(std::string_view,
              std::function<void(std::string_view, std::string_view)> const&) const override {}
    std::size_t size(std::string_view) const override { return rows.size(); }
    void put(std::string_view, std::string_view field, std::string value) override {
        rows[std::string(field)] = std::move(value);
    }
    void erase(std::string_view, std::string_view field) override {
        rows.erase(std::string(field));
    }
    void swap(std::string_view, std::string_view field, std::optional<std::string>,
              std::optional<std::string> value,
              std::function<void(mad::result<bool>)> done) override {
        done(rows.emplace(field, *value).second);
    }
    void tell(std::string) override {}

    std::map<std::string, std::string> rows;
};

} // namespace

TEST_CASE("nodes without a key in their file agree on one") {
    shared_tables tables;
    one_gate a, b;
    auto const ends = mad::system_clock::instance().wall_ms() + 60'000;
    asked const early(b.at.make_link("ops", "", ends).token);
    a.at.share_link_key(tables);
    REQUIRE(tables.rows.size() == 1);
    b.at.share_link_key(tables);
    asked const of_a(a.at.make_link("ops", "", ends).token);
    asked const of_b(b.at.make_link("ops", "", ends).token);
    for (auto* const g : {&a, &b}) {
        CHECK(g->at.admit(of_a.r, right::read));
        CHECK(g->at.admit(of_b.r, right::read));
        CHECK_FALSE(g->at.admit(early.r, right::read));
    }
    tables.rows["link_key"] = ""; // nobody's
    a.at.share_link_key(tables);
    CHECK(a.at.admit(of_b.r, right::read));

    // A key of the file is its own business.
    auto keyed = rules();
    keyed.link_key = "a key of the file, long enough 012";
    b.at.set_rules(keyed);
    tables.rows["link_key"] = "another";
    b.at.share_link_key(tables);
    asked const filed(b.at.make_link("ops", "", ends).token);
    CHECK(b.at.admit(filed.r, right::read));
    CHECK_FALSE(a.at.admit(filed.r, right::read));
}
