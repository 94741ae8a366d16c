#ifndef MAD_FLEET_IMPL_NODE_MESSAGE_IPP
#define MAD_FLEET_IMPL_NODE_MESSAGE_IPP

#include <mad/core/json_text.hpp>
#include <mad/fleet/node_message.hpp>

#include <array>
#include <charconv>

namespace mad::inline MAD_ABI::fleet {

namespace detail {

template <class Int>
bool read_number(json_span v, Int& out) {
    auto const* const end = v.text.data() + v.text.size();
    auto const r = std::from_chars(v.text.data(), end, out);
    return v.kind == json_kind::number && r.ec == std::errc() && r.ptr == end;
}

inline bool read_text(json_span v, std::string& out) {
    out.clear();
    if (v.kind != json_kind::string)
        return false;
    json_unescape(v.text, out);
    return true;
}

/// The elements of an array that must have `N`.
template <std::size_t N>
std::optional<std::array<json_span, N>> read_tuple(json_span v) {
    std::array<json_span, N> out;
    if (v.kind != json_kind::array)
        return std::nullopt;
    auto const n = scan_array(v.text, json_limits::trusted(), out);
    if (!n || *n != N)
        return std::nullopt;
    return out;
}

inline bool read_envelope(json_span v, envelope& out) {
    auto const parts = read_tuple<3>(v);
    if (!parts || (*parts)[2].kind != json_kind::object)
        return false;
    out.record = (*parts)[2].text;
    return read_number((*parts)[0], out.born) && read_number((*parts)[1], out.version);
}

} // namespace detail

MAD_DECL result<record_facts> read_record(std::string_view record) {
    record_limits const l;
    record_facts out;
    json_span id, health;
    auto const take = [&](std::string_view key, json_span v) {
        auto const is = [&](std::string_view name) { return json_string_equals(key, name); };
        if (is("id"))
            id = v;
        else if (is("health"))
            health = v;
        else if (is("info") && v.kind == json_kind::object)
            out.info = v.text;
        else if (is("socketID"))
            (void)detail::read_text(v, out.socket_id);
        else if (is("run"))
            (void)detail::read_text(v, out.run);
        else if (std::uint64_t n = 0; is("seq") && detail::read_number(v, n))
            out.seq = n;
    };
    if (record.size() > 3 * l.max_bytes)
        return error_code(record_error::too_large);
    json_limits limits;
    limits.lone_surrogates = true;
    if (!scan_object(record, limits, take))
        return error_code(record_error::not_an_object);
    if (!detail::read_text(id, out.id) || out.id.empty() || out.id.size() > l.max_id_bytes)
        return error_code(record_error::bad_id);
    if (health.kind != json_kind::object)
        return error_code(record_error::bad_health);
    return out;
}

MAD_DECL std::string write_envelope(envelope const& e) {
    std::string out(1, '[');
    out.reserve(e.record.size() + 40);
    append_json_number(out, e.born);
    out += ',';
    append_json_number(out, e.version);
    out += ',';
    out.append(e.record);
    return out += ']';
}

MAD_DECL result<envelope> read_envelope(std::string_view text) {
    envelope out;
    if (!detail::read_envelope({text, json_kind::array}, out))
        return error_code(record_error::not_an_object);
    return out;
}

MAD_DECL result<node_message> read_message(std::string_view text) {
    node_message out;
    bool whole = true;
    auto const list = [&](json_span v, auto&& each) {
        if (v.kind != json_kind::array ||
            !for_each_element(v.text, json_limits::trusted(),
                              [&](json_span e) { whole = each(e) && whole; }))
            whole = false;
    };
    unsigned heads = 0;
    auto const head = [&](unsigned which, bool good) {
        heads |= which;
        whole = whole && good;
    };
    auto const take = [&](std::string_view key, json_span v) {
        if (key == "n")
            head(1, detail::read_text(v, out.node));
        else if (key == "e")
            head(2, detail::read_text(v, out.epoch));
        else if (key == "s")
            head(4, detail::read_number(v, out.seq));
        else if (key == "g")
            list(v, [&](json_span e) {
                auto const parts = detail::read_tuple<2>(e);
                auto& g = out.gone.emplace_back();
                return parts && detail::read_text((*parts)[0], g.first) &&
                       detail::read_number((*parts)[1], g.second);
            });
        else if (key == "u")
            list(v,
                 [&](json_span e) { return detail::read_envelope(e, out.updates.emplace_back()); });
        else if (key == "d")
            list(v, [&](json_span e) {
                auto const parts = detail::read_tuple<2>(e);
                auto& d = out.dead.emplace_back();
                return parts && detail::read_text((*parts)[0], d.first) &&
                       detail::read_text((*parts)[1], d.second);
            });
    };
    json_limits limits = json_limits::trusted();
    limits.max_depth = 64;
    if (!scan_object(text, limits, take) || !whole || heads != 7)
        return error_code(record_error::not_an_object);
    return out;
}

MAD_DECL message_writer::message_writer(std::string_view node, std::string_view epoch,
                                        std::uint64_t seq) {
    text_ = "{\"n\":";
    append_json_string(text_, node);
    text_ += ",\"e\":";
    append_json_string(text_, epoch);
    text_ += ",\"s\":";
    append_json_number(text_, seq);
}

MAD_DECL void message_writer::enter(char list) {
    if (list_ == list) {
        text_ += ',';
        return;
    }
    if (list_)
        text_ += ']';
    list_ = list;
    text_.append(",\"").append(1, list).append("\":[");
}

MAD_DECL void message_writer::gone(std::string_view id, std::uint64_t version) {
    enter('g');
    text_ += '[';
    append_json_string(text_, id);
    text_ += ',';
    append_json_number(text_, version);
    text_ += ']';
}

MAD_DECL void message_writer::update(std::string_view envelope) {
    enter('u');
    text_.append(envelope);
}

MAD_DECL void message_writer::dead(std::string_view node, std::string_view epoch) {
    enter('d');
    text_ += '[';
    append_json_string(text_, node);
    text_ += ',';
    append_json_string(text_, epoch);
    text_ += ']';
}

MAD_DECL std::string message_writer::finish() && {
    if (list_)
        text_ += ']';
    text_ += '}';
    return std::move(text_);
}

} // namespace mad::inline MAD_ABI::fleet

#endif
