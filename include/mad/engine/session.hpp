#ifndef MAD_ENGINE_SESSION_HPP
#define MAD_ENGINE_SESSION_HPP

#include <mad/engine/handshake_info.hpp>
#include <mad/engine/heartbeat.hpp>
#include <mad/engine/polling.hpp>
#include <mad/engine/settings.hpp>
#include <mad/engine/websocket.hpp>

#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace mad::inline MAD_ABI::engine {

class session;

/// What lives on a session: Socket.IO, or an application that speaks Engine.IO itself.
class session_handler {
  public:
    virtual ~session_handler() = default;

    /// The session is open and this handler in place. Called once, before anything else; it may
    /// send, and end the session.
    virtual void on_open(session&) {}

    /// A message, valid during the call.
    virtual void on_message(session&, std::string_view data, bool binary) = 0;

    /// The session is over; nothing follows. Called once, also from inside `session::close`.
    virtual void on_close(session&, close_reason) = 0;
};

/// What a session needs of the server part that owns it.
class session_owner {
  public:
    virtual net::shard& home() = 0;
    virtual server_settings const& settings() const = 0;
    virtual websocket_settings const& websockets() const = 0;
    /// Keeps a closed websocket until the peer has said goodbye, or for `close_timeout`.
    virtual void linger(std::unique_ptr<websocket>, close_reason) = 0;
    /// Keeps the last words for the next GETs of that sid, for `goodbye_timeout`.
    virtual void keep_goodbye(std::string_view sid, std::vector<polling_body> bodies,
                              close_reason) = 0;
    /// The same for a client that has stopped polling for its upgrade, on either wire: `frames` go
    /// out on this one, and the bodies are forgotten, when it says `5` before it polls again.
    virtual void await_upgrade(std::unique_ptr<websocket>, std::string_view sid,
                               std::vector<net::wire_block> frames, close_reason) = 0;
    /// Takes the session out of the table and destroys it when the turn ends.
    virtual void release(session&, close_reason) = 0;

  protected:
    virtual ~session_owner() = default;
};

/// One Engine.IO session, server side: whichever wire carries it, its heartbeat, its upgrade and
/// its end. Lives and is used on one shard; owned by the table of that shard.
class session final : public transport_events {
  public:
    session(session_owner&, std::string_view sid, revision, handshake_info);
    ~session() override;
    session(session const&) = delete;
    session& operator=(session const&) = delete;

    std::string_view sid() const { return {sid_.data(), sid_.size()}; }
    revision rev() const { return revision_; }
    /// How a binary message to this peer is to be encoded for `send`, on the wire of the moment.
    binary_form form() const { return form_; }
    handshake_info const& handshake() const { return handshake_; }
    net::shard& home() const { return owner_.home(); }
    bool open() const { return open_; }
    transport_kind kind() const { return kind_; }
    bool upgrading() const { return candidate_ != nullptr; }

    /// Sends a message that is encoded already (`4...`, or a binary one in `form()`). A session
    /// whose queue is full is closed as a slow consumer; false then, and when it was closed before.
    bool send(net::wire_block packet);

    bool send_text(std::string_view data);
    bool send_binary(std::string_view data);

    /// True when a packet sent now would leave in this turn.
    bool writable() const { return open_ && transport_->writable(); }

    /// Bytes that wait for the peer to take them.
    std::size_t queued_bytes() const { return open_ ? transport_->queued_bytes() : 0; }

    /// Stops and goes on reading from the peer; its heartbeat deadline is suspended meanwhile.
    void pause();
    void resume();

    /// Ends the session: what is queued goes out first. `on_close` runs inside the call.
    void close(close_reason why = close_reason::forced_close);

    // For the server part that owns it.
    void set_handler(std::unique_ptr<session_handler> h) {
        handler_ = std::move(h);
        if (handler_)
            handler_->on_open(*this);
    }
    /// The answer to the handshake: `open_packet` for a peer of that dialect.
    polling_body begin_polling(polling_dialect, std::string_view open_packet);
    /// `b64`: this websocket of the peer takes no bytes. (It is asked of each wire.)
    void begin_websocket(net::stream, std::string_view answer, bool b64,
                         std::string_view open_packet, std::unique_ptr<net::message_codec> = {});
    bool start_websocket(std::string_view rest);
    polling* as_polling();
    void poll(net::http::exchange, std::string fields,
              net::content_coding = net::content_coding::identity);
    bool begin_upgrade(net::stream, std::string_view answer, bool b64, std::string_view rest,
                       std::unique_ptr<net::message_codec> = {});

  private:
    class candidate; // a websocket that is being probed

    void on_packet(packet_view const&) override;
    void on_transport_end(close_reason) override;
    void on_heartbeat();
    void begin_heartbeat();
    void send_control(packet_type, std::string_view data = {});
    void finish_upgrade(std::unique_ptr<websocket>, binary_form);
    void drop_candidate();
    bool leaving_polling(close_reason) const;
    void end(close_reason, close_manner);

    session_owner& owner_;
    handshake_info handshake_;
    std::unique_ptr<transport> transport_;
    std::unique_ptr<candidate> candidate_;
    std::unique_ptr<session_handler> handler_;
    net::deadline beat_;
    heartbeat heartbeat_;
    std::uint32_t seen_progress_ = 0;
    std::array<char, 20> sid_;
    revision revision_;
    binary_form form_;
    transport_kind kind_ = transport_kind::polling;
    std::uint8_t paused_ = 0, excuses_ = 0;
    bool paused_lately_ = false; // at some time since the deadline was set
    bool open_ = true;
};

} // namespace mad::inline MAD_ABI::engine

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/engine/impl/session.ipp>
#endif

#endif
