#ifndef MAD_SOCKETIO_DETAIL_SPLIT_MESSAGE_HPP
#define MAD_SOCKETIO_DETAIL_SPLIT_MESSAGE_HPP

#include <mad/socketio/packet.hpp>

#include <algorithm>
#include <charconv>
#include <optional>
#include <string_view>
#include <system_error>

namespace mad::inline MAD_ABI::socketio::detail {

/// The parts of a message of ours; what stands there is trusted.
inline std::optional<packet_view> split_message(std::string_view message) {
    if (message.size() < 2 || message[0] != '4' || message[1] < '0' || message[1] > '6')
        return std::nullopt;
    packet_view v;
    v.type = static_cast<packet_type>(message[1] - '0');
    auto rest = message.substr(2);
    if (v.type == packet_type::binary_event || v.type == packet_type::binary_ack) {
        rest.remove_prefix(std::min(rest.find('-'), rest.size() - 1) + 1);
        v.type = v.type == packet_type::binary_event ? packet_type::event : packet_type::ack;
    }
    if (rest.starts_with('/')) {
        auto const comma = rest.find(',');
        v.nsp = rest.substr(0, comma);
        rest.remove_prefix(comma == rest.npos ? rest.size() : comma + 1);
    }
    std::uint64_t id = 0;
    auto const r = std::from_chars(rest.data(), rest.data() + rest.size(), id);
    if (r.ec == std::errc() && (v.type == packet_type::event || v.type == packet_type::ack)) {
        v.id = id;
        rest.remove_prefix(static_cast<std::size_t>(r.ptr - rest.data()));
    }
    v.payload = rest;
    return v;
}

} // namespace mad::inline MAD_ABI::socketio::detail

#endif
