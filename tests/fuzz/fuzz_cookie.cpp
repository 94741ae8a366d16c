// Cookies: any header can be read, any value can be set and read again. Up to byte 0 of the input
// are the value, the rest is the header.
#include "fuzz_support.hpp"

#include <mad/core/cookie.hpp>
#include <mad/core/query.hpp>

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    mad_fuzz::input in(data, size);
    auto const value = in.take(in.byte());
    auto const header = in.rest();

    for (std::string_view name : {"io", "", "mad_node"}) {
        if (auto const v = mad::cookie_view(header).get(name)) {
            FUZZ_CHECK(v->size() <= header.size());
            FUZZ_CHECK(v->find(';') == v->npos);
            FUZZ_CHECK(v->empty() || (v->data() >= header.data() &&
                                      v->data() + v->size() <= header.data() + header.size()));
        }
    }

    mad::set_cookie cookie;
    cookie.value = value;
    auto const line = cookie.header();
    FUZZ_CHECK(std::all_of(line.begin(), line.end(), [](char c) { return c >= 0x20 && c < 0x7f; }));
    auto const sent = mad::cookie_view(line).get("io");
    FUZZ_CHECK(sent && mad::percent_decode(*sent, false) == value);
    return 0;
}
