#ifndef MAD_SOCKETIO_ADAPTER_HPP
#define MAD_SOCKETIO_ADAPTER_HPP

#include <mad/core/clock.hpp>
#include <mad/core/error.hpp>
#include <mad/core/json_fwd.hpp>
#include <mad/socketio/encoded.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mad::inline MAD_ABI::socketio {

/// Which sockets are meant: the union of `rooms` (all of the namespace when empty), each once, less
/// those in any of `except`. A socket's own id is a room with it alone.
struct target {
    std::vector<std::string> rooms;
    std::vector<std::string> except;
};

struct broadcast_flags {
    bool local = false;       ///< this node only
    bool is_volatile = false; ///< dropped for who cannot take it at once
    bool compress = true;     ///< whether wires that can compress may
    /// Number of the packet in the log of an adapter that keeps packets for recovery; 0: not kept.
    /// For adapters.
    std::uint64_t sequence = 0;
};

/// What others may know of a socket.
struct socket_info {
    std::string id;
    std::vector<std::string> rooms;
    std::string data;      ///< JSON text of `socket.data`
    std::string handshake; ///< JSON text
};

/// A socket that is away and may come back: connection state recovery.
struct saved_session {
    std::string id;
    std::string pid;                ///< its secret name: 20 characters, told to the peer alone
    std::vector<std::string> rooms; ///< without its own
    std::string data;               ///< JSON text of `socket.data`; empty: none
    std::uint8_t shard = 0;         ///< where it lived, for the order in which it was sent to
    /// When it had come back already: `restored_session::sequence` and `numbers` of that time.
    std::uint64_t sequence = 0;
    std::vector<std::uint64_t> numbers{};
};

/// A session that comes back, with what it has missed, in the order of sending.
struct restored_session {
    saved_session session;
    std::vector<encoded> missed;
    std::vector<std::uint64_t> numbers; ///< of `missed` in the log
    /// Of the newest packet that the log held then: deliveries up to it are in `missed`, or were
    /// for others.
    std::uint64_t sequence = 0;
};

/// Answers to a broadcast that asked for acknowledgements: the first argument of each. With
/// `error::timeout` it holds what came in time.
struct ack_responses {
    ack_responses() = default;
    ack_responses(error_code e,
                  std::vector<json> v) // no aggregate: an error alone is none of these
        : ec(e)
        , values(std::move(v)) {}

    error_code ec;
    std::vector<json> values;
    /// What the reference says of a timeout between nodes; empty: what `ec` says.
    std::string text{};
};

/// Who reaches the sockets of one namespace: here only (`in_memory_adapter`), or on other nodes too
/// (Redis). Called from any thread; what it needs of local sockets it asks `local_sockets`.
/// Destroyed with its namespace, on any thread; from then on it asks nothing.
class adapter {
  public:
    virtual ~adapter() = default;

    virtual void broadcast(encoded const&, target const&, broadcast_flags) = 0;

    /// The packet carries ack id `id`. `done` is called once, from any thread: when all that were
    /// asked have answered, or at the timeout.
    virtual void broadcast_with_ack(encoded const&, std::uint64_t id, target const&,
                                    broadcast_flags, milliseconds timeout,
                                    std::function<void(ack_responses)> done) = 0;

    virtual void join(target const&, std::vector<std::string> rooms) = 0;
    virtual void leave(target const&, std::vector<std::string> rooms) = 0;
    virtual void disconnect(target const&, bool close) = 0;

    virtual void fetch(target const&, std::function<void(result<std::vector<socket_info>>)>) = 0;

    /// The rooms of all nodes, each socket's own included. `done` is called once, from any thread.
    virtual void all_rooms(std::function<void(result<std::vector<std::string>>)> done) {
        done(std::vector<std::string>());
    }

    /// To the namespace's listeners on all other nodes.
    virtual void server_side_emit(std::string_view event, arguments const&) = 0;

    /// The same; `done` is called once, from any thread, with an answer of each node. An adapter
    /// that reaches no other node answers at once with none.
    virtual void server_side_emit_with_ack(std::string_view event, arguments const& args,
                                           milliseconds /*timeout*/,
                                           std::function<void(ack_responses)> done) {
        server_side_emit(event, args);
        done({});
    }

    /// Its namespace has been cleaned up and another of the name may come; handles of this one may
    /// be kept for long. It takes nothing from other nodes any more.
    virtual void retire() {}

    // Connection state recovery. An adapter that takes part appends an offset to each event that
    // carries no ack id and is not volatile (`with_offset`), keeps it, and sets
    // `broadcast_flags::sequence`.

    virtual bool recovers() const { return false; }

