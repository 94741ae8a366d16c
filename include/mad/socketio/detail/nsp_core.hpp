#ifndef MAD_SOCKETIO_DETAIL_NSP_CORE_HPP
#define MAD_SOCKETIO_DETAIL_NSP_CORE_HPP

#include <mad/core/ids.hpp>
#include <mad/core/json.hpp>
#include <mad/net/shard.hpp>
#include <mad/net/task_group.hpp>
#include <mad/socketio/detail/listener_table.hpp>
#include <mad/socketio/detail/room_watch.hpp>
#include <mad/socketio/nsp.hpp>

#include <atomic>
#include <deque>
#include <exception>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

namespace mad::inline MAD_ABI::socketio::detail {

class client_link;
class nsp_core;
class parent_core;
class server_core;
struct nsp_part;
struct socket_node;

struct room {
    std::string name;
    std::vector<socket_node*> members;
};

/// Logs what left a handler.
void report_fault(nsp_core&, std::string_view event, std::exception_ptr);

/// An answer that a peer owes us.
struct awaited_ack {
    awaited_ack(socket_node& n, std::uint64_t i, ack_callback d);
    socket_node& node;
    std::uint64_t id;
    ack_callback done;
    net::deadline limit;
};

/// An event that waits for a place: as many coroutine handlers as may be are unfinished.
struct held_event {
    packet_view view; // its payload is `payload`
    std::string payload;
    std::vector<std::string> attachments;

    /// Empty, in that namespace.
    explicit held_event(std::string_view nsp) { view.nsp = nsp; }

    held_event(packet const& p, std::string_view nsp)
        : view(p.view)
        , payload(p.view.payload)
        , attachments(p.attachments.begin(), p.attachments.end()) {
        view.nsp = nsp;
    }

    packet as_packet() const {
        packet p(view);
        p.view.payload = payload;
        p.attachments = attachments;
        return p;
    }

    std::size_t size() const {
        auto n = payload.size();
        for (auto const& a : attachments)
            n += a.size();
        return n;
    }
};

/// Above this a socket is not read further.
inline constexpr std::size_t most_held = 1024, most_held_bytes = 1024 * 1024;

/// What a socket needs for connection state recovery.
struct recovery_state {
    std::string pid;
    std::uint64_t sent_up_to = 0; ///< what is numbered so or lower was in `missed`
    std::vector<encoded> missed;
    std::vector<std::uint64_t> numbers; ///< of `missed`, as it was then
    std::size_t missed_bytes = 0;       ///< of what was added to `missed` since
    bool recovered = false;
    bool offered = false; ///< has been sent an offset: it can come back
};

/// What a socket has only when it is used: an idle one has none of it.
struct socket_extras {
    std::unique_ptr<recovery_state> recovery;
    listener_table listeners;
    std::vector<event_step> middlewares;
    std::vector<std::function<void(connect_error const&)>> on_error;
    std::vector<std::function<void(disconnect_reason)>> on_disconnect, on_disconnecting;
    std::unordered_map<std::uint64_t, std::unique_ptr<awaited_ack>> acks;
    std::list<held_event> held; // costs nothing while it is empty, as a deque would
    std::size_t held_bytes = 0;
    json data;
};

/// One socket on its shard. Owned by its slot; the link under it holds a plain pointer.
struct socket_node {
    socket_node(nsp_core& c, nsp_part& p, client_link& l)
        : core(c)
        , part(p)
        , link(&l) {}

    socket handle() const;
    std::string_view auth_text() const { return auth.empty() ? std::string_view("{}") : auth; }
    std::string_view id() const {
        return long_name ? std::string_view(*long_name)
                         : std::string_view(name.data(), name.size());
    }
    socket_extras& extras() {
        if (!more)
            more = std::make_unique<socket_extras>();
        return *more;
    }

