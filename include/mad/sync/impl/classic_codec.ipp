#ifndef MAD_SYNC_IMPL_CLASSIC_CODEC_IPP
#define MAD_SYNC_IMPL_CLASSIC_CODEC_IPP

#include <mad/sync/classic_codec.hpp>
#include <mad/sync/detail/fields.hpp>

#include <algorithm>
#include <array>
#include <utility>

namespace mad::inline MAD_ABI::sync {

namespace detail {

/// Numbers of requests, 6.x and later.
enum class request_type : std::uint8_t {
    sockets,
    all_rooms,
    join,
    leave,
    disconnect,
    fetch,
    server_event,
    broadcast,
    client_count,
    client_ack
};

/// The same in 5.x, where they mean other things.
enum class old_type : std::uint8_t {
    clients,
    client_rooms,
    all_rooms,
    join,
    leave,
    custom,
    disconnect
};

inline void append_type(std::string& out, std::uint8_t type) {
    out += "\"type\":";
    append_json_number(out, type);
}

inline std::string escaped_glob(std::string_view s) {
    std::string out;
    for (auto const c : s) {
        if (c == '*' || c == '?' || c == '[' || c == ']' || c == '\\' || c == '^')
            out += '\\';
        out += c;
    }
    return out;
}

/// All members that requests and answers have, as they stand there.
struct json_fields {
    json_span uid, request_id, old_id, type, opts, rooms, room, sid, close, data, sockets, clients,
        count, packet, fetch;

