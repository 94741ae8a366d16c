#ifndef MAD_ENGINE_TRANSPORT_HPP
#define MAD_ENGINE_TRANSPORT_HPP

#include <mad/engine/close_reason.hpp>
#include <mad/engine/handshake.hpp>
#include <mad/engine/packet.hpp>
#include <mad/net/wire_block.hpp>

namespace mad::inline MAD_ABI::engine {

/// What a wire tells whoever uses it. Every call may end with the transport closed; it is destroyed
/// no earlier than the end of the turn.
class transport_events {
  public:
    /// One packet, valid during the call.
    virtual void on_packet(packet_view const&) = 0;

    /// The wire is over. Called once, unless `close` was called before.
    virtual void on_transport_end(close_reason) = 0;

  protected:
    virtual ~transport_events() = default;
};

/// How a transport is to be closed from our side.
enum class close_manner : std::uint8_t {
    orderly, ///< what is queued goes out first, then the protocol's goodbye
    at_once, ///< the goodbye if it fits, then the wire is cut in the same turn
    silent,  ///< no goodbye
};

/// What a session asks of a wire: polling and websocket today; another one (WebTransport, another
/// websocket implementation) fits without touching sessions.
class transport {
  public:
    virtual ~transport() = default;

    virtual transport_kind kind() const = 0;

    /// Queues one encoded packet (`4hello`, or the bytes of a binary message). False: the queue is
    /// full and the peer counts as a slow consumer.
    virtual bool send(net::wire_block packet) = 0;

    /// True when a packet sent now would leave in this turn: what `volatile` asks.
    virtual bool writable() const = 0;

    /// Bytes that wait, and a number that changes whenever some of them leave.
    virtual std::size_t queued_bytes() const = 0;
    virtual std::uint32_t progress() const = 0;

    /// Stops and goes on handing out packets (back-pressure).
    virtual void pause() = 0;
    virtual void resume() = 0;

    virtual void close(close_manner) = 0;
};

} // namespace mad::inline MAD_ABI::engine

#endif
