#include <mad/engine/handshake.hpp>

#include <catch2/catch.hpp>

#include <support/print_result.hpp>

#include <array>
#include <string>

using namespace mad;
using namespace std::chrono_literals;
using engine::error;
using engine::handshake_settings;
using engine::known_session;
using engine::request_method;
using engine::revision;
using engine::transport_kind;
using engine::verdict;

TEST_CASE("the parameters of a request are read") {
    auto const q = engine::parse_request_query(
        "EIO=4&transport=polling&t=o057pbzd&sid=yLdKrQ6KPEZk9yS1AAAG&token=x%20y");
    CHECK(q.transport == "polling");
    CHECK(q.sid == "yLdKrQ6KPEZk9yS1AAAG");
    CHECK(q.eio == revision::eio4);
    CHECK_FALSE(q.b64);
    CHECK_FALSE(q.jsonp);
}

TEST_CASE("odd parameters do no harm") {
    struct row {
        char const* query;
        char const* transport;
        char const* sid;
        std::optional<revision> eio;
        bool b64;
        std::optional<std::string> jsonp;
    };
    auto const r = GENERATE(values<row>({
        {"", "", "", {}, false, {}},
        {"transport=websocket", "websocket", "", {}, false, {}},
        {"EIO=3&transport=polling&b64=1", "polling", "", revision::eio3, true, {}},
        {"EIO=4&b64=", "", "", revision::eio4, false, {}},
        {"EIO=5", "", "", {}, false, {}},
        {"EIO=04", "", "", {}, false, {}},
        {"EIO=4.0", "", "", {}, false, {}},
        {"EIO=", "", "", {}, false, {}},
        {"eio=4", "", "", {}, false, {}},
        {"EIO=%34", "", "", revision::eio4, false, {}},
        {"EIO=4&sid=", "", "", revision::eio4, false, {}},
        {"EIO=4&j=12", "", "", revision::eio4, false, "12"},
        {"transport=a+b%zz&&=&x", "a b%zz", "", {}, false, {}},
        {"EIO=4&EIO=4&sid=a&sid=b", "", "a", revision::eio4, false, {}},
    }));
    auto const q = engine::parse_request_query(r.query);
    CAPTURE(r.query);
    CHECK(q.transport == r.transport);
    CHECK(q.sid == r.sid);
    CHECK(q.eio == r.eio);
    CHECK(q.b64 == r.b64);
    CHECK(q.jsonp == r.jsonp);
}

namespace {

constexpr auto get = request_method::get;
constexpr auto post = request_method::post;
constexpr auto other = request_method::other;

known_session const on_polling{};
known_session const on_websocket{revision::eio4, transport_kind::websocket, false};
known_session const upgrading{revision::eio4, transport_kind::polling, true};

struct request {
    request_method method;
    bool upgrade;
    char const* query;
    std::optional<known_session> session;
};

result<verdict> judged(request const& r, handshake_settings const& settings = {}) {
    return engine::judge(r.method, r.upgrade, engine::parse_request_query(r.query), r.session,
                         settings);
}

} // namespace

TEST_CASE("requests in order are told apart") {
    struct row {
        request r;
        verdict v;
    };
    auto const r = GENERATE(values<row>({
        {{get, false, "EIO=4&transport=polling", {}}, verdict::open},
        {{get, false, "EIO=4&transport=polling&sid=", {}}, verdict::open},
        {{get, true, "EIO=4&transport=websocket", {}}, verdict::open},
        {{get, false, "EIO=4&transport=polling&sid=a", on_polling}, verdict::poll},
        {{get, false, "EIO=4&transport=polling&sid=a", upgrading}, verdict::poll},
        {{post, false, "EIO=4&transport=polling&sid=a", on_polling}, verdict::post},
        {{post, false, "EIO=4&transport=polling&sid=a", upgrading}, verdict::post},
        {{get, true, "EIO=4&transport=websocket&sid=a", on_polling}, verdict::upgrade},
        {{get, true, "EIO=4&transport=websocket&sid=a", upgrading}, verdict::close_websocket},
        {{get, true, "EIO=4&transport=websocket&sid=a", on_websocket}, verdict::close_websocket},
        {{get, true, "EIO=4&transport=polling&sid=a", on_polling}, verdict::close_websocket},
        {{get, true, "EIO=4&transport=polling", {}}, verdict::close_websocket},
    }));
    CAPTURE(r.r.query, int(r.r.method), r.r.upgrade);
    REQUIRE(judged(r.r));
    CHECK(judged(r.r).value() == r.v);
}