    bool read(std::string_view body, json_limits const& limits) {
        auto const n = scan_object(body, limits, [this](std::string_view key, json_span value) {
            for (auto const& [name, to] : {std::pair{"uid", &json_fields::uid},
                                           {"requestId", &json_fields::request_id},
                                           {"requestid", &json_fields::old_id},
                                           {"type", &json_fields::type},
                                           {"opts", &json_fields::opts},
                                           {"rooms", &json_fields::rooms},
                                           {"room", &json_fields::room},
                                           {"sid", &json_fields::sid},
                                           {"close", &json_fields::close},
                                           {"data", &json_fields::data},
                                           {"sockets", &json_fields::sockets},
                                           {"clients", &json_fields::clients},
                                           {"clientCount", &json_fields::count},
                                           {"packet", &json_fields::packet},
                                           {"fetch", &json_fields::fetch}})
                if (key == name)
                    this->*to = value;
        });
        return n.has_value();
    }
};

} // namespace detail

MAD_DECL classic_codec::classic_codec(classic_names n, message_limits l)
    : names_(std::move(n))
    , limits_(l)
    , broadcast_(names_.prefix + '#' + names_.nsp + '#')
    , request_(names_.prefix + "-request#" + names_.nsp + '#')
    , response_(names_.prefix + "-response#" + names_.nsp + '#') {}

MAD_DECL std::string classic_codec::broadcast_pattern() const {
    return detail::escaped_glob(broadcast_) + '*';
}

// Out.

MAD_DECL outgoing classic_codec::encode(message_view const& m) const {
    if (m.kind == message_kind::broadcast && m.request_id.empty())
        return broadcast(m);
    if (!is_answer(m.kind))
        return {request_, m.old_dialect ? old_request(m) : request(m)};
    if (m.old_dialect)
        return {response_, old_answer(m)};
    auto channel = response_;
    // redis-adapter-8-specific-response-channel: all answers but those to a server's event.
    if (names_.specific_response_channel && !m.reply_to.empty() &&
        m.kind != message_kind::server_answer)
        channel.append(m.reply_to).append(1, '#');
    return {std::move(channel), answer(m)};
}

MAD_DECL void classic_codec::append_packet(std::string& out, message_view const& m) const {
    append_msgpack_map(out, 3);
    append_msgpack_text(out, "type");
    append_msgpack_unsigned(out, names_.compat && !is_emitter() && !m.attachments.empty() ? 5 : 2);
    append_msgpack_text(out, "data");
    if (!append_msgpack_json(out, m.json, m.attachments))
        append_msgpack_array(out, 0); // raw JSON of the caller's that is none
    append_msgpack_text(out, "nsp");
    append_msgpack_text(out, names_.nsp);
}

MAD_DECL void classic_codec::append_opts(std::string& out, message_view const& m) const {
    auto const rooms = [&] {
        append_msgpack_text(out, "rooms");
        detail::append_packed_names(out, m.to->rooms);
    };
    auto const except = [&] {
        append_msgpack_text(out, "except");
        detail::append_packed_names(out, m.to->except);
    };
    auto const flags = [&](bool to_all_but = false) {
        append_msgpack_text(out, "flags");
        detail::append_packed_flags(out, m, to_all_but);
    };
    if (!names_.compat) {
        append_msgpack_map(out, 3);
        rooms();
        is_emitter() ? (flags(), except()) : (except(), flags());
        return;
    }
    // 5.x has the key when the sender is left out, and a flag when it is to all others. (It knows
    // ids there, and no rooms.)
    bool const some = !m.to->except.empty();
    append_msgpack_map(out, some ? 3 : 2);
    if (some)
        except();
    rooms();
    flags(some && m.to->rooms.empty() && !is_emitter());
}

MAD_DECL outgoing classic_codec::broadcast(message_view const& m) const {
    outgoing out;
    out.channel.reserve(broadcast_.size() + 24);
    out.channel = broadcast_;
    if (m.to->rooms.size() == 1)
        out.channel.append(m.to->rooms.front()).append(1, '#');
    out.body.reserve(m.json.size() + names_.nsp.size() + 64);
    append_msgpack_array(out.body, 3);
    append_msgpack_text(out.body, names_.uid);
    append_packet(out.body, m);
    append_opts(out.body, m);
    return out;
}

MAD_DECL std::string classic_codec::request(message_view const& m) const {
    using detail::request_type;
    std::string out;
    if (m.kind == message_kind::broadcast) {
        append_msgpack_map(out, 5);
        append_msgpack_text(out, "uid");
        append_msgpack_text(out, names_.uid);
        append_msgpack_text(out, "requestId");
        append_msgpack_text(out, m.request_id);
        append_msgpack_text(out, "type");
        append_msgpack_unsigned(out, static_cast<std::uint64_t>(request_type::broadcast));
        append_msgpack_text(out, "packet");
        append_packet(out, m);
        append_msgpack_text(out, "opts");
        append_opts(out, m);
        return out;
    }
    out = "{";
    if (!is_emitter() || m.kind == message_kind::server_event) {
        detail::append_member(out, "uid", names_.uid);
        out += ',';
    }
    if (!m.request_id.empty()) {
        detail::append_member(out, "requestId", m.request_id);
        out += ',';
    }
    auto const type = [&](request_type t) {
        detail::append_type(out, static_cast<std::uint8_t>(t));
    };
    auto const opts = [&] {
        out += ",\"opts\":{\"rooms\":";
        detail::append_names(out, m.to->rooms);
        out += ",\"except\":";
        detail::append_names(out, m.to->except);
        out += '}';
    };
    switch (m.kind) {
    case message_kind::ids:
        type(request_type::sockets);
        out += ",\"rooms\":";
        detail::append_names(out, m.to->rooms);
        break;
    case message_kind::room_list:
        type(request_type::all_rooms);
        break;
    case message_kind::join:
    case message_kind::leave:
        type(m.kind == message_kind::join ? request_type::join : request_type::leave);
        opts();
        out += ",\"rooms\":";
        detail::append_names(out, m.rooms);
        break;
    case message_kind::disconnect:
        type(request_type::disconnect);
        opts();
        out += m.close ? ",\"close\":true" : ",\"close\":false";
        break;
    case message_kind::fetch:
        type(request_type::fetch);
        opts();
        break;
    default:
        type(request_type::server_event);
        out += ",\"data\":";
        out += m.json;
    }
    return out += '}';
}

MAD_DECL std::string classic_codec::old_request(message_view const& m) const {
    using detail::old_type;
    std::string out = "{";
    detail::append_member(out, "requestid", m.request_id);
    out += ',';
    auto const type = [&](old_type t) { detail::append_type(out, static_cast<std::uint8_t>(t)); };
    auto const socket = [&] {
        out += ',';
        detail::append_member(out, "sid", m.to->rooms.front());
    };
    switch (m.kind) {
    case message_kind::fetch:
    case message_kind::ids:
        type(old_type::clients);
        out += ",\"rooms\":";
        detail::append_names(out, m.to->rooms);
        if (m.kind == message_kind::fetch)
            out += ",\"fetch\":true"; // ours: nodes of this library then say all they know
        break;
    case message_kind::room_list:
        type(old_type::all_rooms);
        break;
    case message_kind::rooms_of:
        type(old_type::client_rooms);
        socket();
        break;
    case message_kind::join:
    case message_kind::leave:
        type(m.kind == message_kind::join ? old_type::join : old_type::leave);
        socket();
        out += ',';
        detail::append_member(out, "room", m.rooms.front());
        break;
    case message_kind::disconnect:
        type(old_type::disconnect);
        socket();
        out += m.close ? ",\"close\":true" : ",\"close\":false";
        break;
    default:
        type(old_type::custom);
        out += ",\"data\":";
        out += m.json;
    }
    return out += '}';
}

MAD_DECL std::string classic_codec::answer(message_view const& m) const {
    using detail::request_type;
    std::string out;
    if (m.kind == message_kind::client_ack) {
        append_msgpack_map(out, 3);
        append_msgpack_text(out, "type");
        append_msgpack_unsigned(out, static_cast<std::uint64_t>(request_type::client_ack));
        append_msgpack_text(out, "requestId");
        append_msgpack_text(out, m.request_id);
        append_msgpack_text(out, "packet");
        if (!append_msgpack_json(out, m.json, m.attachments))
            out += '\xc0';
        return out;
    }
    out = "{";
    auto const id = [&] { detail::append_member(out, "requestId", m.request_id); };
    auto const type = [&](request_type t) {
        detail::append_type(out, static_cast<std::uint8_t>(t));
        out += ',';
        id();
    };
    switch (m.kind) {
    case message_kind::sockets:
        id();
        out += ",\"sockets\":";
        detail::append_infos(out, m.infos);
        break;
    case message_kind::id_list:
        id();
        out += ",\"sockets\":";
        detail::append_names(out, m.rooms);
        break;
    case message_kind::rooms:
        id();
        out += ",\"rooms\":";
        detail::append_names(out, m.rooms);
        break;
    case message_kind::client_count:
        type(request_type::client_count);
        out += ",\"clientCount\":";
        append_json_number(out, m.count);
        break;
    case message_kind::server_answer:
        type(request_type::server_event);
        out += ",\"data\":";
        out += m.json;
        break;
    default:
        id();
    }
    return out += '}';
}

MAD_DECL std::string classic_codec::old_answer(message_view const& m) const {
    std::string out = "{";
    detail::append_member(out, "requestid", m.request_id);
    switch (m.kind) {
    case message_kind::sockets: {
        std::vector<std::string> ids;
        for (auto const& i : m.infos)
            ids.push_back(i.id);
        out += ",\"clients\":";
        detail::append_names(out, ids);
        out += ",\"sockets\":";
        detail::append_infos(out, m.infos);
        break;
    }
    case message_kind::id_list:
        out += ",\"clients\":";
        detail::append_names(out, m.rooms);
        break;
    case message_kind::rooms:
        out += ",\"rooms\":";
        detail::append_names(out, m.rooms);
        break;
    case message_kind::server_answer:
        out += ",\"data\":";
        out += m.json;
        break;
    default:
        break;
    }
    return out += '}';
}

} // namespace mad::inline MAD_ABI::sync

#endif
