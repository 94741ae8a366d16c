// JSONP polling. The input is read as a form, and written as the body of a script: that must be one
// string of JSON without line ends, which gives the body back.
#include "fuzz_support.hpp"

#include <mad/core/json_scan.hpp>
#include <mad/core/utf8.hpp>
#include <mad/engine/detail/jsonp.hpp>

#include <string>

using namespace mad::engine::detail;

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    mad_fuzz::input in(data, size);
    auto const text = in.rest();
    FUZZ_CHECK(jsonp_body(text).size() <= text.size());

    auto const index = jsonp_index(text);
    FUZZ_CHECK(index.size() <= 10 && index.find_first_not_of("0123456789") == index.npos);

    auto const script = jsonp_script(index, text);
    auto const head = "___eio[" + index + "](\"";
    FUZZ_CHECK(script.starts_with(head) && script.ends_with("\");"));
    FUZZ_CHECK(mad::is_utf8(script));
    for (auto const* const end : {"\n", "\r", "\xe2\x80\xa8", "\xe2\x80\xa9"})
        FUZZ_CHECK(script.find(end) == script.npos);
    auto const inner =
        std::string_view(script).substr(head.size(), script.size() - head.size() - 3);
    std::string again;
    mad::json_unescape(inner, again);
    FUZZ_CHECK(!mad::is_utf8(text) || again == text);
    return 0;
}
