#include <mad/core/json.hpp>
#include <mad/fleet/record.hpp>

#include <catch2/catch.hpp>

#include <support/print_result.hpp>

#include <string>

using namespace mad;
using fleet::judge_record;
using fleet::record_error;
using fleet::record_limits;
using fleet::splice_record;

namespace {

std::string repeat(std::string_view s, std::size_t n) {
    std::string out;
    for (std::size_t i = 0; i < n; ++i)
        out += s;
    return out;
}

/// An array of n zeros.
std::string zeros(std::size_t n) {
    return n == 0 ? "[]" : "[" + repeat("0,", n - 1) + "0]";
}

/// `n` levels of arrays.
std::string nested(std::size_t n) {
    return repeat("[", n) + repeat("]", n);
}

std::string with_health(std::string const& health) {
    return R"({"id":"a","health":)" + health + "}";
}

std::string error_of(std::string_view message, bool needs_health = true) {
    auto const r = judge_record(message, needs_health);
    return r ? "fine" : r.error().message();
}

std::string text_of(record_error e) {
    return make_error_code(e).message();
}

} // namespace

TEST_CASE("a sample of an agent is taken apart") {
    std::string const message =
        R"({"id":"web-042","v":2,"run":"9f3c1a7e","seq":1842,"ts":1764000000123,)"
        R"("interval_ms":2500,"info":{"host":"web-042","tags":["prod","role:web"]},)"
        R"("health":{"storage":37.4,"network":1.844,"cpu":{"cores":[10,14]}}})";
    auto const r = judge_record(message, true);
    REQUIRE(r);
    CHECK(r->id == "web-042");
    CHECK(r->health == R"({"storage":37.4,"network":1.844,"cpu":{"cores":[10,14]}})");
    CHECK(r->info == R"({"host":"web-042","tags":["prod","role:web"]})");
    CHECK(r->run == "9f3c1a7e");
    CHECK(r->seq == 1842u);
    CHECK(r->interval_ms == 2500u);
    CHECK(r->is_v2);
    CHECK(splice_record(*r, {}, "S") ==
          R"({"id":"web-042","health":{"storage":37.4,"network":1.844,"cpu":{"cores":[10,14]}},)"
          R"("v":2,"run":"9f3c1a7e","seq":1842,"ts":1764000000123,"interval_ms":2500,)"
          R"("info":{"host":"web-042","tags":["prod","role:web"]},"socketID":"S"})");
}

TEST_CASE("the original's message is enough") {
    auto const r = judge_record(R"({"id":"client-1","health":{"storage":12,"network":3}})", true);
    REQUIRE(r);
    CHECK_FALSE(r->is_v2);
    CHECK_FALSE(r->seq);
    CHECK(r->run.empty());
    CHECK(splice_record(*r, {}, "x") ==
          R"({"id":"client-1","health":{"storage":12,"network":3},"socketID":"x"})");
}

TEST_CASE("a clean leave needs no health") {
    CHECK(error_of(R"({"id":"a"})", false) == "fine");
    CHECK(error_of(R"({"id":"a"})", true) == text_of(record_error::bad_health));
}

TEST_CASE("what is no record is refused") {
    struct row {
        char const* message;
        record_error why;
    };
    auto const r = GENERATE(values<row>({
        {"", record_error::not_an_object},
        {"null", record_error::not_an_object},
        {"[]", record_error::not_an_object},
        {"\"a\"", record_error::not_an_object},
        {"{", record_error::not_an_object},
        {R"({"id":"a","health":{}} x)", record_error::not_an_object},
        {R"({"id":"a","health":{"x":1e999}})", record_error::not_an_object},
        {"{\"id\":\"\xff\",\"health\":{}}", record_error::not_an_object},
        {"{}", record_error::bad_id},
        {R"({"health":{}})", record_error::bad_id},
        {R"({"id":"","health":{}})", record_error::bad_id},
        {R"({"id":7,"health":{}})", record_error::bad_id},
        {R"({"id":null,"health":{}})", record_error::bad_id},
        {R"({"id":["a"],"health":{}})", record_error::bad_id},
        {R"({"id":"a\nb","health":{}})", record_error::bad_id},
        {R"({"id":"a\u0000b","health":{}})", record_error::bad_id},
        {R"({"id":"\u001b[31m","health":{}})", record_error::bad_id},
        {"{\"id\":\"a\x7f\",\"health\":{}}", record_error::bad_id},
        {R"({"id":"a\u007f","health":{}})", record_error::bad_id},
        {R"({"id":"a\u0085b","health":{}})", record_error::bad_id},
        {R"({"id":"\ud800","health":{}})", record_error::bad_id},
        {R"({"id":"a"})", record_error::bad_health},
        {R"({"id":"a","health":null})", record_error::bad_health},
        {R"({"id":"a","health":[]})", record_error::bad_health},
        {R"({"id":"a","health":"{}"})", record_error::bad_health},
        {R"({"id":"a","Health":{}})", record_error::bad_health},
    }));
    CAPTURE(r.message);
    CHECK(error_of(r.message) == text_of(r.why));
}

TEST_CASE("ids end at 128 bytes, whatever they are written as") {
    auto const message = [](std::string const& id) {
        return R"({"health":{},"id":")" + id + "\"}";
    };
    CHECK(error_of(message(std::string(128, 'a'))) == "fine");
    CHECK(error_of(message(std::string(129, 'a'))) == text_of(record_error::bad_id));
    CHECK(error_of(message(repeat("\\u0061", 128))) == "fine");
    CHECK(error_of(message(repeat("\xc3\xa9", 64))) == "fine");
    CHECK(error_of(message(repeat("\xc3\xa9", 65))) == text_of(record_error::bad_id));
}

