#ifndef MAD_SYNC_IMPL_CLASSIC_CODEC_READ_IPP
#define MAD_SYNC_IMPL_CLASSIC_CODEC_READ_IPP

#include <mad/sync/impl/classic_codec.ipp>

// What other nodes of the classic adapters have said.

namespace mad::inline MAD_ABI::sync {

MAD_DECL result<std::optional<message>> classic_codec::decode(std::string_view channel,
                                                              std::string_view body) const {
    if (body.size() > limits_.max_bytes)
        return error_code(error::too_big);
    if (channel.starts_with(broadcast_))
        return read_broadcast(body);
    bool const request = channel.starts_with(request_);
    if (!request && !channel.starts_with(response_))
        return std::optional<message>(); // of who else is subscribed here
    if (!body.starts_with('{'))
        return read_packed(body);
    return request ? read_request(body) : read_answer(body);
}

MAD_DECL result<std::optional<message>> classic_codec::read_broadcast(std::string_view body) const {
    detail::packed_reader in(body, limits_);
    message m;
    std::size_t n = 0;
    if (!in.take_array(n) || n < 2 || n > 3 || !in.name(m.uid))
        return error_code(error::bad_message);
    if (m.uid == names_.uid)
        return std::optional<message>();
    std::uint64_t type = 0;
    std::string_view nsp = "/";
    bool good = in.members([&](std::string_view key) {
        if (key == "type")
            return in.take_unsigned(type);
        if (key == "data")
            return in.json_value(m.json, m.attachments);
        if (key == "nsp")
            return in.nothing() || in.take_text(nsp);
        return in.other();
    });
    good = good && (n == 2 || in.nothing() || in.opts(m)) && in.rest().empty();
    if (good && nsp != names_.nsp)
        return std::optional<message>(); // a room's name has made it look like ours
    // 5 is the form of 5.x for what has bytes.
    if (!good || (type != 2 && type != 5) || !m.json.starts_with('['))
        return error_code(error::bad_message);
    return std::optional(std::move(m));
}

MAD_DECL result<std::optional<message>> classic_codec::read_packed(std::string_view body) const {
    using detail::request_type;
    detail::packed_reader in(body, limits_);
    message m;
    std::optional<std::uint64_t> type;
    std::uint64_t packet_type = 2;
    std::string_view nsp = names_.nsp;
    bool const good = in.members([&](std::string_view key) {
        if (key == "uid")
            return in.name(m.uid);
        if (key == "requestId")
            return in.name(m.request_id);
        if (key == "type")
            return in.take_unsigned(type.emplace());
        if (key == "opts")
            return in.opts(m);
        if (key == "clientCount")
            return in.take_unsigned(m.count);
        if (key == "data")
            return in.json_value(m.json, m.attachments);
        if (key != "packet" || !type)
            return in.other();
        if (*type != static_cast<std::uint64_t>(request_type::broadcast))
            return in.json_value(m.json, m.attachments);
        return in.members([&](std::string_view part) {
            if (part == "type")
                return in.take_unsigned(packet_type);
            if (part == "data")
                return in.json_value(m.json, m.attachments);
            if (part == "nsp")
                return in.take_text(nsp);
            return in.other();
        });
    });
    if (!good || !in.rest().empty() || !type || m.request_id.empty())
        return error_code(error::bad_message);
    if (m.uid == names_.uid)
        return std::optional<message>();
    switch (static_cast<request_type>(*type)) {
    case request_type::broadcast:
        if (nsp != names_.nsp)
            return error_code(error::other_namespace);
        if ((packet_type != 2 && packet_type != 5) || !m.json.starts_with('['))
            return error_code(error::bad_message);
        m.kind = message_kind::broadcast;
        break;
    case request_type::client_count:
        m.kind = message_kind::client_count;
        break;
    case request_type::client_ack:
        m.kind = message_kind::client_ack;
        break;
    case request_type::server_event:
        m.kind = message_kind::server_answer;
        break;
    default:
        return error_code(error::unknown_kind);
    }
    if (m.json.empty())
        m.json = "null";
    return std::optional(std::move(m));
}

MAD_DECL result<std::optional<message>> classic_codec::read_request(std::string_view body) const {
    detail::json_fields f;
    std::uint64_t type = 0;
    message m;
    if (!f.read(body, limits_.packet.json) || !detail::read_unsigned(f.type, type))
        return error_code(error::bad_message);
    m.old_dialect = !f.old_id.text.empty();
    auto const id = m.old_dialect ? f.old_id : f.request_id;
    bool good = (f.uid.text.empty() || detail::read_name(f.uid, m.uid)) &&
                (id.text.empty() || detail::read_name(id, m.request_id));
    if (good && !m.uid.empty() && m.uid == names_.uid)
        return std::optional<message>();
    auto const most = limits_.max_names;
    auto const one_socket = [&] {
        m.one_socket = true;
        return detail::read_name(f.sid, m.to.rooms.emplace_back());
    };
    auto const rooms = [&] {
        if (!f.opts.text.empty() && !m.old_dialect)
            return detail::read_opts(f.opts, m, limits_) &&
                   detail::read_names(f.rooms, m.rooms, most);
        return one_socket() && detail::read_name(f.room, m.rooms.emplace_back());
    };
    auto const disconnected = [&] {
        m.close = f.close.text == "true";
        if (!f.opts.text.empty() && !m.old_dialect)
            return detail::read_opts(f.opts, m, limits_);
        return one_socket();
    };
    auto const event = [&] {
        m.json = f.data.text.empty() ? std::string_view("null") : f.data.text;
        return m.old_dialect || f.data.kind == json_kind::array;
    };
    auto const is = [&](message_kind kind, bool read) {
        m.kind = kind;
        good = good && read;
    };
    if (m.old_dialect) {
        using detail::old_type;
        switch (static_cast<old_type>(std::min<std::uint64_t>(type, 255))) {
        case old_type::clients:
            is(f.fetch.text == "true" ? message_kind::fetch : message_kind::ids,
               detail::read_names(f.rooms, m.to.rooms, most));
            break;
        case old_type::client_rooms:
            is(message_kind::rooms_of, one_socket());
            break;
        case old_type::all_rooms:
            is(message_kind::room_list, true);
            break;
        case old_type::join:
            is(message_kind::join, rooms());
            break;
        case old_type::leave:
            is(message_kind::leave, rooms());
            break;
        case old_type::custom:
            is(message_kind::server_event, event());
            break;
        case old_type::disconnect:
            is(message_kind::disconnect, disconnected());
            break;
        default:
            return error_code(error::unknown_kind);
        }
    } else {
        using detail::request_type;
        switch (static_cast<request_type>(std::min<std::uint64_t>(type, 255))) {
        case request_type::sockets:
            is(message_kind::ids, detail::read_names(f.rooms, m.to.rooms, most));
            break;
        case request_type::all_rooms:
            is(message_kind::room_list, true);
            break;
        case request_type::join:
            is(message_kind::join, rooms());
            break;
        case request_type::leave:
            is(message_kind::leave, rooms());
            break;
        case request_type::disconnect:
            is(message_kind::disconnect, disconnected());
            break;
        case request_type::fetch:
            is(message_kind::fetch, detail::read_opts(f.opts, m, limits_));
            break;
        case request_type::server_event:
            is(message_kind::server_event, event());
            break;
        default:
            return error_code(error::unknown_kind);
        }
    }
    bool const asks = m.kind == message_kind::fetch || m.kind == message_kind::ids ||
                      m.kind == message_kind::room_list || m.kind == message_kind::rooms_of ||
                      m.old_dialect;
    if (!good || (asks && m.request_id.empty()))
        return error_code(error::bad_message);
    return std::optional(std::move(m));
}

MAD_DECL result<std::optional<message>> classic_codec::read_answer(std::string_view body) const {
    using detail::request_type;
    detail::json_fields f;
    message m;
    if (!f.read(body, limits_.packet.json))
        return error_code(error::bad_message);
    m.old_dialect = !f.old_id.text.empty();
    if (!detail::read_name(m.old_dialect ? f.old_id : f.request_id, m.request_id))
        return error_code(error::bad_message);
    std::uint64_t type = 255;
    bool good = f.type.text.empty() || detail::read_unsigned(f.type, type);
    auto const most = limits_.max_names * 100;
    auto const value = [&](message_kind kind, json_span from) {
        m.kind = kind;
        m.json = from.text.empty() ? std::string_view("null") : from.text;
    };
    if (static_cast<request_type>(std::min<std::uint64_t>(type, 255)) ==
        request_type::client_count) {
        m.kind = message_kind::client_count;
        good = good && detail::read_unsigned(f.count, m.count);
    } else if (type == static_cast<std::uint64_t>(request_type::client_ack)) {
        value(message_kind::client_ack, f.packet);
    } else if (type == static_cast<std::uint64_t>(request_type::server_event)) {
        value(message_kind::server_answer, f.data);
    } else if (!f.sockets.text.empty()) {
        std::array<json_span, 1> first;
        auto const n = scan_array(f.sockets.text, json_limits::trusted(), first);
        m.kind = n && *n > 0 && first[0].kind == json_kind::string ? message_kind::id_list
                                                                   : message_kind::sockets;
        good = good && n &&
               (m.kind == message_kind::sockets ? detail::read_infos(f.sockets, m.infos, limits_)
                                                : detail::read_names(f.sockets, m.rooms, most));
    } else if (!f.clients.text.empty()) {
        m.kind = message_kind::id_list;
        good = good && detail::read_names(f.clients, m.rooms, most);
    } else if (!f.rooms.text.empty()) {
        m.kind = message_kind::rooms;
        good = good && detail::read_names(f.rooms, m.rooms, most);
    } else if (!f.data.text.empty()) {
        value(message_kind::server_answer, f.data);
    } else {
        m.kind = message_kind::done;
    }
    if (!good)
        return error_code(error::bad_message);
    return std::optional(std::move(m));
}

} // namespace mad::inline MAD_ABI::sync

#endif
