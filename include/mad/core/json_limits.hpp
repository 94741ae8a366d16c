#ifndef MAD_CORE_JSON_LIMITS_HPP
#define MAD_CORE_JSON_LIMITS_HPP

#include <mad/config.hpp>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>

namespace mad::inline MAD_ABI {

enum class json_kind : std::uint8_t { null, boolean, number, string, array, object };

/// What a text may cost whoever builds a value from it later.
struct json_limits {
    /// Deepest nesting; `[[1]]` has 2. Default 64: beyond every honest payload, while code that
    /// copies or prints a value recurses. More than 512 counts as 512: this check recurses too.
    std::size_t max_depth = 64;

    /// Most members of any one object. Default 4096: values that keep the order of their keys look
    /// them up one by one.
    std::size_t max_members = 4096;

    /// Most elements of the outermost array (inner ones are bounded by the text's length alone).
    /// Default 64: the arguments of an event.
    std::size_t max_elements = 64;

    /// Whether `"\ud800"` passes. JavaScript writes such text and nlohmann::json refuses it, so the
    /// default is no; who says yes passes the bytes on as they are or calls
    /// `replace_lone_surrogates` before parsing.
    bool lone_surrogates = false;

    /// For text that was scanned before: nothing is refused but what is not JSON.
    static constexpr json_limits trusted() {
        constexpr auto no = std::numeric_limits<std::size_t>::max();
        return {no, no, no, true};
    }
};

/// A value as it stands in the text that was scanned, without the space around it.
struct json_span {
    std::string_view text;
    json_kind kind = json_kind::null;
};

} // namespace mad::inline MAD_ABI

#endif
