#ifndef MAD_BENCH_LOAD_WEBSOCKET_HPP
#define MAD_BENCH_LOAD_WEBSOCKET_HPP

#include "loop.hpp"

#include <cstdint>

namespace bench {

/// One masked text frame with `payload`, ready to be sent any number of times.
std::string client_frame(std::string_view payload);

class websocket;

/// What happens on the websockets of a scenario.
class websocket_events {
  public:
    virtual ~websocket_events() = default;
    /// The namespace `/` is connected.
    virtual void on_connected(websocket& ws) = 0;
    /// An Engine.IO message: `42["name",…]`, `43…`. Heartbeats are answered before.
    virtual void on_packet(websocket& ws, std::string_view packet) = 0;
    /// The server closed. Unless a scenario expects it, the run is worthless.
    virtual void on_closed(websocket& ws);
};

/// What a client of Engine.IO 3 owes its server: a ping every interval that the server names.
class pinger {
  public:
    /// Reads `pingInterval` (ms) from the open packet and counts from now.
    void start(std::string_view open_packet);
    /// Whether a ping is due; then the next one is due an interval from now.
    [[nodiscard]] bool is_due();

  private:
    std::int64_t interval_ns_ = 0;
    std::int64_t due_ = 0;
};

/// A client of namespace `/` over a websocket, with the frames of the handshake made beforehand:
/// of Socket.IO 5 on Engine.IO 4, or with revision 3 of Socket.IO 4, whose server connects `/` by
/// itself and whose client pings. It does so when something comes in, so it must not be idle.
class websocket : public stream {
  public:
    websocket(target const& to, websocket_events& events, std::size_t index, unsigned revision = 4)
        : to_(to)
        , events_(events)
        , index_(index)
        , revision_(revision) {}
    /// The place of this client in its scenario.
    [[nodiscard]] std::size_t index() const { return index_; }
    /// Says goodbye with a close frame; the caller then closes the stream.
    void send_close();

  private:
    enum class state { upgrading, opening, connecting, connected };
    void on_dialled() override;
    std::size_t on_bytes(std::string_view bytes) override;
    void on_end() override { events_.on_closed(*this); }
    std::size_t take_response(std::string_view bytes);
    void take_frame(unsigned char opcode, std::string_view payload);
    void take_packet(std::string_view packet);
    void take_open(std::string_view packet);

    target const& to_;
    websocket_events& events_;
    std::size_t index_;
    unsigned revision_; ///< of Engine.IO: 3 or 4
    pinger pinger_;     ///< of revision 3
    state state_ = state::upgrading;
};

} // namespace bench

#endif
