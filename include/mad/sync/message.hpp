#ifndef MAD_SYNC_MESSAGE_HPP
#define MAD_SYNC_MESSAGE_HPP

#include <mad/core/clock.hpp>
#include <mad/socketio/adapter.hpp>
#include <mad/socketio/packet.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mad::inline MAD_ABI::sync {

/// What one node says to others, whatever the dialect.
enum class message_kind : std::uint8_t {
    broadcast, ///< with a request id: acknowledgements are wanted
    join,
    leave,
    disconnect,
    fetch,     ///< which sockets, with all that is known of them
    ids,       ///< which sockets, by their ids alone
    room_list, ///< which rooms
    rooms_of,  ///< 5.x: which rooms one socket is in
    server_event,

    // Answers, all with the request id.
    done, ///< one socket has been joined to a room, taken out of it, or disconnected
    sockets,
    id_list,
    rooms,
    server_answer,
    client_count, ///< how many clients have been asked for an acknowledgement
    client_ack,   ///< what one of them has answered
};

constexpr bool is_answer(message_kind k) {
    return k >= message_kind::done;
}

/// A message that came, as values. `json` holds JSON text, checked, with placeholders for
/// `attachments`.
struct message {
    message_kind kind = message_kind::broadcast;
    bool old_dialect = false; ///< as 5.x says it: the answer must be in that dialect too
    bool one_socket = false;  ///< join, leave, disconnect of one socket (`to.rooms`): answered by
                              ///< the node that has it
    std::string uid;          ///< who says it; may be empty
    std::string request_id;   ///< empty: no answer is wanted
    socketio::target to;
    socketio::broadcast_flags flags;
    std::optional<milliseconds> timeout; ///< for acknowledgements
    std::vector<std::string> rooms;      ///< to join or leave; of an answer: ids or rooms
    bool close = false;                  ///< disconnect: the connection too
    std::uint64_t count = 0;             ///< `client_count`
    /// Of a broadcast and a server event the array, name first; of an answer its value.
    std::string json;
    std::vector<std::string> attachments;
    std::vector<socketio::socket_info> infos; ///< `sockets`
};

/// The same on its way out: views of what the caller has.
struct message_view {
    message_kind kind = message_kind::broadcast;
    bool old_dialect = false;
    std::string_view request_id;
    std::string_view reply_to; ///< uid of who has asked
    socketio::target const* to = nullptr;
    socketio::broadcast_flags flags;
    std::optional<milliseconds> timeout;
    std::span<std::string const> rooms;
    bool close = false;
    std::uint64_t count = 0;
    std::string_view json;
    std::span<std::string_view const> attachments;
    std::span<socketio::socket_info const> infos;
};

/// What a message of another node may cost. Ours, all of them: nodes trust each other, and yet
/// whoever may publish must not be able to end a node.
struct message_limits {
    /// Default 16 MiB. A longer one is dropped before it is looked at.
    std::size_t max_bytes = 16 * 1024 * 1024;

    /// Rooms or exceptions of one message. Default 10,000.
    std::size_t max_names = 10'000;

    /// For the event that it carries. Defaults: 1,000 attachments, 4,096 arguments, 128 levels;
    /// its bytes are bounded by those of the message.
    socketio::packet_limits packet{.max_attachments = 1000,
                                   .max_attachment_bytes = 16 * 1024 * 1024,
                                   .json = {.max_depth = 128,
                                            .max_members = 65'536,
                                            .max_elements = 4096,
                                            .lone_surrogates = true}};
};

/// Where a message goes and what is said there.
struct outgoing {
    std::string channel;
    std::string body;
};

/// One way in which nodes talk: the names of channels and the form of messages. Pure: knows neither
/// sockets nor time.
class codec {
  public:
    virtual ~codec() = default;

    /// The channel whose subscribers are the nodes.
    virtual std::string_view count_channel() const = 0;

    /// Whether `room_list` can be said.
    virtual bool lists_rooms() const = 0;

    /// Whether ids of requests are 16 hex digits, instead of 6 characters.
    virtual bool long_ids() const = 0;

    /// Whether a server event may carry bytes; else they are written as JSON of Node's Buffer.
    virtual bool bytes_in_events() const = 0;

    virtual outgoing encode(message_view const&) const = 0;

    /// Nothing for a message of this node itself, or one that means others.
    virtual result<std::optional<message>> decode(std::string_view channel,
                                                  std::string_view body) const = 0;
};

} // namespace mad::inline MAD_ABI::sync

#endif
