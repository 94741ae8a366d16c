#include <mad/net/ws_deflate.hpp>
#include <mad/net/ws_error.hpp>

#include <catch2/catch.hpp>

#include <string>
#include <string_view>
#include <vector>

using namespace mad::net;

namespace {

/// Nothing agreed is `-`, a malformed field `malformed`.
std::string answer_to(std::string_view offers, ws_deflate_terms const& wanted) {
    auto const terms = accept_ws_deflate(offers, wanted);
    if (!terms)
        return terms.error() == ws_error::bad_extensions ? "malformed" : "another error";
    return *terms ? ws_deflate_answer(**terms) : "-";
}

constexpr ws_deflate_terms lenient;
constexpr ws_deflate_terms alone{true, true, 15, 15};
constexpr ws_deflate_terms narrow{false, false, 10, 11};

} // namespace

TEST_CASE("a server agrees to the first offer it can meet, and to no more than it wants") {
    struct row {
        std::string_view offers;
        ws_deflate_terms wanted;
        std::string_view answer;
    };
    auto const r = GENERATE(values<row>({
        {"", lenient, "-"},
        {"permessage-deflate", lenient, "permessage-deflate"},
        {"permessage-deflate; client_max_window_bits", lenient, "permessage-deflate"},
        {" \tpermessage-deflate ;\tclient_max_window_bits ", lenient, "permessage-deflate"},
        {", ,permessage-deflate,,", lenient, "permessage-deflate"},
        {"permessage-deflate; server_no_context_takeover", lenient,
         "permessage-deflate; server_no_context_takeover"},
        {"permessage-deflate; client_no_context_takeover", lenient,
         "permessage-deflate; client_no_context_takeover"},
        {"permessage-deflate; server_max_window_bits=15", lenient, "permessage-deflate"},
        {"permessage-deflate; server_max_window_bits=9", lenient,
         "permessage-deflate; server_max_window_bits=9"},
        {"permessage-deflate; server_max_window_bits=\"12\"", lenient,
         "permessage-deflate; server_max_window_bits=12"},
        {"permessage-deflate; server_max_window_bits=\"1\\2\"", lenient,
         "permessage-deflate; server_max_window_bits=12"},
        {"permessage-deflate; client_max_window_bits=8", lenient,
         "permessage-deflate; client_max_window_bits=8"},
        // what is ours to ask for
        {"permessage-deflate", alone,
         "permessage-deflate; server_no_context_takeover; client_no_context_takeover"},
        {"permessage-deflate; server_no_context_takeover; client_no_context_takeover", alone,
         "permessage-deflate; server_no_context_takeover; client_no_context_takeover"},
        {"permessage-deflate; client_max_window_bits", narrow,
         "permessage-deflate; server_max_window_bits=10; client_max_window_bits=11"},
        {"permessage-deflate; client_max_window_bits=9; server_max_window_bits=12", narrow,
         "permessage-deflate; server_max_window_bits=10; client_max_window_bits=9"},
        // a client that does not know the parameter must not be sent it
        {"permessage-deflate", narrow, "permessage-deflate; server_max_window_bits=10"},
        // declined: RFC 7692 section 7
        {"x-webkit-deflate-frame", lenient, "-"},
        {"Permessage-Deflate", lenient, "-"},
        {"permessage-deflate; unknown", lenient, "-"},
        {"permessage-deflate; unknown=1", lenient, "-"},
        {"permessage-deflate; server_no_context_takeover=1", lenient, "-"},
        {"permessage-deflate; client_no_context_takeover=true", lenient, "-"},
        {"permessage-deflate; server_no_context_takeover; server_no_context_takeover", lenient,
         "-"},
        {"permessage-deflate; client_max_window_bits; client_max_window_bits=9", lenient, "-"},
        {"permessage-deflate; server_max_window_bits=9; server_max_window_bits=9", lenient, "-"},
        {"permessage-deflate; server_max_window_bits", lenient, "-"},
        {"permessage-deflate; server_max_window_bits=8", lenient, "-"}, // zlib has none
        {"permessage-deflate; server_max_window_bits=7", lenient, "-"},
        {"permessage-deflate; server_max_window_bits=16", lenient, "-"},
        {"permessage-deflate; server_max_window_bits=010", lenient, "-"},
        {"permessage-deflate; server_max_window_bits=1x", lenient, "-"},
        {"permessage-deflate; server_max_window_bits=+9", lenient, "-"},
        {"permessage-deflate; client_max_window_bits=16", lenient, "-"},
        {"permessage-deflate; client_max_window_bits=99999999999999999999", lenient, "-"},
        // the next offer may do
        {"x-other; a=1, permessage-deflate; server_max_window_bits=8, permessage-deflate", lenient,
         "permessage-deflate"},
        {"permessage-deflate; server_max_window_bits=10, permessage-deflate", lenient,
         "permessage-deflate; server_max_window_bits=10"},
    }));
    CAPTURE(r.offers);
    CHECK(answer_to(r.offers, r.wanted) == r.answer);
}

