#ifndef MAD_SOCKETIO_IMPL_ARGS_IPP
#define MAD_SOCKETIO_IMPL_ARGS_IPP

#include <mad/core/detail/json_skip.hpp>
#include <mad/core/json.hpp>
#include <mad/core/json_parse.hpp>
#include <mad/socketio/args.hpp>
#include <mad/socketio/impl/packet.ipp>

#include <charconv>
#include <cmath>
#include <system_error>

namespace mad::inline MAD_ABI::socketio {

namespace detail {

/// Turns the placeholders inside `value` into binary leaves; false when one has no attachment.
inline bool fill_placeholders(json& value, std::span<std::string const> attachments) {
    if (value.is_array()) {
        for (auto& element : value)
            if (!fill_placeholders(element, attachments))
                return false;
        return true;
    }
    if (!value.is_object())
        return true;
    auto const flag = value.find("_placeholder");
    if (flag == value.end() || !flag->is_boolean() || !flag->get<bool>()) {
        for (auto& [key, member] : value.get_ref<json::object_t&>())
            if (!fill_placeholders(member, attachments))
                return false;
        return true;
    }
    auto const num = value.find("num");
    if (num == value.end() || !num->is_number())
        return false;
    auto const index = num->get<double>();
    if (!(index >= 0) || index >= static_cast<double>(attachments.size()) ||
        index != std::floor(index))
        return false;
    auto const data = as_bytes(attachments[static_cast<std::size_t>(index)]);
    value = json::binary(bytes(data.begin(), data.end()));
    return true;
}

/// Parses text that nests no deeper than any scan allows, with U+FFFD for lone surrogates.
inline result<json> parse_args(std::string_view text, std::span<std::string const> attachments) {
    auto value = parse_json(text, json_limits::trusted());
    if (!value)
        return error_code(error::bad_payload);
    if (!attachments.empty() && !fill_placeholders(*value, attachments))
        return error_code(error::bad_placeholder);
    return value;
}

/// Counts what the printer will write: it leaves out what lies too deep.
inline std::size_t count_leaves(json const& value, std::size_t depth) {
    if (value.is_binary())
        return 1;
    std::size_t n = 0;
    if (value.is_structured() && depth < max_json_print_depth)
        for (auto const& inner : value)
            n += count_leaves(inner, depth + 1);
    return n;
}

inline error_code wrong_kind(arg_view const& arg) {
    return arg.missing() ? error::missing_argument : error::bad_argument;
}

/// An integer written with a fraction or an exponent, such as `1e3`: what `double` says, provided
/// that it is exact.
template <class Int>
error_code read_integer(arg_view const& arg, Int& out) {
    if (arg.kind() != json_kind::number)
        return wrong_kind(arg);
    char const* const begin = arg.raw().data();
    char const* const end = begin + arg.raw().size();
    auto const exact = std::from_chars(begin, end, out);
    if (exact.ec == std::errc() && exact.ptr == end)
        return {};
    double value = 0;
    if (std::from_chars(begin, end, value).ec != std::errc() || value != std::floor(value))
        return error::bad_argument;
    constexpr double limit = 9007199254740992.0; // 2^53
    if (value > limit || value < (std::is_signed_v<Int> ? -limit : 0.0))
        return error::bad_argument;
    out = static_cast<Int>(value);
    return {};
}

struct binary_sink {
    attachment_list* attachments;

    static void write(void* self, std::string& out, std::string_view data) {
        append_placeholder(out, *static_cast<binary_sink*>(self)->attachments, data);
    }
};

MAD_DECL void append_placeholder(std::string& out, attachment_list& attachments,
                                 std::string_view data) {
    out += "{\"_placeholder\":true,\"num\":";
    append_json_number(out, attachments.size());
    out += '}';
    attachments.emplace_back(data);
}

MAD_DECL error_code read_bool(arg_view const& arg, bool& out) {
    if (arg.kind() != json_kind::boolean)
        return wrong_kind(arg);
    out = arg.raw() == "true";
    return {};
}

MAD_DECL error_code read_double(arg_view const& arg, double& out) {
    if (arg.kind() != json_kind::number)
        return wrong_kind(arg);
    auto const text = arg.raw();
    // The scan refuses numbers that are too large, so what is out of range here is next to 0.
    if (std::from_chars(text.data(), text.data() + text.size(), out).ec != std::errc())
        out = 0;
    return {};
}

MAD_DECL error_code read_signed(arg_view const& arg, std::int64_t& out) {
    return read_integer(arg, out);
}

MAD_DECL error_code read_unsigned(arg_view const& arg, std::uint64_t& out) {
    return read_integer(arg, out);
}

MAD_DECL error_code read_string(arg_view const& arg, std::string& out) {
    if (arg.kind() != json_kind::string)
        return wrong_kind(arg);
    json_unescape(arg.raw(), out);
    return {};
}

MAD_DECL error_code read_bytes(arg_view const& arg, bytes& out) {
    auto const* const data = arg.attachment();
    if (!data)
        return wrong_kind(arg);
    auto const view = as_bytes(*data);
    out.assign(view.begin(), view.end());
    return {};
}

MAD_DECL error_code read_json(arg_view const& arg, json& out) {
    if (arg.missing())
        return error::missing_argument;
    auto value = parse_args(arg.raw(), arg.attachments());
    if (!value)
        return value.error();
    out = std::move(*value);
    return {};
}

MAD_DECL error_code read_raw(arg_view const& arg, raw_json& out) {
    if (arg.missing())
        return error::missing_argument;
    out.text = arg.raw();
    return {};
}

} // namespace detail

MAD_DECL std::string const* arg_view::attachment() const {
    if (attachments_.empty() || kind() != json_kind::object)
        return nullptr;
    bool is_placeholder = false;
    std::optional<std::size_t> index;
    auto const members =
        scan_object(raw(), json_limits::trusted(), [&](std::string_view key, json_span value) {
            if (json_string_equals(key, "_placeholder"))
                is_placeholder = value.text == "true";
            else if (json_string_equals(key, "num"))
                index = detail::placeholder_index(value, attachments_.size());
        });
    return members && is_placeholder && index ? &attachments_[*index] : nullptr;
}

MAD_DECL std::size_t split_args(packet const& p, std::span<arg_view> out) {
    std::size_t skip = p.view.is_event() ? 1 : 0, count = 0;
    mad::detail::for_each_known_element(p.view.payload, [&](json_span element) {
        if (skip > 0) {
            --skip;
            return;
        }
        if (count < out.size())
            out[count] = arg_view(element, p.attachments);
        ++count;
    });
    for (auto i = count; i < out.size(); ++i)
        out[i] = {};
    return count;
}

MAD_DECL void encode_args(json const& value, std::string& out, attachment_list& attachments) {
    detail::binary_sink sink{&attachments};
    mad::detail::append_json(out, value, {&sink, &detail::binary_sink::write});
}

MAD_DECL result<json> decode_args(std::string_view payload,
                                  std::span<std::string const> attachments) {
    return detail::parse_args(payload, attachments);
}

MAD_DECL std::size_t count_binary(json const& value) {
    return detail::count_leaves(value, 0);
}

} // namespace mad::inline MAD_ABI::socketio

#endif
