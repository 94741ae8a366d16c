#ifndef MAD_SYNC_IMPL_CLUSTER_CODEC_IPP
#define MAD_SYNC_IMPL_CLUSTER_CODEC_IPP

#include <mad/core/base64.hpp>
#include <mad/core/utf8.hpp>
#include <mad/sync/cluster_codec.hpp>
#include <mad/sync/detail/fields.hpp>

#include <charconv>
#include <utility>

namespace mad::inline MAD_ABI::sync {

namespace detail {

enum class cluster_type : std::uint8_t {
    first_heartbeat = 1,
    heartbeat,
    broadcast,
    join,
    leave,
    disconnect,
    fetch,
    sockets,
    server_event,
    server_answer,
    client_count,
    client_ack,
    node_closed
};

} // namespace detail

MAD_DECL cluster_codec::cluster_codec(cluster_names n, message_limits l)
    : names_(std::move(n))
    , limits_(l)
    , channel_(names_.prefix + '#' + names_.nsp + '#')
    , own_response_(channel_ + names_.uid + '#') {}

MAD_DECL std::string cluster_codec::room_channel(std::string_view room) const {
    return std::string(channel_).append(room).append(1, '#');
}

MAD_DECL bool cluster_codec::is_dynamic(std::string_view room) const {
    // JavaScript counts UTF-16 units.
    return names_.mode == subscription_mode::dynamic_private ||
           (names_.mode == subscription_mode::dynamic && utf16_length(room) != 20);
}

MAD_DECL std::uint8_t cluster_codec::type_of(message_kind k) {
    using detail::cluster_type;
    auto const t = [&] {
        switch (k) {
        case message_kind::broadcast:
            return cluster_type::broadcast;
        case message_kind::join:
            return cluster_type::join;
        case message_kind::leave:
            return cluster_type::leave;
        case message_kind::disconnect:
            return cluster_type::disconnect;
        case message_kind::sockets:
            return cluster_type::sockets;
        case message_kind::server_event:
            return cluster_type::server_event;
        case message_kind::server_answer:
            return cluster_type::server_answer;
        case message_kind::client_count:
            return cluster_type::client_count;
        case message_kind::client_ack:
            return cluster_type::client_ack;
        default:
            return cluster_type::fetch;
        }
    }();
    return static_cast<std::uint8_t>(t);
}

MAD_DECL void cluster_codec::append_data(std::string& out, message_view const& m) const {
    out += '{';
    auto const id = [&](bool last = false) {
        if (m.request_id.empty())
            return;
        detail::append_member(out, "requestId", m.request_id);
        if (!last)
            out += ',';
    };
    auto const opts = [&] {
        out += "\"opts\":{\"rooms\":";
        detail::append_names(out, m.to->rooms);
        out += ",\"except\":";
        detail::append_names(out, m.to->except);
        out += ",\"flags\":";
        detail::append_flags(out, m);
        out += '}';
    };
    switch (m.kind) {
    case message_kind::broadcast:
        out += "\"packet\":{\"type\":2,\"data\":";
        out += m.json;
        out += "},";
        id();
        opts();
        break;
    case message_kind::join:
    case message_kind::leave:
        opts();
        out += ",\"rooms\":";
        detail::append_names(out, m.rooms);
        break;
    case message_kind::disconnect:
        opts();
        out += m.close ? ",\"close\":true" : ",\"close\":false";
        break;
    case message_kind::sockets:
        id();
        out += "\"sockets\":";
        detail::append_infos(out, m.infos);
        break;
    case message_kind::client_count:
        id();
        out += "\"clientCount\":";
        append_json_number(out, m.count);
        break;
    case message_kind::server_event:
    case message_kind::server_answer:
    case message_kind::client_ack:
        id();
        out += "\"packet\":";
        out += m.json;
        break;
    default:
        opts();
        out += ',';
        id(true);
    }
    out += '}';
}

MAD_DECL outgoing cluster_codec::encode(message_view const& m) const {
    outgoing out;
    if (is_answer(m.kind))
        out.channel = room_channel(m.reply_to);
    else if (m.kind == message_kind::broadcast && m.request_id.empty() && m.to->rooms.size() == 1 &&
             is_dynamic(m.to->rooms.front()))
        out.channel = room_channel(m.to->rooms.front());
    else
        out.channel = channel_;
    auto& body = out.body;
    body.reserve(m.json.size() + 160);
    body += "{\"type\":";
    append_json_number(body, type_of(m.kind));
    body += ",\"data\":";
    append_data(body, m);
    body += ',';
    detail::append_member(body, "uid", names_.uid);
    body += ',';
    detail::append_member(body, "nsp", names_.nsp);
    body += '}';
    if (!names_.packed && m.attachments.empty())
        return out;
    std::string packed;
    if (append_msgpack_json(packed, body, m.attachments))
        body = std::move(packed);
    return out;
}

MAD_DECL std::string cluster_codec::encode_data(message_view const& m) const {
    std::string out, packed;
    append_data(out, m);
    if (m.attachments.empty() || !append_msgpack_json(packed, out, m.attachments))
        return out;
    out.clear();
    append_base64(out, packed);
    return out;
}

MAD_DECL result<std::optional<message>> cluster_codec::decode(std::string_view channel,
                                                              std::string_view body) const {
    if (body.size() > limits_.max_bytes)
        return error_code(error::too_big);
    if (!channel.starts_with(channel_))
        return std::optional<message>();
    message m;
    std::string unpacked;
    if (!body.starts_with('{')) {
        detail::packed_reader in(body, limits_);
        if (!in.json_value(unpacked, m.attachments) || !in.rest().empty())
            return error_code(error::bad_message);
        body = unpacked;
    }
    json_span type, data, uid, nsp;
    auto const n =
        scan_object(body, limits_.packet.json, [&](std::string_view key, json_span value) {
            for (auto const& [name, to] :
                 {std::pair{"type", &type}, {"data", &data}, {"uid", &uid}, {"nsp", &nsp}})
                if (key == name)
                    *to = value;
        });
    std::uint64_t number = 0;
    if (!n || !detail::read_unsigned(type, number) || !detail::read_name(uid, m.uid))
        return error_code(error::bad_message);
    if (m.uid == names_.uid)
        return std::optional<message>();
    std::string name;
    if (!nsp.text.empty() && (!detail::read_text(nsp, name) || name != names_.nsp))
        return std::optional<message>();
    return read(data, number, std::move(m));
}

MAD_DECL result<std::optional<message>> cluster_codec::decode_entry(std::string_view uid,
                                                                    std::string_view type,
                                                                    std::string_view data) const {
    if (data.size() > limits_.max_bytes)
        return error_code(error::too_big);
    message m;
    m.uid = uid;
    std::uint64_t number = 0;
    auto const r = std::from_chars(type.data(), type.data() + type.size(), number);
    if (r.ec != std::errc() || r.ptr != type.data() + type.size())
        return error_code(error::bad_message);
    std::string unpacked;
    if (!data.empty() && !data.starts_with('{')) {
        std::string packed;
        if (!base64_decode(data, packed))
            return error_code(error::bad_message);
        detail::packed_reader in(packed, limits_);
        if (!in.json_value(unpacked, m.attachments) || !in.rest().empty())
            return error_code(error::bad_message);
        data = unpacked;
    }
    if (data.empty())
        return read({}, number, std::move(m));
    auto const whole = scan_json(data, limits_.packet.json);
    if (!whole)
        return error_code(error::bad_message);
    return read(*whole, number, std::move(m));
}

MAD_DECL result<std::optional<message>> cluster_codec::read(json_span data, std::uint64_t type,
                                                            message m) const {
    using detail::cluster_type;
    auto const t = static_cast<cluster_type>(std::min<std::uint64_t>(type, 255));
    if (t == cluster_type::first_heartbeat || t == cluster_type::heartbeat ||
        t == cluster_type::node_closed)
        return std::optional<message>(); // earlier releases of the streams adapter
    if (data.kind != json_kind::object || data.text.empty())
        return error_code(error::bad_message);
    json_span packet, opts, rooms, close, id, sockets, count;
    (void)scan_object(data.text, json_limits::trusted(),
                      [&](std::string_view key, json_span value) {
                          for (auto const& [name, to] : {std::pair{"packet", &packet},
                                                         {"opts", &opts},
                                                         {"rooms", &rooms},
                                                         {"close", &close},
                                                         {"requestId", &id},
                                                         {"sockets", &sockets},
                                                         {"clientCount", &count}})
                              if (key == name)
                                  *to = value;
                      });
    auto const most = limits_.max_names;
    bool good = id.text.empty() || detail::read_name(id, m.request_id);
    bool const asked = !m.request_id.empty();
    auto const is = [&](message_kind kind, bool read) {
        m.kind = kind;
        good = good && read;
    };
    auto const read_opts = [&] { return detail::read_opts(opts, m, limits_); };
    auto const json = [&](json_span from) {
        m.json = from.text.empty() ? std::string_view("null") : from.text;
        return true;
    };
    switch (t) {
    case cluster_type::broadcast: {
        json_span content, of_type;
        if (packet.kind == json_kind::object)
            (void)scan_object(packet.text, json_limits::trusted(),
                              [&](std::string_view key, json_span value) {
                                  if (key == "data")
                                      content = value;
                                  else if (key == "type")
                                      of_type = value;
                              });
        is(message_kind::broadcast, content.kind == json_kind::array &&
                                        (of_type.text == "2" || of_type.text == "5") &&
                                        json(content) && read_opts());
        break;
    }
    case cluster_type::join:
    case cluster_type::leave:
        is(t == cluster_type::join ? message_kind::join : message_kind::leave,
           read_opts() && detail::read_names(rooms, m.rooms, most));
        break;
    case cluster_type::disconnect:
        m.close = close.text == "true";
        is(message_kind::disconnect, read_opts());
        break;
    case cluster_type::fetch:
        is(message_kind::fetch, asked && read_opts());
        break;
    case cluster_type::sockets:
        is(message_kind::sockets, asked && detail::read_infos(sockets, m.infos, limits_));
        break;
    case cluster_type::server_event:
        is(message_kind::server_event, packet.kind == json_kind::array && json(packet));
        break;
    case cluster_type::server_answer:
        is(message_kind::server_answer, asked && json(packet));
        break;
    case cluster_type::client_count:
        is(message_kind::client_count, asked && detail::read_unsigned(count, m.count));
        break;
    case cluster_type::client_ack:
        is(message_kind::client_ack, asked && json(packet));
        break;
    default:
        return error_code(error::unknown_kind);
    }
    if (!good)
        return error_code(error::bad_message);
    // Answers belong to the requester; what they are worth it knows by the id.
    return std::optional(std::move(m));
}

} // namespace mad::inline MAD_ABI::sync

#endif
