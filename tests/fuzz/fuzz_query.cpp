// Queries and percent coding: `get` finds what `for_each` shows first, and coding comes back.
#include "fuzz_support.hpp"

#include <mad/core/query.hpp>

#include <map>

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    auto const text = mad_fuzz::input(data, size).rest();
    mad::query_view const query(text);

    std::map<std::string, std::string> first;
    std::string again;
    query.for_each([&](std::string key, std::string value) {
        FUZZ_CHECK(key.size() + value.size() <= text.size());
        again.append(again.empty() ? "" : "&").append(mad::percent_encode(key));
        again.append("=").append(mad::percent_encode(value));
        first.emplace(std::move(key), std::move(value));
    });
    for (auto const& [key, value] : first) {
        FUZZ_CHECK(query.get(key) == value);
        FUZZ_CHECK(mad::query_view(again).get(key) == value);
    }
    if (!first.contains("sid"))
        FUZZ_CHECK(!query.get("sid"));

    auto const encoded = mad::percent_encode(text);
    FUZZ_CHECK(mad::percent_decode(encoded, true) == text);
    FUZZ_CHECK(mad::percent_decode(encoded, false) == text);
    FUZZ_CHECK(mad::percent_decode(text, false).size() <= text.size());
    return 0;
}
