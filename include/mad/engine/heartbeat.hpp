#ifndef MAD_ENGINE_HEARTBEAT_HPP
#define MAD_ENGINE_HEARTBEAT_HPP

#include <mad/core/clock.hpp>
#include <mad/engine/packet.hpp>

namespace mad::inline MAD_ABI::engine {

/// Who pings whom, and when silence is the end, as decisions without a clock or a wire. Revision 4:
/// the server pings every interval and waits `timeout` for the pong; any other packet restarts that
/// wait once per ping (engine.io 6.6). The next ping is due one interval after the pong.
class heartbeat {
  public:
    enum class action : std::uint8_t { send_ping, close };
    enum class rearm : std::uint8_t { no, interval, timeout };

    /// The deadline has passed. `send_ping`: send one and arm the timeout.
    action on_deadline() {
        if (waiting_)
            return action::close;
        waiting_ = true;
        extended_ = false;
        return action::send_ping;
    }

    /// A packet has come: what to arm the deadline with.
    rearm on_packet(packet_type t) {
        if (!waiting_)
            return rearm::no;
        if (t == packet_type::pong) {
            waiting_ = false;
            return rearm::interval;
        }
        if (extended_)
            return rearm::no;
        extended_ = true;
        return rearm::timeout;
    }

  private:
    bool waiting_ = false, extended_ = false;
};

} // namespace mad::inline MAD_ABI::engine

#endif
