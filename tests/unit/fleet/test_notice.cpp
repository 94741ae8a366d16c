#include <mad/fleet/notice.hpp>

#include <catch2/catch.hpp>

#include <nlohmann/json.hpp>

using namespace mad::fleet;

namespace {

host host_of(host_state state, std::string rule = {}, std::uint8_t flags = 0,
             std::string reason = {}) {
    host h;
    h.id = "web-1";
    h.facts.name = "web-1.example";
    h.facts.tags = {"prod", "role:web"};
    h.facts.region = "eu";
    h.state = state;
    h.rule = std::move(rule);
    h.flags = flags;
    h.reason = std::move(reason);
    h.value = 97.1;
    h.limit = 95;
    h.since_ms = 1000;
    return h;
}

} // namespace

TEST_CASE("what people should be told of a host") {
    struct row {
        host h;
        std::optional<std::string> says;
    };
    auto const r = GENERATE(
        row{host_of(host_state::ok), ""}, row{host_of(host_state::warn, "mem"), "warn mem"},
        row{host_of(host_state::crit, "cpu"), "crit cpu"},
        row{host_of(host_state::offline, "", 0, "closed"), "offline"},
        row{host_of(host_state::offline, "", 0, "node"), "offline"},
        row{host_of(host_state::offline, "", 0, "left"), ""},
        row{host_of(host_state::stale), std::nullopt},
        row{host_of(host_state::crit, "cpu", host_flag::muted), std::nullopt},
        row{host_of(host_state::crit, "cpu", host_flag::flapping), "flapping"},
        row{host_of(host_state::ok, "", host_flag::flapping | host_flag::muted), std::nullopt},
        row{host_of(host_state::crit, "cpu", host_flag::dup), "crit cpu"});
    CHECK(notice_of(r.h) == r.says);
}

TEST_CASE("who has left in good order ends an alert quietly") {
    auto const left = host_of(host_state::offline, "", 0, "left");
    CHECK(is_quiet(left, "crit cpu", ""));
    CHECK_FALSE(is_quiet(left, "", ""));
    CHECK_FALSE(is_quiet(host_of(host_state::ok), "crit cpu", ""));
}

TEST_CASE("what was told gives the verdict back") {
    auto const v = verdict_of_notice("crit cpu");
    CHECK(v.level == host_state::crit);
    CHECK(v.rule == "cpu");
    CHECK(verdict_of_notice("warn my own rule").rule == "my own rule");
    for (auto const* const none : {"", "offline", "flapping", "ok", "nonsense cpu"})
        CHECK_FALSE(verdict_of_notice(none).bad());
}

TEST_CASE("what was told is written with the notice that said so") {
    struct row {
        std::string_view words, notice;
        std::string text;
    };
    auto const r = GENERATE(row{"crit cpu", "abc", "crit cpu\nabc"}, row{"", "abc", "\nabc"},
                            row{"warn mem", "", "warn mem"}, row{"", "", ""});
    CHECK(write_told({r.words, r.notice}) == r.text);
    CHECK(read_told(r.text).words == r.words);
    CHECK(read_told(r.text).notice == r.notice);
}

TEST_CASE("a notice as JSON") {
    auto const n =
        make_notice(host_of(host_state::crit, "cpu"), "warn mem", "crit cpu", "node-1", 7);
    auto const j = nlohmann::json::parse(notice_json(n));
    CHECK(j["id"].get<std::string>().size() == 16);
    CHECK(j["host"] == "web-1");
    CHECK(j["from"] == "warn");
    CHECK(j["to"] == "crit");
    CHECK(j["rule"] == "cpu");
    CHECK(j["value"] == 97.1);
    CHECK(j["limit"] == 95);
    CHECK(j["since"] == 1000);
    CHECK(j["at"] == 7);
    CHECK(j["tags"] == nlohmann::json::array({"prod", "role:web"}));
    CHECK(j["node"] == "node-1");
    auto const well = make_notice(host_of(host_state::ok), "crit cpu", "", "node-1", 7);
    auto const k = nlohmann::json::parse(notice_json(well));
    CHECK(k["to"] == "ok");
    CHECK_FALSE(k.contains("rule"));
}

TEST_CASE("the signature is that of other tools") {
    // printf '1764000000.{"a":1}' | openssl dgst -sha256 -hmac secret
    CHECK(sign_notice("secret", "1764000000", "{\"a\":1}") ==
          "sha256=112dc1736ad0328f094ebdad63c8bde5936ce7d0bb7ae467f9f8d481a26df51c");
}