TEST_CASE("a message ends at 16 KB") {
    auto const message = [](std::size_t size) {
        std::string s = R"({"id":"a","health":{},"x":")";
        s.append(size - s.size() - 2, 'x');
        return s + "\"}";
    };
    CHECK(message(16 * 1024).size() == 16 * 1024);
    CHECK(error_of(message(16 * 1024)) == "fine");
    CHECK(error_of(message(16 * 1024 + 1)) == text_of(record_error::too_large));
}

TEST_CASE("nesting ends at six levels, the message itself counted") {
    CHECK(error_of(with_health("{\"x\":" + nested(4) + "}")) == "fine");
    CHECK(error_of(with_health("{\"x\":" + nested(5) + "}")) ==
          text_of(record_error::not_an_object));
    CHECK(error_of(with_health("{\"x\":" + nested(4000) + "}")) ==
          text_of(record_error::not_an_object));
}

TEST_CASE("arrays end at 128, wherever they stand") {
    struct row {
        std::string before, after;
    };
    auto const r = GENERATE(values<row>({
        {R"({"id":"a","health":{"cores":)", "}}"},
        {R"({"id":"a","health":{"net":{"ifs":)", "}}}"},
        {R"({"id":"a","health":{"x":[[1],)", "]}}"},
        {R"({"id":"a","health":{},"info":{"x":)", "}}"},
        {R"({"id":"a","health":{},"other":)", "}"},
        {R"({"id":"a","health":{},"other":{"x":)", "}}"},
        {R"({"id":"a","health":{},"seq":)", "}"},
    }));
    CAPTURE(r.before);
    CHECK(error_of(r.before + zeros(128) + r.after) == "fine");
    CHECK(error_of(r.before + zeros(129) + r.after) == text_of(record_error::too_many));
}

TEST_CASE("a spoofed socketID may be of any size: it is thrown away") {
    CHECK(error_of(R"({"id":"a","health":{},"socketID":)" + zeros(500) + "}") == "fine");
}

TEST_CASE("tags are 20 strings of 64 bytes") {
    auto const message = [](std::string const& tags) {
        return R"({"id":"a","health":{},"info":{"tags":)" + tags + "}}";
    };
    std::string const tag = "\"" + std::string(64, 't') + "\"";
    CHECK(error_of(message("[]")) == "fine");
    CHECK(error_of(message("[" + repeat(tag + ",", 19) + tag + "]")) == "fine");
    CHECK(error_of(message("[" + repeat(tag + ",", 20) + tag + "]")) ==
          text_of(record_error::too_many));
    CHECK(error_of(message("[\"" + std::string(65, 't') + "\"]")) ==
          text_of(record_error::too_many));
    CHECK(error_of(message("[1]")) == text_of(record_error::too_many));
    CHECK(error_of(message("[[]]")) == text_of(record_error::too_many));
    CHECK(error_of(message("[]").insert(message("[]").size() - 2, R"(,"tags":[1])")) ==
          text_of(record_error::too_many));
}

TEST_CASE("of repeated keys the last one counts") {
    auto const r = judge_record(
        R"({"id":"first","id":"last","health":{"a":1},"health":{"b":2},"run":"x","run":"y",)"
        R"("seq":1,"seq":2,"v":1,"v":2})",
        true);
    REQUIRE(r);
    CHECK(r->id == "last");
    CHECK(r->health == R"({"b":2})");
    CHECK(r->run == "y");
    CHECK(r->seq == 2u);
    CHECK(r->is_v2);
    auto const seen = json::parse(splice_record(*r, {}, "S"));
    CHECK(seen["id"] == "last");
    CHECK(seen["health"] == json::object({{"b", 2}}));
    CHECK(seen["run"] == "y");
    CHECK(error_of(R"({"id":"good","id":"","health":{}})") == text_of(record_error::bad_id));
    CHECK(error_of(R"({"id":"a","health":{},"health":1})") == text_of(record_error::bad_health));
}

TEST_CASE("a socketID of the peer never gets through, however it is written") {
    auto const* const key =
        GENERATE("socketID", "\\u0073ocketID", "socket\\u0049D", "\\u0073\\u006f\\u0063ketID");
    CAPTURE(key);
    auto const message = R"({")" + std::string(key) + R"(":"spoof","id":"a","health":{}})";
    auto const r = judge_record(message, true); // refers to the message
    REQUIRE(r);
    auto const out = splice_record(*r, {}, "real");
    CHECK(out.find("spoof") == out.npos);
    CHECK(json::parse(out)["socketID"] == "real");
}