    void send(encoded const&, bool is_volatile);
    void join(std::string const& room_name);
    void leave(std::string_view room_name);
    void leave_all();
    void on_event(packet const&);
    void run_event(packet const&);
    void show_incoming(packet const&, std::string_view event);
    /// The listeners of the event; everything before them has let it pass.
    void handle_event(packet const&, std::string_view event);
    /// A middleware has refused an event. (Where a revision answers the peer: here.)
    void refuse_event(std::string_view event, connect_error const&);
    /// A packet that is kept for recovery, with its number.
    void send_kept(encoded const&, std::uint64_t sequence);
    recovery_state& recovery();
    /// An earlier session goes on in this socket, which is not connected yet. False: it cannot.
    bool restore(restored_session);
    /// Whether a broadcast to them is for this one, which is not connected.
    bool is_meant(target const&) const;
    /// A broadcast that comes between `restore` and `resume`: it is missed, too.
    void miss(encoded const&, std::uint64_t sequence);
    /// What it has missed, then the pid for the answer to CONNECT.
    void resume(std::string& connect_text);
    void save_session(disconnect_reason);
    /// For the listeners of what is sent.
    void show_outgoing(encoded const&);
    void hold(packet const&);
    void run_held();
    void on_ack(packet const&);
    /// Out of the namespace: handlers are told, rooms left, the slot freed.
    void end(disconnect_reason);
    void settle(std::uint64_t ack_id, result<arguments>);
    void finished();

    nsp_core& core;
    nsp_part& part;
    client_link* link; // null once it has ended
    std::array<char, 20> name{};
    std::shared_ptr<std::string const> long_name; // see `socket::long_id_`; keeps `core` too
    std::uint32_t slot = 0, generation = 0, index = 0, mark = 0;
    std::uint16_t unfinished = 0;
    bool connected = false, paused = false, ending = false;
    bool shows_outgoing = false; // somebody listens for what is sent
    std::vector<room*> rooms;
    std::string auth; // JSON text; empty: none
    std::unique_ptr<socket_extras> more;
};

/// Lets an event through the middlewares of its socket, then to its listeners.
void run_event_middlewares(socket_node&, packet const&, std::string_view event);

/// The sockets of one namespace on one shard, and its handlers: each shard has its own copy, so
/// nothing is locked.
struct nsp_part {
    nsp_part(nsp_core& c, net::shard& h, net::task_group& t, std::uint8_t n)
        : core(c)
        , home(h)
        , tasks(t)
        , index(n) {}

    socket_node* find(std::uint32_t slot, std::uint32_t generation) {
        if (slot >= slots.size() || slots[slot].generation != generation)
            return nullptr;
        return slots[slot].node.get();
    }
    socket_node& make(client_link&);
    void enter(socket_node&); // connected: counts in broadcasts
    void remove(socket_node&);
    /// The sockets that are meant, each once. Valid until the next call.
    std::vector<socket_node*> const& select(target const&);
    void deliver(encoded const&, target const&, broadcast_flags);
    /// Its listeners for rooms, made on first use.
    room_watch& watch_rooms();
    void forget_handlers();
    /// With `watch` only. fresh, gone: the room was or is empty on this shard.
    void room_joined(std::string const& name, std::string const& id, bool fresh);
    void room_left(std::string const& name, std::string const& id, bool gone);

    struct slot_entry {
        std::unique_ptr<socket_node> node;
        std::uint32_t generation = 0;
    };

    nsp_core& core;
    net::shard& home;
    net::task_group& tasks;
    std::uint8_t index;
    std::vector<slot_entry> slots;
    std::vector<std::uint32_t> free_slots;
    std::vector<socket_node*> members;   // connected ones
    std::vector<socket_node*> returning; // restored ones that are not connected yet
    std::unordered_map<std::string_view, socket_node*> by_id;
    std::unordered_map<std::string_view, std::unique_ptr<room>> rooms;
    std::vector<socket_node*> selected;
    std::uint32_t epoch = 0;