TEST_CASE("requests out of order get the error of the recordings") {
    struct row {
        request r;
        error e;
    };
    auto const r = GENERATE(values<row>({
        {{get, false, "EIO=4", {}}, error::transport_unknown},
        {{get, false, "EIO=4&transport=abc", {}}, error::transport_unknown},
        {{get, false, "EIO=4&transport=constructor", {}}, error::transport_unknown},
        {{get, false, "EIO=4&transport=__proto__", {}}, error::transport_unknown},
        {{get, false, "EIO=4&transport=Polling", {}}, error::transport_unknown},
        {{get, true, "EIO=4&transport=abc", {}}, error::transport_unknown},
        {{get, true, "EIO=4", {}}, error::transport_unknown},
        {{get, false, "transport=polling", {}}, error::unsupported_protocol},
        {{get, false, "EIO=3&transport=polling", {}}, error::unsupported_protocol},
        {{get, false, "EIO=5&transport=polling", {}}, error::unsupported_protocol},
        {{get, true, "EIO=3&transport=websocket", {}}, error::unsupported_protocol},
        {{get, true, "transport=websocket", {}}, error::unsupported_protocol},
        {{get, false, "EIO=4&transport=polling&sid=zzz", {}}, error::session_unknown},
        {{post, false, "EIO=4&transport=polling&sid=zzz", {}}, error::session_unknown},
        {{get, false, "EIO=4&transport=polling&sid=__proto__", {}}, error::session_unknown},
        {{get, true, "EIO=4&transport=websocket&sid=zzz", {}}, error::session_unknown},
        {{get, true, "EIO=3&transport=websocket&sid=zzz", {}}, error::session_unknown},
        {{post, false, "EIO=4&transport=polling", {}}, error::bad_handshake_method},
        {{other, false, "EIO=4&transport=polling", {}}, error::bad_handshake_method},
        {{post, false, "EIO=5&transport=websocket", {}}, error::bad_handshake_method},
        {{get, false, "EIO=4&transport=websocket", {}}, error::bad_request},
        {{get, false, "EIO=5&transport=websocket", {}}, error::bad_request},
        {{other, false, "EIO=4&transport=polling&sid=a", on_polling}, error::bad_method},
        {{get, false, "EIO=4&transport=websocket&sid=a", on_polling}, error::bad_request},
        {{get, false, "EIO=4&transport=websocket&sid=a", on_websocket}, error::bad_request},
        {{get, false, "EIO=4&transport=polling&sid=a", on_websocket}, error::bad_request},
        {{post, false, "EIO=4&transport=polling&sid=a", on_websocket}, error::bad_request},
        {{get, false, "EIO=3&transport=polling&sid=a", on_polling}, error::bad_request},
        {{get, false, "transport=polling&sid=a", on_polling}, error::bad_request},
        {{get, true, "EIO=3&transport=websocket&sid=a", on_polling}, error::bad_request},
        {{get, true, "EIO=3&transport=websocket&sid=a", on_websocket}, error::bad_request},
    }));
    CAPTURE(r.r.query, int(r.r.method), r.r.upgrade);
    REQUIRE_FALSE(judged(r.r));
    CHECK(judged(r.r).error() == r.e);
}

TEST_CASE("settings decide on revision 3 and on the transports") {
    request const old{get, false, "EIO=3&transport=polling", {}};
    CHECK(judged(old, {.allow_eio3 = true}).value() == verdict::open);
    CHECK(judged({get, false, "EIO=5&transport=polling", {}}, {.allow_eio3 = true}).error() ==
          error::unsupported_protocol);
    known_session const old_session{revision::eio3, transport_kind::polling, false};
    CHECK(judged({get, false, "EIO=3&transport=polling&sid=a", old_session}).value() ==
          verdict::poll);
    CHECK(judged({get, false, "EIO=4&transport=polling&sid=a", old_session}).error() ==
          error::bad_request);

    request const polling{get, false, "EIO=4&transport=polling", {}};
    CHECK(judged(polling, {.polling = false}).error() == error::transport_unknown);
    request const websocket{get, true, "EIO=4&transport=websocket", {}};
    CHECK(judged(websocket, {.websocket = false}).error() == error::transport_unknown);
}

