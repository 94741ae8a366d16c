#ifndef MAD_SOCKETIO_ARGS_HPP
#define MAD_SOCKETIO_ARGS_HPP

#include <mad/core/bytes.hpp>
#include <mad/core/json_fwd.hpp>
#include <mad/core/json_text.hpp>
#include <mad/socketio/packet.hpp>
#include <mad/socketio/parser.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace mad::inline MAD_ABI::socketio {

/// The bytes that follow a binary packet, one binary message each, in order.
using attachment_list = std::vector<std::string>;

/// JSON text passed on as it came. Outgoing text is trusted: it must be valid JSON.
struct raw_json {
    std::string text;

    friend bool operator==(raw_json const&, raw_json const&) = default;
};

/// All arguments of a packet, written before: JSON texts with commas between them, and the bytes
/// that their placeholders stand for, numbered from 0. To be passed alone, and not without an
/// argument
/// (`text` must not be empty).
struct raw_args {
    std::string text;
    attachment_list attachments;
};

/// One argument of an event or acknowledgement, over the packet it came in.
class arg_view {
  public:
    /// No argument: the peer sent fewer.
    arg_view() = default;

    /// `value` is scanned JSON. `attachments` are those of the packet; without any, an object with
    /// `_placeholder` is ordinary data.
    explicit arg_view(json_span value, std::span<std::string const> attachments = {})
        : value_(value)
        , attachments_(attachments) {}

    bool missing() const { return value_.text.empty(); }

    /// Kind of the JSON text; bytes are an object here, and `missing` is null.
    json_kind kind() const { return value_.kind; }

    /// The JSON text as it came.
    std::string_view raw() const { return value_.text; }

    std::span<std::string const> attachments() const { return attachments_; }

    /// The attachment that this argument stands for; null when it is no placeholder.
    std::string const* attachment() const;

    /// The argument as a `bool`, an integer (`1.0` counts as one; out of range is an error),
    /// `double`, `std::string` (lone surrogates become U+FFFD), `mad::bytes`, `mad::json` (bytes
    /// inside are binary leaves), `raw_json`, `std::optional` of these (null or missing is nothing)
    /// or `std::vector` of these. Nothing else is converted: `"1"` is no number. Errors:
    /// `error::missing_argument`, `error::bad_argument`.
    template <class T>
    result<T> as() const;

  private:
    json_span value_;
    std::span<std::string const> attachments_;
};

/// Writes the first arguments of a packet that the decoder gave to `out` and gives their number,
/// which may be larger; elements of `out` beyond it become `missing`. The name of an event is not
/// an argument.
std::size_t split_args(packet const&, std::span<arg_view> out);

/// Appends the JSON text of `value`, printed as `append_json` does, with each binary leaf replaced
/// by `{"_placeholder":true,"num":N}` and its bytes appended to `attachments`, in the order of the
/// text (arrays by index, objects by key order). What lies deeper than `max_json_print_depth`
/// becomes null.
void encode_args(json const& value, std::string& out, attachment_list& attachments);

/// The arguments as a value, the name of an event first. In a binary packet (`attachments` not
/// empty) placeholders become binary leaves; the same one may occur twice.
/// `error::bad_placeholder` when `num` is not the index of an attachment, `error::bad_payload` when
/// the text is not JSON.
result<json> decode_args(std::string_view payload, std::span<std::string const> attachments);

/// Number of binary leaves in `value`.
std::size_t count_binary(json const& value);

