#ifndef MAD_ENGINE_CLIENT_HPP
#define MAD_ENGINE_CLIENT_HPP

#include <mad/engine/client_settings.hpp>
#include <mad/engine/close_reason.hpp>
#include <mad/engine/packet.hpp>
#include <mad/engine/transport.hpp>
#include <mad/engine/websocket.hpp>
#include <mad/net/shard.hpp>

#include <boost/asio/awaitable.hpp>

#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace mad::inline MAD_ABI::engine {

class client_polling;

namespace detail {
class client_endpoint;
class websocket_opener;
} // namespace detail

/// What a client tells whoever uses it.
class client_events {
  public:
    /// The server has opened the session.
    virtual void on_open() = 0;

    /// A message, valid during the call.
    virtual void on_message(std::string_view data, bool binary) = 0;

    /// The session is over, or did not come about; nothing but `on_finished` follows. Called once,
    /// also from inside `client::close`. `why` is set when something failed.
    virtual void on_close(close_reason, error_code why) = 0;

    /// The server is there: it has pinged, or (revision 3) answered a ping.
    virtual void on_ping() {}

    /// The session has gone over to a websocket.
    virtual void on_upgrade() {}

    /// Nothing is left on the wire, goodbyes included: the client may be destroyed, by way of
    /// `shard::reap`. Called once, after `on_close`.
    virtual void on_finished() {}

  protected:
    virtual ~client_events() = default;
};

/// One Engine.IO session, client side, revision 4 or 3 of the protocol: polling, websocket, the
/// upgrade between them, heartbeat and close. Used once: whoever wants another session makes
/// another client. Lives and is used on one shard; works under a plain `ioc.run()`, which returns
/// when the session has ended.
class client final : public transport_events {
  public:
    /// Throws std::invalid_argument for a URL or settings that can never work.
    client(net::shard&, client_settings);
    /// Cuts what is still open, without a goodbye and without events.
    ~client() override;
    client(client const&) = delete;
    client& operator=(client const&) = delete;

    /// Begins; `events` outlives the session. Once.
    void open(client_events& events);

    /// Sends a message that is encoded already (`4...`, or the bytes of a binary one, to which
    /// revision 3 adds what it wants). A session
    /// whose queue is full ends as `slow_consumer`; false then, and when it is not open.
    bool send(net::wire_block packet);
    bool send_text(std::string_view data);
    bool send_binary(std::string_view data);

    /// True when a packet sent now would leave in this turn.
    bool writable() const;

    /// Stops and goes on reading; the heartbeat deadline is suspended meanwhile.
    void pause();
    void resume();

    /// Ends the session: what is queued goes out first, then the goodbye. `on_close` runs inside
    /// the call.
    void close(close_reason why = close_reason::forced_close);

    bool is_open() const { return state_ == state::open; }
    /// True after `on_finished`, and before `open`.
    bool finished() const { return finished_; }

    /// The session's id; a secret. Empty before it is open.
    std::string_view sid() const { return sid_; }
    transport_kind kind() const { return kind_; }
    bool upgrading() const { return candidate_ != nullptr; }
    /// Pings seen from the server; with revision 3 its answers to ours.
    std::size_t pings() const { return pings_; }

  private:
    enum class state : std::uint8_t { idle, opening, open, closed };
    class candidate; // a websocket that is being probed
    class lingerer;  // a closed wire whose peer has not said goodbye

    void on_packet(packet_view const&) override;
    void on_transport_end(close_reason) override;

    void begin(transport_kind);
    void begin_websocket(result<net::stream>, std::string rest);
    bool try_next_transport();
    void opened(std::string_view data);
    void start_upgrade();
    void drop_candidate();
    void finish_upgrade(std::unique_ptr<websocket>);
    void send_control(packet_type, std::string_view data);
    /// Revision 3: it is the client that pings.
    bool pings_itself() const { return settings_.rev == revision::eio3; }
    net::wire_block on_wire(net::wire_block packet) const;
    void on_ping_due();
    void on_silence();
    void on_timeout();
    void end(close_reason, error_code, close_manner);
    void linger();
    void linger_done();
    void finish();

    net::shard& shard_;
    client_settings settings_;
    websocket_settings websockets_;
    std::unique_ptr<detail::client_endpoint> endpoint_;
    client_events* events_ = nullptr;
    std::unique_ptr<detail::websocket_opener> opener_;
    std::unique_ptr<transport> transport_;
    std::unique_ptr<candidate> candidate_;
    std::unique_ptr<lingerer> lingerer_;
    net::deadline limit_, silence_, ping_;
    std::string sid_;
    milliseconds patience_{}, ping_interval_{}, ping_timeout_{};
    std::size_t tried_ = 0, pings_ = 0;
    transport_kind kind_ = transport_kind::polling;
    state state_ = state::idle;
    std::uint8_t paused_ = 0;
    bool finished_ = true;
};

} // namespace mad::inline MAD_ABI::engine

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/engine/impl/client.ipp>
#endif

#endif