TEST_CASE("JSONP is refused unless it is turned on") {
    auto const query = GENERATE(
        values<char const*>({"EIO=4&transport=polling&j=0",
                             "EIO=4&transport=polling&j=", "EIO=3&transport=polling&j=2"}));
    CAPTURE(query);
    request const open{get, false, query, {}};
    CHECK(judged(open, {.allow_eio3 = true}).error() == error::bad_request);
    CHECK(judged(open, {.allow_eio3 = true, .jsonp = true}).value() == verdict::open);
    for (auto const method : {get, post}) {
        request const more{method, false, "EIO=4&transport=polling&sid=a&j=0", on_polling};
        CHECK(judged(more).error() == error::bad_request);
        CHECK(judged(more, {.jsonp = true}));
    }
    // Elsewhere the parameter means nothing.
    CHECK(judged({get, true, "EIO=4&transport=websocket&j=0", {}}).value() == verdict::open);
    CHECK(judged({get, false, "EIO=4&transport=polling&sid=zzz&j=0", {}}).error() ==
          error::session_unknown);
}

TEST_CASE("the open packet has the keys in the order that peers see") {
    std::array<std::string_view, 1> const upgrades{"websocket"};
    CHECK(engine::encode_open("IHzZdSrQuL-vGx5QAAAD", upgrades, 25000, 20000, 1000000) ==
          R"(0{"sid":"IHzZdSrQuL-vGx5QAAAD","upgrades":["websocket"],"pingInterval":25000,)"
          R"("pingTimeout":20000,"maxPayload":1000000})");
    CHECK(engine::encode_open("x", {}, 300, 200, 10000) ==
          R"(0{"sid":"x","upgrades":[],"pingInterval":300,"pingTimeout":200,"maxPayload":10000})");
    std::array<std::string_view, 2> const two{"websocket", "webtransport"};
    CHECK(engine::encode_open("x", two, 1, 1, 1).find(R"(["websocket","webtransport"])") !=
          std::string::npos);
}

TEST_CASE("a client reads what the server announced") {
    std::array<std::string_view, 1> const upgrades{"websocket"};
    auto const open = engine::encode_open("IHzZdSrQuL-vGx5QAAAD", upgrades, 600, 400, 10000);
    auto const info = engine::decode_open(std::string_view(open).substr(1));
    REQUIRE(info);
    CHECK(info->sid == "IHzZdSrQuL-vGx5QAAAD");
    CHECK(info->upgrade_to_websocket);
    CHECK(info->ping_interval == 600ms);
    CHECK(info->ping_timeout == 400ms);
    CHECK(info->max_payload == 10000u);
}

TEST_CASE("open packets of other servers are read too") {
    auto const old = engine::decode_open(
        R"({"sid":"a","upgrades":[],"pingInterval":25000,"pingTimeout":5000,"x":{"sid":1}})");
    REQUIRE(old);
    CHECK_FALSE(old->upgrade_to_websocket);
    CHECK_FALSE(old->max_payload);
    auto const odd = engine::decode_open(
        R"( { "pingTimeout" : 2e4 , "pingInterval":1.5, "s\u0069d":"\u0061", "maxPayload":0,)"
        R"("upgrades":["webtransport","websocket"] } )");
    REQUIRE(odd);
    CHECK(odd->sid == "a");
    CHECK(odd->upgrade_to_websocket);
    CHECK(odd->ping_interval == 1ms);
    CHECK(odd->ping_timeout == 20s);
    CHECK_FALSE(odd->max_payload);
}

TEST_CASE("an open packet that is of no use is refused") {
    auto const data = GENERATE(values<std::string>({
        "",
        "null",
        "[]",
        "{}",
        R"({"sid":"a"})",
        R"({"sid":"a","pingInterval":25000})",
        R"({"sid":"","pingInterval":25000,"pingTimeout":20000})",
        R"({"sid":7,"pingInterval":25000,"pingTimeout":20000})",
        R"({"pingInterval":25000,"pingTimeout":20000})",
        R"({"sid":"a","pingInterval":0,"pingTimeout":20000})",
        R"({"sid":"a","pingInterval":-1,"pingTimeout":20000})",
        R"({"sid":"a","pingInterval":"25000","pingTimeout":20000})",
        R"({"sid":"a","pingInterval":25000,"pingTimeout":1e12})",
        R"({"sid":"a","pingInterval":25000,"pingTimeout":20000)",
        R"({"sid":")" + std::string(257, 'a') + R"(","pingInterval":25000,"pingTimeout":20000})",
    }));
    CAPTURE(data);
    CHECK(engine::decode_open(data).error() == error::bad_open);
}
