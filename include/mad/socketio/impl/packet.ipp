#ifndef MAD_SOCKETIO_IMPL_PACKET_IPP
#define MAD_SOCKETIO_IMPL_PACKET_IPP

#include <mad/core/detail/json_scanner.hpp>
#include <mad/core/json_text.hpp>
#include <mad/socketio/packet.hpp>

#include <algorithm>
#include <array>
#include <cmath>

namespace mad::inline MAD_ABI::socketio {

namespace detail {

/// What Number() of JavaScript skips at both ends, as far as it is ASCII.
constexpr bool is_id_space(char c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/// The index that a placeholder's `num` means; nothing when it is no index.
inline std::optional<std::size_t> placeholder_index(json_span num, std::size_t attachments) {
    double value = -1;
    auto const text = num.text;
    if (num.kind != json_kind::number ||
        std::from_chars(text.data(), text.data() + text.size(), value).ec != std::errc())
        return std::nullopt;
    if (!(value >= 0) || value >= static_cast<double>(attachments) || value != std::floor(value))
        return std::nullopt;
    return static_cast<std::size_t>(value);
}

/// Notes the first element of the payload.
struct first_element {
    json_span first;
    bool found = false;

    json_error element(std::size_t depth, json_span value) {
        if (depth == 1 && !found) {
            found = true;
            first = value;
        }
        return json_error::none;
    }
};

/// Checks the placeholders too. Of a repeated key the last one counts, as for whoever reads it.
struct binary_elements : first_element {
    explicit binary_elements(std::size_t n)
        : attachments(n) {}

    struct level {
        bool is_placeholder = false, has_index = false;
    };
    std::size_t attachments;
    std::array<level, mad::detail::max_json_depth> levels;
    bool bad_placeholder = false;

    json_error object_begin(std::size_t depth) {
        levels[depth - 1] = {};
        return json_error::none;
    }

    json_error member(std::size_t depth, std::string_view key, json_span value) {
        auto& at = levels[depth - 1];
        if (json_string_equals(key, "_placeholder"))
            at.is_placeholder = value.text == "true";
        else if (json_string_equals(key, "num"))
            at.has_index = placeholder_index(value, attachments).has_value();
        return json_error::none;
    }

    json_error object_end(std::size_t depth) {
        auto const& at = levels[depth - 1];
        if (!at.is_placeholder || at.has_index)
            return json_error::none;
        bad_placeholder = true;
        return json_error::wrong_kind;
    }
};

inline error_code check_name(json_span name, std::size_t max_name) {
    if (name.kind != json_kind::string && name.kind != json_kind::number)
        return error::bad_payload;
    // An escape is at most six times as long as what it stands for: long names are not unescaped.
    auto const size = name.text.size() - (name.kind == json_kind::string ? 2 : 0);
    if (size > max_name && (size / 6 > max_name || json_unescaped_size(name.text) > max_name))
        return error::name_too_long;
    if (name.kind == json_kind::number)
        return {};
    auto const raw = name.text.substr(1, size);
    bool reserved;
    if (raw.find('\\') == raw.npos) {
        reserved = is_reserved_event(raw);
    } else {
        std::string text;
        json_unescape(raw, text);
        reserved = is_reserved_event(text);
    }
    return reserved ? error_code(error::reserved_event) : error_code();
}

/// What the type wants of its payload, apart from an event's name.
inline bool is_payload_kind(packet_type type, json_kind kind) {
    switch (type) {
    case packet_type::connect:
        return kind == json_kind::object;
    case packet_type::disconnect:
        return false;
    case packet_type::connect_error:
        return kind == json_kind::object || kind == json_kind::string;
    default:
        return kind == json_kind::array;
    }
}

template <class Events>
error_code check_payload(packet_view const& p, packet_limits const& limits, Events& events) {
    auto json = limits.json;
    if (p.is_event() && json.max_elements != json_limits::trusted().max_elements)
        ++json.max_elements;
    json_span whole;
    auto const e = mad::detail::json_scanner<Events>(p.payload, json, events).run(whole);
    if (e != json_error::none)
        return e;
    bool const any = limits.any_error && p.type == packet_type::connect_error;
    if (!any && !is_payload_kind(p.type, whole.kind))
        return error::bad_payload;
    if (p.is_event())
        return events.found ? check_name(events.first, limits.max_name)
                            : error_code(error::bad_payload);
    return {};
}

inline error_code check_payload(packet_view const& p, packet_limits const& limits) {
    if (p.payload.empty())
        return {};
    if (p.attachments == 0) {
        first_element events;
        return check_payload(p, limits, events);
    }
    binary_elements events(p.attachments);
    auto const ec = check_payload(p, limits, events);
    return events.bad_placeholder ? error_code(error::bad_placeholder) : ec;
}

/// Takes `2-` of a binary packet off `rest`.
inline error_code take_attachments(std::string_view& rest, packet_limits const& limits,
                                   std::uint32_t& out) {
    std::uint32_t n = 0;
    auto const [end, ec] = std::from_chars(rest.data(), rest.data() + rest.size(), n);
    auto const digits = static_cast<std::size_t>(end - rest.data());
    if (digits == 0 || digits == rest.size() || *end != '-')
        return error::bad_attachments;
    if (ec != std::errc() || n > limits.max_attachments)
        return error::too_many_attachments;
    if (n == 0)
        return error::bad_attachments;
    out = n;
    rest.remove_prefix(digits + 1);
    return {};
}

/// Takes `/admin,` off `rest`.
inline error_code take_nsp(std::string_view& rest, packet_limits const& limits, packet_view& p) {
    if (rest.empty() || rest[0] != '/')
        return {};
    auto const comma = rest.find(',');
    p.nsp = rest.substr(0, comma);
    rest.remove_prefix(comma == rest.npos ? rest.size() : comma + 1);
    if (p.nsp.size() > limits.max_name && p.type != packet_type::connect)
        return error::name_too_long;
    return {};
}

/// Takes `13` off `rest`.
inline error_code take_id(std::string_view& rest, packet_view& p) {
    auto const is_part = [](char c) { return mad::detail::is_json_digit(c) || is_id_space(c); };
    auto const* const end = std::find_if_not(rest.data(), rest.data() + rest.size(), is_part);
    auto const size = static_cast<std::size_t>(end - rest.data());
    if (size == 0)
        return {};
    auto const* const digits = std::find_if_not(rest.data(), end, is_id_space);
    std::uint64_t id = 0;
    auto const [stop, ec] = std::from_chars(digits, end, id);
    // Nothing but space is no number to from_chars, and 0 to JavaScript.
    if (digits != end && (ec != std::errc() || std::find_if_not(stop, end, is_id_space) != end))
        return error::bad_id;
    p.id = id;
    rest.remove_prefix(size);
    return {};
}

} // namespace detail

MAD_DECL result<packet_view> parse_packet(std::string_view text, packet_limits const& limits) {
    if (text.empty() || text[0] < '0' || text[0] > '6')
        return error_code(error::bad_type);
    packet_view p;
    p.type = static_cast<packet_type>(text[0] - '0');
    auto rest = text.substr(1);
    error_code ec;
    if (p.type == packet_type::binary_event || p.type == packet_type::binary_ack)
        ec = detail::take_attachments(rest, limits, p.attachments);
    if (!ec)
        ec = detail::take_nsp(rest, limits, p);
    if (!ec)
        ec = detail::take_id(rest, p);
    p.payload = rest;
    if (!ec)
        ec = detail::check_payload(p, limits);
    if (ec)
        return ec;
    return p;
}

MAD_DECL event_name_view event_name(packet_view const& p) {
    char const* at = p.payload.data();
    char const* const end = at + p.payload.size();
    while (at != end && (mad::detail::is_json_space(*at) || *at == '['))
        ++at;
    event_name_view name;
    if (at == end)
        return name;
    name.is_number = *at != '"';
    if (!name.is_number)
        ++at;
    char const* const begin = at;
    if (name.is_number) {
        while (at != end && *at != ',' && *at != ']' && !mad::detail::is_json_space(*at))
            ++at;
    } else {
        for (; at != end && *at != '"'; ++at)
            if (*at == '\\' && end - at > 1) {
                name.escaped = true;
                ++at;
            }
    }
    name.raw = {begin, static_cast<std::size_t>(at - begin)};
    return name;
}

MAD_DECL std::string event_name_view::text() const {
    std::string scratch;
    return std::string(read(scratch));
}

MAD_DECL std::string_view event_name_view::read(std::string& scratch) const {
    if (!escaped)
        return raw;
    scratch.clear();
    json_unescape(raw, scratch);
    return scratch;
}

MAD_DECL bool is_reserved_event(std::string_view name) {
    return name == "connect" || name == "connect_error" || name == "disconnect" ||
           name == "disconnecting" || name == "newListener" || name == "removeListener";
}

MAD_DECL void append_header(std::string& out, packet_type type, std::uint32_t attachments,
                            std::string_view nsp, std::optional<std::uint64_t> id) {
    out += static_cast<char>('0' + static_cast<int>(type));
    if (type == packet_type::binary_event || type == packet_type::binary_ack) {
        append_json_number(out, attachments);
        out += '-';
    }
    if (nsp != "/") {
        out += nsp;
        out += ',';
    }
    if (id)
        append_json_number(out, *id);
}

} // namespace mad::inline MAD_ABI::socketio

#endif
