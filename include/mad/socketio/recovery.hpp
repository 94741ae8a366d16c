#ifndef MAD_SOCKETIO_RECOVERY_HPP
#define MAD_SOCKETIO_RECOVERY_HPP

#include <mad/core/clock.hpp>
#include <mad/socketio/adapter.hpp>

#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace mad::inline MAD_ABI::socketio {

/// Connection state recovery: a peer whose connection broke comes back with its id, rooms and data,
/// and gets the events that it has missed. Off by default, as in the reference: each event then
/// carries an offset (a string behind its arguments) and is kept for a while.
struct recovery_settings {
    /// How long a peer may be away. Default 2 minutes: socket.io 4.6.
    milliseconds max_disconnection_duration{120'000};

    /// Whether a peer that comes back passes the middlewares of the namespace unasked. Default yes:
    /// socket.io 4.6.
    bool skip_middlewares = true;

    // What a namespace keeps at most; the oldest goes first, and who needs it connects anew. Ours:
    // the reference has no such limits.
    std::size_t max_packets = 10'000;
    std::size_t max_bytes = 16 * 1024 * 1024; ///< of packets, and as much again of sessions
    std::size_t max_sessions = 10'000;

    mad::clock const* clock = &system_clock::instance();
};

/// The event with one more argument behind the others. It must be an event.
encoded with_offset(encoded const& event, std::string_view offset);

/// Makes offsets of the time, as the in-memory adapter of the reference does: `Q82k0-i`, then
/// `Q82k0-i.0` in the same millisecond. They never repeat, even when the clock is set back.
class offset_source {
  public:
    std::string next(std::int64_t now_ms);

  private:
    std::int64_t last_ = -1;
    std::uint64_t repeated_ = 0;
};

/// What an adapter keeps for recovery: the events of the last minutes, and the sessions that may
/// come back. From any thread.
///
/// Shards may send to their sockets in different orders, so what a peer has seen is not a number:
/// it is what its shard had sent up to the offset that it names (`delivered`). Everything else that
/// was meant for it is missed, and what is sent on another shard meanwhile is told apart by its
/// number (`restored_session::sequence`). One that breaks again while it is sent what it missed
/// gets the rest of that. So nothing is lost and nothing comes twice.
class recovery_log {
  public:
    explicit recovery_log(recovery_settings s)
        : settings_(s) {}

    /// Keeps an event; gives what is to be sent, with its number. `only`: for that socket alone,
    /// else for `to`.
    std::pair<encoded, std::uint64_t> add(encoded const&, target const& to,
                                          std::string_view only = {});
    void delivered(std::uint8_t shard, std::uint64_t sequence);

    void save(saved_session);
    std::optional<restored_session> restore(std::string const& pid, std::string_view offset);
    /// It may be restored again: it is not in use any more. `last`: as it was in the end.
    void end(std::string_view pid, std::optional<saved_session> last = {});

    std::size_t packets() const;
    std::size_t sessions() const;

  private:
    struct entry {
        std::uint64_t sequence;
        std::string offset;
        time_point at;
        target to;
        std::string only;
        encoded packet;
        std::size_t bytes;
    };
    struct kept {
        saved_session session;
        time_point at;
        std::uint64_t serial;
        std::size_t bytes;
        bool live = false;
    };

    static bool concerns(entry const&, saved_session const&);
    void drop_front();
    void drop_session(std::string const& pid);
    void purge(time_point now);

    recovery_settings settings_;
    mutable std::mutex mutex_;
    offset_source offsets_;
    std::deque<entry> entries_;                             // by sequence
    std::vector<std::deque<std::uint64_t>> journals_;       // by shard: sequences as delivered
    std::unordered_map<std::string, kept> sessions_;        // by pid
    std::deque<std::pair<std::string, std::uint64_t>> age_; // of sessions: pid, serial
    std::size_t bytes_ = 0, session_bytes_ = 0;
    std::uint64_t next_ = 1, serial_ = 0;
    std::optional<time_point> purged_;
};

/// One node, no one else, with connection state recovery: `server_settings::recovery`.
class recovering_adapter final : public adapter {
  public:
    recovering_adapter(local_sockets& l, recovery_settings s)
        : local_(l)
        , here_(l)
        , log_(s) {}

    void broadcast(encoded const&, target const&, broadcast_flags) override;
    void broadcast_with_ack(encoded const& p, std::uint64_t id, target const& t, broadcast_flags f,
                            milliseconds timeout,
                            std::function<void(ack_responses)> done) override {
        here_.broadcast_with_ack(p, id, t, f, timeout, std::move(done));
    }
    void join(target const& t, std::vector<std::string> rooms) override {
        here_.join(t, std::move(rooms));
    }
    void leave(target const& t, std::vector<std::string> rooms) override {
        here_.leave(t, std::move(rooms));
    }
    void disconnect(target const& t, bool close) override { here_.disconnect(t, close); }
    void fetch(target const& t,
               std::function<void(result<std::vector<socket_info>>)> done) override {
        here_.fetch(t, std::move(done));
    }
    void all_rooms(std::function<void(result<std::vector<std::string>>)> done) override {
        here_.all_rooms(std::move(done));
    }
    void server_side_emit(std::string_view, arguments const&) override {}

    bool recovers() const override { return true; }
    void send(encoded const&, std::string_view id,
              std::function<void(encoded const&, std::uint64_t)> deliver) override;
    void delivered(std::uint8_t shard, std::uint64_t sequence) override {
        log_.delivered(shard, sequence);
    }
    void save_session(saved_session s) override { log_.save(std::move(s)); }
    void end_session(std::string_view pid, std::optional<saved_session> last) override {
        log_.end(pid, std::move(last));
    }
    void restore_session(std::string pid, std::string offset,
                         std::function<void(std::optional<restored_session>)> done) override {
        done(log_.restore(pid, offset));
    }

  private:
    local_sockets& local_;
    in_memory_adapter here_;
    recovery_log log_;
};

} // namespace mad::inline MAD_ABI::socketio

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/socketio/impl/recovery.ipp>
#endif

#endif
