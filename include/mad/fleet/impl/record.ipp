#ifndef MAD_FLEET_IMPL_RECORD_IPP
#define MAD_FLEET_IMPL_RECORD_IPP

#include <mad/core/detail/named_category.hpp>
#include <mad/core/json_text.hpp>
#include <mad/fleet/record.hpp>

#include <algorithm>
#include <charconv>

namespace mad::inline MAD_ABI::fleet {

namespace detail {

inline std::string_view describe_record_error(int v) {
    switch (static_cast<record_error>(v)) {
    case record_error::none:
        return "no error";
    case record_error::not_an_object:
        return "the message is no JSON object, or nested too deeply";
    case record_error::too_large:
        return "the message is over 16 KB";
    case record_error::bad_id:
        return "id must be a string of 1 to 128 bytes without control characters";
    case record_error::bad_health:
        return "health must be an object";
    case record_error::too_many:
        return "a list in the message is too long";
    }
    return "unknown error";
}

inline std::optional<std::uint64_t> whole_number(json_span v) {
    std::uint64_t n = 0;
    auto const* const end = v.text.data() + v.text.size();
    auto const r = std::from_chars(v.text.data(), end, n);
    if (v.kind != json_kind::number || r.ec != std::errc() || r.ptr != end)
        return std::nullopt;
    return n;
}

/// Without control characters: those below the space, DEL, and U+0080 to U+009F.
inline bool is_plain(std::string_view s) {
    unsigned char before = 0;
    for (char const x : s) {
        auto const c = static_cast<unsigned char>(x);
        if (c < 0x20 || c == 0x7f || (before == 0xc2 && c < 0xa0))
            return false;
        before = c;
    }
    return true;
}

/// False when an array anywhere in the value is longer than `most`.
inline bool arrays_fit(json_span v, std::size_t most) {
    bool ok = true;
    if (v.kind == json_kind::array) {
        auto const n = for_each_element(v.text, json_limits::trusted(),
                                        [&](json_span e) { ok = ok && arrays_fit(e, most); });
        ok = ok && n && *n <= most;
    } else if (v.kind == json_kind::object) {
        (void)scan_object(v.text, json_limits::trusted(),
                          [&](std::string_view, json_span e) { ok = ok && arrays_fit(e, most); });
    }
    return ok;
}

inline bool tags_fit(json_span info, record_limits const& l) {
    bool ok = true;
    (void)scan_object(info.text, json_limits::trusted(), [&](std::string_view key, json_span v) {
        if (!json_string_equals(key, "tags") || v.kind != json_kind::array)
            return;
        auto const n = for_each_element(v.text, json_limits::trusted(), [&](json_span t) {
            ok = ok && t.kind == json_kind::string && t.text.size() <= l.max_tag_bytes + 2;
        });
        ok = ok && n && *n <= l.max_tags;
    });
    return ok;
}

} // namespace detail

MAD_DECL error_category const& record_category() {
    static mad::detail::named_category const it("mad.fleet.record", &detail::describe_record_error);
    return it;
}

MAD_DECL result<record_view> judge_record(std::string_view message, bool needs_health,
                                          record_limits const& l) {
    if (message.size() > l.max_bytes)
        return error_code(record_error::too_large);
    record_view out;
    auto why = record_error::none;
    json_span id, health, info;
    auto const take = [&](std::string_view key, json_span v) {
        auto const is = [&](std::string_view name) { return json_string_equals(key, name); };
        if (is("id")) {
            id = v;
        } else if (is("health")) {
            health = v;
        } else if (is("info")) {
            info = v;
        } else if (!is("socketID") && !is("state")) {
            if (is("run") && v.kind == json_kind::string) {
                out.run.clear();
                json_unescape(v.text, out.run);
            } else if (is("seq")) {
                out.seq = detail::whole_number(v);
            } else if (is("interval_ms")) {
                out.interval_ms = detail::whole_number(v);
            } else if (is("v")) {
                out.is_v2 = v.text == "2";
            }
            if (!detail::arrays_fit(v, l.max_array))
                why = record_error::too_many;
            out.rest.append(",\"").append(key).append("\":").append(v.text);
        }
    };
    json_limits limits;
    limits.max_depth = l.max_depth;
    limits.lone_surrogates = true;
    if (!scan_object(message, limits, take))
        return error_code(record_error::not_an_object);
    // A lone surrogate is no text: different ids would be read as the same one.
    if (id.kind != json_kind::string || !scan_json(id.text))
        return error_code(record_error::bad_id);
    json_unescape(id.text, out.id);
    if (out.id.empty() || out.id.size() > l.max_id_bytes || !detail::is_plain(out.id))
        return error_code(record_error::bad_id);
    if (needs_health && health.kind != json_kind::object)
        return error_code(record_error::bad_health);
    if (!detail::arrays_fit(health, l.max_array) || !detail::arrays_fit(info, l.max_array) ||
        (info.kind == json_kind::object && !detail::tags_fit(info, l)))
        why = record_error::too_many;
    if (why != record_error::none)
        return error_code(why);
    out.health = health.text;
    out.info = info.kind == json_kind::object ? info.text : std::string_view{};
    return out;
}

MAD_DECL std::string splice_record(record_view const& r, std::string_view info,
                                   std::string_view socket_id) {
    std::string out;
    auto const known = r.info.empty() ? info : r.info;
    out.reserve(r.id.size() + r.health.size() + r.rest.size() + known.size() + 96);
    out.append("{\"id\":");
    append_json_string(out, r.id);
    out.append(",\"health\":").append(r.health.empty() ? "{}" : r.health);
    out.append(r.rest);
    if (!known.empty())
        out.append(",\"info\":").append(known);
    out.append(",\"socketID\":");
    append_json_string(out, socket_id);
    return out += '}';
}

} // namespace mad::inline MAD_ABI::fleet

#endif
