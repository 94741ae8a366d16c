// Redis URLs: what is read is written and read again as the same; a refusal names a place in the
// text; no password is shown.
#include "fuzz_support.hpp"

#include <mad/redis/config.hpp>

namespace redis = mad::redis;

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    auto const text = mad_fuzz::input(data, size).rest();
    redis::mask_passwords(text);
    auto const c = redis::parse_url(text);
    if (!c) {
        FUZZ_CHECK(c.error().code == redis::error::bad_url);
        FUZZ_CHECK(c.error().at <= text.size());
        FUZZ_CHECK(!c.error().message.empty());
        return 0;
    }
    FUZZ_CHECK(!c->endpoints.empty());
    auto const masked = to_string(*c);
    auto const again = redis::parse_url(masked);
    if (!again && masked.size() > 4096)
        return 0; // with its ports and escapes it is too long to be read
    FUZZ_CHECK(again.has_value());
    FUZZ_CHECK(to_string(*again) == masked);
    FUZZ_CHECK(again->endpoints == c->endpoints);
    FUZZ_CHECK(again->topology == c->topology && again->database == c->database);
    FUZZ_CHECK(again->user == c->user && again->master_name == c->master_name);
    FUZZ_CHECK(again->password == (c->password.empty() && c->user.empty() ? "" : "***"));
    return 0;
}