TEST_CASE("a field that is no list of extensions is malformed") {
    std::string_view const field = GENERATE(
        ";", "=", "permessage-deflate;", "permessage-deflate; ;a", "permessage-deflate a",
        "permessage-deflate; a=", "permessage-deflate; a=\"", "permessage-deflate; a=\"b",
        "permessage-deflate; a=\"\"", "permessage-deflate; a=\"b c\"", "permessage-deflate; a=b=c",
        "permessage-deflate; a=\"b\\", "permessage-deflate; a=b c", "permessage/deflate",
        "\"permessage-deflate\"", "permessage-deflate; =15", "a\x01", "caf\xc3\xa9");
    CAPTURE(field);
    CHECK(answer_to(field, lenient) == "malformed");
}

TEST_CASE("extensions are taken apart with their parameters") {
    auto const all = parse_ws_extensions("a;b=\"c\\d\";e, f").value();
    REQUIRE(all.size() == 2);
    CHECK(all[0].name == "a");
    REQUIRE(all[0].parameters.size() == 2);
    CHECK(all[0].parameters[0].name == "b");
    CHECK(all[0].parameters[0].value == "cd");
    CHECK_FALSE(all[0].parameters[1].value);
    CHECK(all[1].name == "f");
    CHECK(all[1].parameters.empty());
}

TEST_CASE("a client offers what it wants, and says that its window may be narrowed") {
    CHECK(ws_deflate_offer(lenient) == "permessage-deflate; client_max_window_bits");
    CHECK(ws_deflate_offer(alone) == "permessage-deflate; server_no_context_takeover; "
                                     "client_no_context_takeover; client_max_window_bits");
    CHECK(ws_deflate_offer(narrow) ==
          "permessage-deflate; server_max_window_bits=10; client_max_window_bits=11");
}

TEST_CASE("a client takes an answer to what it offered, and no other") {
    struct row {
        std::string_view answer;
        ws_deflate_terms wanted;
        std::optional<ws_deflate_terms> terms; // nothing: refused
    };
    auto const r = GENERATE(values<row>({
        {"permessage-deflate", lenient, lenient},
        {"permessage-deflate; server_no_context_takeover", lenient, ws_deflate_terms{true}},
        // a client may always let its messages stand for themselves
        {"permessage-deflate", alone, ws_deflate_terms{false, true}},
        {"permessage-deflate; client_max_window_bits=9; server_max_window_bits=8", lenient,
         ws_deflate_terms{false, false, 8, 9}},
        {"permessage-deflate; server_max_window_bits=9", narrow,
         ws_deflate_terms{false, false, 9, 11}},
        {"permessage-deflate; server_max_window_bits=11", narrow, {}},
        {"permessage-deflate", narrow, {}}, // the server's window was to be narrow
        {"permessage-deflate; client_max_window_bits", lenient, {}},
        {"permessage-deflate, permessage-deflate", lenient, {}},
        {"permessage-deflate; unknown", lenient, {}},
        {"x-other", lenient, {}},
        {"permessage-deflate;", lenient, {}},
    }));
    CAPTURE(r.answer);
    auto const got = judge_ws_deflate(r.answer, r.wanted);
    CHECK(got.has_value() == r.terms.has_value());
    if (got && r.terms) {
        CHECK(**got == *r.terms);
    }
    CHECK(judge_ws_deflate("", r.wanted).value() == std::nullopt);
}
