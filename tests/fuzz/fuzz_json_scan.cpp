// The JSON scan against the parser that builds values: both take the same texts. Byte 0 steers: bit
// 0 lets lone surrogates pass.
#include "fuzz_support.hpp"

#include <mad/core/json.hpp>
#include <mad/core/json_parse.hpp>
#include <mad/core/json_scan.hpp>
#include <mad/core/json_text.hpp>
#include <mad/core/utf8.hpp>

#include <vector>

using namespace mad;

namespace {

json_limits generous(bool lone_surrogates) {
    auto limits = json_limits::trusted();
    limits.lone_surrogates = lone_surrogates;
    return limits;
}

void check_pieces(std::string_view text, json_span whole, json_limits const& limits) {
    FUZZ_CHECK(whole.text.data() >= text.data() &&
               whole.text.data() + whole.text.size() <= text.data() + text.size());
    std::size_t n = 0;
    auto const piece = [&](json_span part) {
        auto const again = scan_json(part.text, limits);
        FUZZ_CHECK(again && again->kind == part.kind && again->text == part.text);
        ++n;
    };
    auto const array = for_each_element(text, limits, piece);
    FUZZ_CHECK(array.has_value() == (whole.kind == json_kind::array));
    FUZZ_CHECK(!array || *array == n);
    n = 0;
    auto const object = scan_object(text, limits, [&](std::string_view key, json_span part) {
        std::string name;
        json_unescape(key, name);
        FUZZ_CHECK(is_utf8(name) && json_string_equals(key, name));
        FUZZ_CHECK(json_unescaped_size(key) == name.size());
        piece(part);
    });
    FUZZ_CHECK(object.has_value() == (whole.kind == json_kind::object));
    FUZZ_CHECK(!object || *object == n);
}

void check_string(std::string_view text) {
    std::string out, back;
    append_json_string(out, text);
    auto const found = scan_json(out);
    FUZZ_CHECK(found && found->kind == json_kind::string && found->text == out);
    json_unescape(out, back);
    FUZZ_CHECK(is_utf8(text) ? back == text : is_utf8(back));

    // Text that no scan took must not be read beyond its end either.
    back.clear();
    json_unescape(text, back);
    std::string repaired(text);
    replace_lone_surrogates(repaired);
    FUZZ_CHECK(repaired.size() == text.size());
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    mad_fuzz::input in(data, size);
    bool const lone = in.byte() & 1;
    auto const text = in.rest();
    auto const limits = generous(lone);
    check_string(text);

    auto const whole = scan_json(text, limits);
    FUZZ_CHECK(!scan_json(text) || scan_json(text, generous(true)));
    if (!whole) {
        // What only the scan refuses: depth, and what the parser skips in front and behind.
        bool const skips = text.find('\0') != text.npos || text.starts_with("\xef\xbb\xbf");
        FUZZ_CHECK(skips || whole.error() == json_error::too_deep || !json::accept(text));
        return 0;
    }
    check_pieces(text, *whole, limits);
    std::string strict(text);
    if (lone)
        replace_lone_surrogates(strict);
    FUZZ_CHECK(json::accept(strict));

    auto const value = parse_json(text, limits);
    FUZZ_CHECK(value);
    std::string printed;
    append_json(printed, *value);
    auto const again = parse_json(printed, generous(false));
    FUZZ_CHECK(again && *again == *value);
    return 0;
}
