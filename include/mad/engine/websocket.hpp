#ifndef MAD_ENGINE_WEBSOCKET_HPP
#define MAD_ENGINE_WEBSOCKET_HPP

#include <mad/engine/transport.hpp>
#include <mad/net/compression.hpp>
#include <mad/net/outbox.hpp>
#include <mad/net/shard.hpp>
#include <mad/net/stream.hpp>
#include <mad/net/ws_frame.hpp>

#include <memory>
#include <string>

namespace mad::inline MAD_ABI::engine {

/// What a websocket may cost; shared by all of a server.
struct websocket_settings {
    net::ws_limits frames;
    net::outbox_limits outbox;
    /// Reading stops while more than this waits to be written (bytes): who does not read the
    /// answers is not asked for more questions.
    std::size_t pause_above_bytes = 1024 * 1024;
};

/// The websocket wire of a session, after the 101, on either side. Holds no buffer while idle: it
/// reads into memory of the shard, and what it writes leaves once a turn.
class websocket final : public transport, public net::poll_target, public net::turn_work {
  public:
    /// `settings` outlives it. Nothing happens before `start`. The revision says how binary frames
    /// from the peer are read; what is sent is given encoded.
    websocket(net::shard&, net::stream, net::ws_role, websocket_settings const& settings,
              revision = revision::eio4);
    ~websocket() override;

    /// Bytes to be written first: the answer 101.
    void push_raw(std::string_view head);

    /// Compresses messages from now on; before `start`, when the handshake agreed on it. May be
    /// null.
    void set_codec(std::unique_ptr<net::message_codec>);

    /// Begins. `rest` is what arrived behind the HTTP head: it is input, not garbage.
    /// False: the descriptor cannot be watched.
    bool start(transport_events&, std::string_view rest);

    /// From now on somebody else is told.
    void set_events(transport_events& e) { events_ = &e; }

    /// Takes over packets that waited on another wire. The limits do not count here.
    void push(net::wire_block packet);

    transport_kind kind() const override { return transport_kind::websocket; }
    bool send(net::wire_block packet) override;
    bool writable() const override { return open_ && out_.empty(); }
    std::size_t queued_bytes() const override { return out_.bytes(); }
    std::uint32_t progress() const override { return progress_; }
    void pause() override;
    void resume() override;

    /// True from `start` to the end of the connection.
    bool started() const { return watched_; }

    /// Events end. orderly: a close frame without a code behind what is queued; the peer's close
    /// frame is then awaited by whoever keeps this object, who hears of it through `set_events`.
    void close(close_manner) override;

    /// Ends with a close frame that carries `code` (1002, 1007, 1008, 1009, ...).
    void fail(std::uint16_t code);

    /// True when the descriptor is closed: the object may be destroyed at the end of the turn.
    bool closed() const { return !stream_.is_open(); }

  private:
    void on_ready(std::uint32_t events) override;
    void on_fault() override;
    void on_turn_end() override;

    void read();
    void consume(std::span<char> in);
    /// False when the rest must wait or the wire is over.
    bool handle(net::ws_message const&);
    bool hand_out(result<packet_view> const&);
    bool has_room(std::size_t more) const;
    /// A packet as it goes over this wire: compressed where that is agreed, masked by a client.
    net::wire_block shaped(net::wire_block) const;
    void queue(net::wire_block shaped);
    void broken(error_code);
    void write();
    void judge_full();
    void finish();
    void ended(close_reason);
    void shut();
    void interest();

    net::shard& shard_;
    websocket_settings const& settings_;
    transport_events* events_ = nullptr;
    net::stream stream_;
    net::outbox out_;
    net::ws_decoder decoder_;
    std::unique_ptr<net::message_codec> codec_; // null: nothing is compressed
    std::unique_ptr<std::string> stash_;        // input that waits while paused
    std::size_t largest_ = 0;                   // of the messages that wait; 0 when none does
    std::uint32_t interest_ = 0, progress_ = 0;
    std::uint8_t paused_ = 0; // by the session, and by ourselves
    net::ws_role role_;
    revision revision_;
    bool open_ = true;     // neither side has said goodbye
    bool blocked_ = false; // the wire is full
    bool full_ = false;    // paused because of `pause_above_bytes`
    bool shut_after_write_ = false;
    bool peer_closed_ = false, draining_ = false, consuming_ = false, watched_ = false;
};

} // namespace mad::inline MAD_ABI::engine

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/engine/impl/websocket.ipp>
#endif

#endif