    /// An event to one socket of this node: `deliver` is called once with what is to be sent and
    /// its number in the log, from any thread.
    virtual void send(encoded const& p, std::string_view /*id*/,
                      std::function<void(encoded const&, std::uint64_t sequence)> deliver) {
        deliver(p, 0);
    }
    /// That packet has been given to the sockets of that shard. On the shard.
    virtual void delivered(std::uint8_t /*shard*/, std::uint64_t /*sequence*/) {}

    virtual void save_session(saved_session) {}
    /// A restored session has ended in a way that is no reason to save it, or has not begun (then
    /// `last` is nothing). As in the reference what was saved before stays good; `last` says what
    /// the peer has been sent meanwhile.
    virtual void end_session(std::string_view /*pid*/, std::optional<saved_session> /*last*/) {}
    /// `done` is called once, from any thread, with nothing when the session is unknown, in use or
    /// too old, or the log no longer reaches back to the offset.
    virtual void restore_session(std::string /*pid*/, std::string /*offset*/,
                                 std::function<void(std::optional<restored_session>)> done) {
        done(std::nullopt);
    }
};

/// What an adapter may do with the sockets of its namespace on this node. From any thread; the work
/// is done on the shards.
class local_sockets {
  public:
    virtual void deliver(encoded const&, target const&, broadcast_flags) = 0;
    virtual void deliver_with_ack(encoded const&, std::uint64_t id, target const&, broadcast_flags,
                                  milliseconds timeout,
                                  std::function<void(ack_responses)> done) = 0;
    virtual void join_local(target const&, std::vector<std::string> rooms) = 0;
    virtual void leave_local(target const&, std::vector<std::string> rooms) = 0;
    virtual void disconnect_local(target const&, bool close) = 0;
    virtual void fetch_local(target const&, std::function<void(std::vector<socket_info>)>) = 0;
    /// The same sockets, by their ids alone.
    virtual void ids_local(target const&, std::function<void(std::vector<std::string>)>) = 0;
    /// The rooms of this node, each socket's own included; each once.
    virtual void rooms_local(std::function<void(std::vector<std::string>)>) = 0;
    /// Asks for acknowledgements on behalf of another node. `make` gives the packet with that ack
    /// id, which is one of this node's. `counted` is called once with how many were asked,
    /// `answered` for each answer that comes in time (perhaps before `counted`); from any thread.
    virtual void ask_local(std::function<encoded(std::uint64_t id)> const& make, target const&,
                           broadcast_flags, milliseconds timeout,
                           std::function<void(std::size_t)> counted,
                           std::function<void(json)> answered) = 0;
    /// Calls `fn` when a room has come to be on this node, or is gone (`exists` false), on the
    /// shard of the socket that did it. `own`: it is the room of a socket's id.
    virtual void
    watch_rooms(std::function<void(std::string const& room, bool own, bool exists)> fn) = 0;
    /// An event that another node sent with `server_side_emit`: to the namespace's listeners for
    /// such. `reply` may be empty; it is called at most once.
    virtual void server_side_event(std::string event, arguments args,
                                   std::function<void(arguments)> reply) = 0;

  protected:
    virtual ~local_sockets() = default;
};

/// One node, no one else: `server_side_emit` reaches nobody.
class in_memory_adapter final : public adapter {
  public:
    explicit in_memory_adapter(local_sockets& l)
        : local_(l) {}

    void broadcast(encoded const& p, target const& t, broadcast_flags f) override {
        local_.deliver(p, t, f);
    }
    void broadcast_with_ack(encoded const& p, std::uint64_t id, target const& t, broadcast_flags f,
                            milliseconds timeout,
                            std::function<void(ack_responses)> done) override {
        local_.deliver_with_ack(p, id, t, f, timeout, std::move(done));
    }
    void join(target const& t, std::vector<std::string> rooms) override {
        local_.join_local(t, std::move(rooms));
    }
    void leave(target const& t, std::vector<std::string> rooms) override {
        local_.leave_local(t, std::move(rooms));
    }
    void disconnect(target const& t, bool close) override { local_.disconnect_local(t, close); }
    void fetch(target const& t,
               std::function<void(result<std::vector<socket_info>>)> done) override {
        local_.fetch_local(
            t, [done = std::move(done)](std::vector<socket_info> all) { done(std::move(all)); });
    }
    void all_rooms(std::function<void(result<std::vector<std::string>>)> done) override {
        local_.rooms_local(
            [done = std::move(done)](std::vector<std::string> all) { done(std::move(all)); });
    }
    void server_side_emit(std::string_view, arguments const&) override {}

  private:
    local_sockets& local_;
};

/// Makes the adapter of each namespace.
using adapter_factory =
    std::function<std::unique_ptr<adapter>(std::string_view nsp, local_sockets&)>;

} // namespace mad::inline MAD_ABI::socketio

#endif