    listener_table listeners;
    std::vector<std::function<void(socket)>> on_connection;
    std::vector<std::function<void(socket, disconnect_reason)>> on_disconnect;
    std::deque<middleware> middlewares; // grows while some run
    std::vector<std::pair<std::string, nsp::server_side_handler>> on_server_side;
    std::unique_ptr<room_watch> watch;
};

class nsp_core final : public local_sockets,
                       public ack_target,
                       public std::enable_shared_from_this<nsp_core> {
  public:
    /// `parent`: that of one that is transient.
    nsp_core(server_core&, std::string name, parent_core* parent = nullptr);
    ~nsp_core() override;

    std::string_view name() const { return name_; }

    /// Goes when its last socket has left: `cleanup_empty_child_namespaces`. Any other lives as
    /// long as its server.
    bool transient() const { return parent_ != nullptr; }
    parent_core* parent() const { return parent_; }
    /// Keeps it alive where that is needed: for one that is not transient nothing is counted. Null
    /// for one that is being destroyed.
    std::shared_ptr<nsp_core> ref() {
        return transient() ? weak_from_this().lock()
                           : std::shared_ptr<nsp_core>(std::shared_ptr<void>(), this);
    }
    /// Text that keeps it as `ref` does.
    std::shared_ptr<std::string const> kept_text(std::string);
    /// It has been cleaned up; handles keep it.
    bool gone() const { return gone_.load(std::memory_order_relaxed); }
    /// Cleans it up: its handlers, which may hold handles of it, go on every shard.
    void retire();
    /// Its server is being destroyed: the same, now, and the adapter.
    void shut();

    server_core& server() { return server_; }
    nsp_part& part(std::uint8_t shard) { return *parts_[shard]; }
    adapter& reach() { return *adapter_; }
    std::uint64_t next_ack_id() { return ack_ids_.fetch_add(1, std::memory_order_relaxed); }
    std::size_t size() const { return size_.load(std::memory_order_relaxed); }
    void count(std::ptrdiff_t by) {
        size_.fetch_add(static_cast<std::size_t>(by), std::memory_order_relaxed);
    }

    /// While nobody else can see it, `each_part` need not go to the shards.
    void set_private(bool on) { private_ = on; }

    /// Runs `fn(part)` on every shard.
    template <class Fn>
    void each_part(Fn fn) {
        for (auto& p : parts_) {
            if (private_ || p->home.here())
                fn(*p);
            else if (auto keep = ref())
                p->home.post([fn, &part = *p, keep = std::move(keep)] { fn(part); });
        }
    }

    /// The same for what adds handlers or takes them back.
    template <class Fn>
    void configure(Fn fn) {
        each_part([fn = std::move(fn)](nsp_part& p) {
            if (!p.core.gone())
                fn(p);
        });
    }

    /// Runs `fn(node)` on the node's shard, if it is still there.
    template <class Fn>
    void with(std::uint8_t shard, std::uint32_t slot, std::uint32_t generation, Fn fn) {
        auto& p = *parts_[shard];
        if (p.home.here()) {
            if (auto* const n = p.find(slot, generation))
                fn(*n);
            return;
        }
        if (auto keep = ref())
            p.home.post(
                [&p, slot, generation, fn = std::move(fn), keep = std::move(keep)]() mutable {
                    if (auto* const n = p.find(slot, generation))
                        fn(*n);
                });
    }

    std::string_view ack_nsp() const override { return name_; }
    void send_ack(std::uint8_t shard, std::uint32_t slot, std::uint32_t generation,
                  encoded p) override {
        with(shard, slot, generation, [p = std::move(p)](socket_node& n) { n.send(p, false); });
    }

    void deliver(encoded const&, target const&, broadcast_flags) override;
    void deliver_with_ack(encoded const&, std::uint64_t id, target const&, broadcast_flags,
                          milliseconds timeout, std::function<void(ack_responses)> done) override;
    void join_local(target const&, std::vector<std::string> rooms) override;
    void leave_local(target const&, std::vector<std::string> rooms) override;
    void disconnect_local(target const&, bool close) override;
    void fetch_local(target const&, std::function<void(std::vector<socket_info>)>) override;
    void ids_local(target const&, std::function<void(std::vector<std::string>)>) override;
    void rooms_local(std::function<void(std::vector<std::string>)>) override;
    void ask_local(std::function<encoded(std::uint64_t)> const& make, target const&,
                   broadcast_flags, milliseconds timeout, std::function<void(std::size_t)> counted,
                   std::function<void(json)> answered) override;
    void watch_rooms(std::function<void(std::string const&, bool, bool)>) override;
    void server_side_event(std::string event, arguments args,
                           std::function<void(arguments)> reply) override;
    room_census& census() { return census_; }
    std::size_t claims = 0; ///< for its `nsp_table`, under the lock of that
    /// Whether sessions may come back.
    bool recovers() const { return recovers_; }

  private:
    server_core& server_;
    std::string name_;
    std::vector<std::unique_ptr<nsp_part>> parts_;
    std::unique_ptr<adapter> adapter_;
    room_census census_;
    std::atomic<std::uint64_t> ack_ids_{0};
    std::atomic<std::size_t> size_{0};
    parent_core* parent_;
    std::atomic<bool> gone_{false};
    bool private_ = false, recovers_ = false;
};

} // namespace mad::inline MAD_ABI::socketio::detail

#endif