TEST_CASE("keys that only look special are passed on") {
    auto const r = judge_record(
        R"({"id":"a","health":{},"socketid":1,"SocketID":2,"ID":3,"":4,"a\"b":5})", true);
    REQUIRE(r);
    CHECK(
        splice_record(*r, {}, "S") ==
        R"({"id":"a","health":{},"socketid":1,"SocketID":2,"ID":3,"":4,"a\"b":5,"socketID":"S"})");
}

TEST_CASE("keys written with escapes are the keys they stand for") {
    auto const r =
        judge_record(R"({"\u0069d":"a","he\u0061lth":{},"\u0073eq":3,"r\u0075n":"r\u0031"})", true);
    REQUIRE(r);
    CHECK(r->id == "a");
    CHECK(r->seq == 3u);
    CHECK(r->run == "r1");
}

TEST_CASE("an id is one text, written one way") {
    auto const r = judge_record(R"({"id":"\u0077eb\/\"é\ud83d\ude00","health":{}})", true);
    REQUIRE(r);
    CHECK(r->id == "web/\"\xc3\xa9\xf0\x9f\x98\x80");
    CHECK(splice_record(*r, {}, "S") ==
          "{\"id\":\"web/\\\"\xc3\xa9\xf0\x9f\x98\x80\",\"health\":{},\"socketID\":\"S\"}");
}

TEST_CASE("odd numbers are unknown, not wrong") {
    struct row {
        char const* seq;
        std::optional<std::uint64_t> value;
    };
    auto const r = GENERATE(values<row>({
        {"0", 0},
        {"18446744073709551615", 18446744073709551615u},
        {"18446744073709551616", {}},
        {"-1", {}},
        {"1.0", {}},
        {"1e3", {}},
        {"\"1\"", {}},
        {"null", {}},
        {"{}", {}},
    }));
    CAPTURE(r.seq);
    auto const j = judge_record(R"({"id":"a","health":{},"seq":)" + std::string(r.seq) +
                                    R"(,"interval_ms":)" + r.seq + "}",
                                true);
    REQUIRE(j);
    CHECK(j->seq == r.value);
    CHECK(j->interval_ms == r.value);
}

TEST_CASE("the version is the number two, nothing like it") {
    auto const* const v = GENERATE("1", "3", "\"2\"", "2.0", "null", "[2]");
    CAPTURE(v);
    auto const r = judge_record(R"({"id":"a","health":{},"v":)" + std::string(v) + "}", true);
    REQUIRE(r);
    CHECK_FALSE(r->is_v2);
}

TEST_CASE("what was known of a host stays until it says something else") {
    auto const plain = judge_record(R"({"id":"a","health":{}})", true);
    REQUIRE(plain);
    CHECK(splice_record(*plain, R"({"host":"h"})", "S") ==
          R"({"id":"a","health":{},"info":{"host":"h"},"socketID":"S"})");
    auto const said = judge_record(R"({"id":"a","health":{},"info":{"host":"new"}})", true);
    REQUIRE(said);
    CHECK(splice_record(*said, R"({"host":"h"})", "S") ==
          R"({"id":"a","health":{},"info":{"host":"new"},"socketID":"S"})");
    auto const odd = judge_record(R"({"id":"a","health":{},"info":"text"})", true);
    REQUIRE(odd);
    CHECK(odd->info.empty());
}

TEST_CASE("a leave spliced all the same is still JSON") {
    auto const r = judge_record(R"({"id":"a"})", false);
    REQUIRE(r);
    CHECK(splice_record(*r, {}, "q\"uote") == R"({"id":"a","health":{},"socketID":"q\"uote"})");
}

TEST_CASE("the limits are settings") {
    record_limits l;
    l.max_bytes = 60;
    l.max_id_bytes = 2;
    l.max_array = 1;
    CHECK(judge_record(R"({"id":"ab","health":{"x":[1]}})", true, l));
    CHECK(judge_record(R"({"id":"abc","health":{}})", true, l).error() == record_error::bad_id);
    CHECK(judge_record(R"({"id":"ab","health":{"x":[1,2]}})", true, l).error() ==
          record_error::too_many);
    CHECK(judge_record(with_health("{\"x\":\"" + std::string(60, 'x') + "\"}"), true, l).error() ==
          record_error::too_large);
}

TEST_CASE("each error says what to mend") {
    for (auto const e : {record_error::not_an_object, record_error::too_large, record_error::bad_id,
                         record_error::bad_health, record_error::too_many}) {
        CHECK(make_error_code(e).category().name() == std::string("mad.fleet.record"));
        CHECK(text_of(e).size() > 10);
        CHECK(text_of(e) != "unknown error");
    }
    CHECK(error_code(99, fleet::record_category()).message() == "unknown error");
}
