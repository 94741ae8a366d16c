#ifndef MAD_ENGINE_HEARTBEAT_HPP
#define MAD_ENGINE_HEARTBEAT_HPP

#include <mad/core/clock.hpp>
#include <mad/engine/packet.hpp>
#include <mad/engine/revision.hpp>

namespace mad::inline MAD_ABI::engine {

/// Who pings whom, and when silence is the end, as decisions without a clock or a wire.
///
/// Revision 4: the server pings every interval and waits `timeout` for the pong; any other packet
/// restarts that wait once per ping (engine.io 6.6). The next ping is due one interval after the
/// pong. Begin with the interval armed.
///
/// Revision 3: the client pings, and silence of interval and timeout together is the end. Any
/// packet breaks it (engine.io 3; version 6 counts pings only). Begin with both armed.
class heartbeat {
  public:
    enum class action : std::uint8_t { send_ping, close };
    /// What to arm the deadline with; `both`: interval and timeout together.
    enum class rearm : std::uint8_t { no, interval, timeout, both };

    explicit heartbeat(revision rev = revision::eio4)
        : client_pings_(rev == revision::eio3) {}

    bool client_pings() const { return client_pings_; }

    /// The deadline has passed. `send_ping`: send one and arm the timeout.
    action on_deadline() {
        if (waiting_ || client_pings_)
            return action::close;
        waiting_ = true;
        extended_ = false;
        return action::send_ping;
    }

    /// A packet has come.
    rearm on_packet(packet_type t) {
        if (client_pings_)
            return rearm::both;
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
    bool client_pings_;
    bool waiting_ = false, extended_ = false;
};

} // namespace mad::inline MAD_ABI::engine

#endif