namespace detail {

template <class T>
inline constexpr bool is_optional = false;
template <class T>
inline constexpr bool is_optional<std::optional<T>> = true;

template <class T>
inline constexpr bool is_vector = false;
template <class T>
inline constexpr bool is_vector<std::vector<T>> = true;
template <>
inline constexpr bool is_vector<bytes> = false;

template <class T>
concept text_like = std::convertible_to<T const&, std::string_view> && !std::same_as<T, json>;

template <class T>
concept bytes_like =
    std::convertible_to<T const&, std::span<std::uint8_t const>> && !std::same_as<T, json>;

template <class T>
concept integer_like = std::integral<T> && !std::same_as<T, bool> && !std::same_as<T, char> &&
                       !std::same_as<T, wchar_t> && !std::same_as<T, char8_t> &&
                       !std::same_as<T, char16_t> && !std::same_as<T, char32_t>;

template <class>
inline constexpr bool unsupported = false;

void append_placeholder(std::string& out, attachment_list&, std::string_view data);

template <class T>
void append_value(std::string& out, attachment_list& attachments, T const& value) {
    if constexpr (std::same_as<T, bool>) {
        out += value ? "true" : "false";
    } else if constexpr (std::same_as<T, std::nullptr_t>) {
        out += "null";
    } else if constexpr (integer_like<T>) {
        append_json_number(out, value);
    } else if constexpr (std::floating_point<T>) {
        append_json_number(out, static_cast<double>(value));
    } else if constexpr (std::same_as<T, json>) {
        encode_args(value, out, attachments);
    } else if constexpr (std::same_as<T, raw_json>) {
        out += value.text;
    } else if constexpr (std::same_as<T, raw_args>) {
        out += value.text;
        attachments.insert(attachments.end(), value.attachments.begin(), value.attachments.end());
    } else if constexpr (text_like<T>) {
        append_json_string(out, value);
    } else if constexpr (bytes_like<T>) {
        append_placeholder(out, attachments, as_text(value));
    } else if constexpr (is_optional<T>) {
        if (value)
            append_value(out, attachments, *value);
        else
            out += "null";
    } else if constexpr (is_vector<T>) {
        char open = '[';
        for (typename T::value_type const& element : value) {
            out += open;
            append_value(out, attachments, element);
            open = ',';
        }
        out += value.empty() ? "[]" : "]";
    } else {
        static_assert(unsupported<T>, "no JSON form for this type: use mad::json");
    }
}

template <class T>
std::size_t binary_leaves(T const& value) {
    if constexpr (std::same_as<T, json>) {
        return count_binary(value);
    } else if constexpr (std::same_as<T, raw_args>) {
        return value.attachments.size();
    } else if constexpr (bytes_like<T>) {
        return 1;
    } else if constexpr (is_optional<T>) {
        return value ? binary_leaves(*value) : 0;
    } else if constexpr (is_vector<T>) {
        std::size_t n = 0;
        for (typename T::value_type const& element : value)
            n += binary_leaves(element);
        return n;
    } else {
        return 0;
    }
}

error_code read_bool(arg_view const&, bool&);
error_code read_double(arg_view const&, double&);
error_code read_signed(arg_view const&, std::int64_t&);
error_code read_unsigned(arg_view const&, std::uint64_t&);
error_code read_string(arg_view const&, std::string&);
error_code read_bytes(arg_view const&, bytes&);
error_code read_json(arg_view const&, json&);
error_code read_raw(arg_view const&, raw_json&);

template <class T>
error_code read_value(arg_view const& arg, T& out) {
    if constexpr (is_optional<T>) {
        if (arg.missing() || arg.kind() == json_kind::null)
            return {};
        return read_value(arg, out.emplace());
    } else if constexpr (std::same_as<T, bool>) {
        return read_bool(arg, out);
    } else if constexpr (std::same_as<T, double>) {
        return read_double(arg, out);
    } else if constexpr (integer_like<T>) {
        std::conditional_t<std::is_signed_v<T>, std::int64_t, std::uint64_t> wide = 0;
        if constexpr (std::is_signed_v<T>) {
            if (auto ec = read_signed(arg, wide))
                return ec;
        } else {
            if (auto ec = read_unsigned(arg, wide))
                return ec;
        }
        if (!std::in_range<T>(wide))
            return error::bad_argument;
        out = static_cast<T>(wide);
        return {};
    } else if constexpr (std::same_as<T, std::string>) {
        return read_string(arg, out);
    } else if constexpr (std::same_as<T, bytes>) {
        return read_bytes(arg, out);
    } else if constexpr (std::same_as<T, json>) {
        return read_json(arg, out);
    } else if constexpr (std::same_as<T, raw_json>) {
        return read_raw(arg, out);
    } else if constexpr (is_vector<T>) {
        if (arg.kind() != json_kind::array)
            return arg.missing() ? error::missing_argument : error::bad_argument;
        error_code failed;
        auto const each = [&](json_span element) {
            typename T::value_type value{};
            if (!failed)
                failed = read_value(arg_view(element, arg.attachments()), value);
            if (!failed)
                out.push_back(std::move(value));
        };
        auto const n = for_each_element(arg.raw(), json_limits::trusted(), each);
        return n ? failed : n.error();
    } else {
        static_assert(unsupported<T>, "no JSON form for this type: use mad::json");
    }
}

} // namespace detail

template <class T>
result<T> arg_view::as() const {
    T value{};
    if (auto ec = detail::read_value(*this, value))
        return ec;
    return value;
}

/// Appends the arguments as a JSON array, without building a value: `["name",1,true]`. Takes
/// `bool`, numbers (NaN and infinities become null), text (what is not UTF-8 becomes U+FFFD),
/// `nullptr`, `mad::json`, `raw_json`, bytes (anything that is a span of `std::uint8_t`: appended
/// to `attachments`), `std::optional` and `std::vector` of these.
template <class... Ts>
void append_args(std::string& out, attachment_list& attachments, Ts const&... args) {
    out += '[';
    [[maybe_unused]] bool first = true;
    ((first ? void() : void(out += ','), first = false,
      detail::append_value(out, attachments, args)),
     ...);
    out += ']';
}

/// Appends a whole packet and the attachments that follow it. `type` is `event` (then the first of
/// `args` is its name) or `ack`; the binary form is taken when there are bytes among `args`.
/// `attachments` must be empty. Example: `42` and then `/admin,13["x",1]`.
template <class... Ts>
void append_packet(std::string& out, attachment_list& attachments, packet_type type,
                   std::string_view nsp, std::optional<std::uint64_t> id, Ts const&... args) {
    auto const leaves = (std::size_t(0) + ... + detail::binary_leaves(args));
    if (leaves > 0)
        type = type == packet_type::ack ? packet_type::binary_ack : packet_type::binary_event;
    append_header(out, type, static_cast<std::uint32_t>(leaves), nsp, id);
    append_args(out, attachments, args...);
}

} // namespace mad::inline MAD_ABI::socketio

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/socketio/impl/args.ipp>
#endif

#endif
