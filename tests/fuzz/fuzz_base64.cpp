// Base64 and the session ids made of it: what decodes is a fixed point of encoding again.
#include "fuzz_support.hpp"

#include <mad/core/base64.hpp>
#include <mad/core/ids.hpp>

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    auto const text = mad_fuzz::input(data, size).rest();

    std::string encoded, url, decoded;
    mad::append_base64(encoded, text);
    mad::append_base64url(url, text);
    FUZZ_CHECK(encoded.size() == mad::base64_size(text.size()));
    FUZZ_CHECK(url.size() == mad::base64url_size(text.size()));
    FUZZ_CHECK(mad::base64_decode(encoded, decoded) && decoded == text);
    FUZZ_CHECK(mad::base64_decode(url, decoded) && decoded == std::string(text).append(text));

    std::string bytes = "kept";
    if (mad::base64_decode(text, bytes)) {
        std::string again, same;
        mad::append_base64url(again, std::string_view(bytes).substr(4));
        FUZZ_CHECK(mad::base64_decode(again, same) && "kept" + same == bytes);
        // The first characters agree but for the alphabet; the last may have lost unused bits.
        FUZZ_CHECK(again.size() <= text.size() && text.size() <= again.size() + 2);
    } else {
        FUZZ_CHECK(bytes == "kept");
    }

    auto const shard = mad::session_id::shard_of(text);
    auto const tag = mad::session_id::node_tag_of(text);
    FUZZ_CHECK(tag.has_value() == (shard && *shard < 128));
    if (shard) {
        FUZZ_CHECK(text.size() == mad::session_id::size && bytes.size() == 4 + 15);
        FUZZ_CHECK(255 - static_cast<std::uint8_t>(bytes[4 + 12]) == *shard);
    }
    FUZZ_CHECK(mad::equal_secret(text, std::string(text)));
    return 0;
}
