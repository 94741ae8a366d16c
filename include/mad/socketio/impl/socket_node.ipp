#ifndef MAD_SOCKETIO_IMPL_SOCKET_NODE_IPP
#define MAD_SOCKETIO_IMPL_SOCKET_NODE_IPP

#include <mad/socketio/detail/server_core.hpp>

#include <algorithm>

namespace mad::inline MAD_ABI::socketio::detail {

MAD_DECL awaited_ack::awaited_ack(socket_node& n, std::uint64_t i, ack_callback d)
    : node(n)
    , id(i)
    , done(std::move(d))
    , limit(
          [](void* p) {
              auto& self = *static_cast<awaited_ack*>(p);
              self.node.settle(self.id, error_code(error::timeout));
          },
          this) {}

MAD_DECL socket socket_node::handle() const {
    socket s;
    s.core_ = &core;
    s.slot_ = slot;
    s.generation_ = generation;
    s.shard_ = part.index;
    s.id_ = name;
    s.long_id_ = long_name;
    return s;
}

MAD_DECL void socket_node::send(encoded const& p, bool is_volatile) {
    if (!link)
        return;
    if (shows_outgoing)
        show_outgoing(p);
    if (!link) // a listener has ended it
        return;
    auto& s = link->session();
    if (is_volatile && !s.writable())
        return;
    auto const out = [&s](net::wire_block const& b) { return s.send(b); };
    if (p.packed() || core.server().settings().parser == packet_parser::json) {
        p.for_each(s.form(), out);
    } else {
        auto whole = p;
        whole.pack();
        whole.for_each(s.form(), out);
    }
}

MAD_DECL void socket_node::join(std::string const& room_name) {
    if (!link || ending || room_name == id())
        return;
    auto it = part.rooms.find(room_name);
    bool const fresh = it == part.rooms.end();
    if (fresh) {
        auto made = std::make_unique<room>();
        made->name = room_name;
        std::string_view const key = made->name;
        it = part.rooms.emplace(key, std::move(made)).first;
    }
    auto* const r = it->second.get();
    if (std::find(rooms.begin(), rooms.end(), r) != rooms.end())
        return;
    rooms.push_back(r);
    r->members.push_back(this);
    if (part.watch)
        part.room_joined(room_name, std::string(id()), fresh);
}

MAD_DECL void socket_node::leave(std::string_view room_name) {
    auto const it = part.rooms.find(room_name);
    if (it == part.rooms.end())
        return;
    auto* const r = it->second.get();
    if (std::erase(rooms, r) == 0)
        return;
    // Order within a room means nothing: the last one takes the place.
    auto const m = std::find(r->members.begin(), r->members.end(), this);
    *m = r->members.back();
    r->members.pop_back();
    bool const gone = r->members.empty();
    if (gone)
        part.rooms.erase(it);
    if (part.watch)
        part.room_left(std::string(room_name), std::string(id()), gone);
}

MAD_DECL void socket_node::leave_all() {
    while (!rooms.empty())
        leave(std::string(rooms.back()->name));
    if (part.watch && index < part.members.size() && part.members[index] == this)
        part.room_left(std::string(id()), std::string(id()), true);
}

MAD_DECL void report_fault(nsp_core& core, std::string_view event, std::exception_ptr e) {
    std::string what = "unknown exception";
    try {
        std::rethrow_exception(e);
    } catch (std::exception const& x) {
        what = x.what();
    } catch (...) {
    }
    core.server().settings().log.error("socketio.handler.fault",
                                       {{"event", event}, {"what", what}});
}

/// The event that is being handled; on the stack of `socket_node::on_event`.
class running_event final : public event_context {
  public:
    running_event(socket_node& n, packet const& p, std::string_view name)
        : node_(n)
        , packet_(p)
        , name_(name)
        , who_(n.handle()) {}

    socket_node& node() const { return node_; }

    socket const& who() const override { return who_; }
    packet const& what() const override { return packet_; }
    std::string_view name() const override { return name_; }

    ack reply() override {
        if (!packet_.view.id)
            return {};
        return ack(node_.core.ref(), node_.part.index, node_.slot, node_.generation,
                   *packet_.view.id);
    }

    void mismatch(error_code ec) override {
        log().debug("socketio.event.mismatch", {{"event", name_}, {"error", ec.message()}});
        if (auto r = reply(); r.wanted()) {
            json answer = json::object();
            answer["error"] = ec.message();
            r(answer);
        }
    }

    void start(boost::asio::awaitable<void> task) override {
        ++node_.unfinished;
        node_.part.tasks.spawn(std::move(task), [core = node_.core.ref(), shard = node_.part.index,
                                                 slot = node_.slot, generation = node_.generation,
                                                 name = std::string(name_)](std::exception_ptr e) {
            if (e)
                report_fault(*core, name, e);
            core->with(shard, slot, generation, [](socket_node& n) { n.finished(); });
        });
    }

  private:
    logger const& log() const { return node_.core.server().settings().log; }

    socket_node& node_;
    packet const& packet_;
    std::string_view name_;
    socket who_;
};

/// Calls listeners for one event.
inline auto calling(running_event& context) {
    return [&context](listener const& fn) {
        if (!context.node().link)
            return; // an earlier handler has disconnected it
        try {
            fn(context);
        } catch (...) {
            report_fault(context.node().core, context.name(), std::current_exception());
        }
    };
}

MAD_DECL void socket_node::on_event(packet const& p) {
    if (unfinished >= core.server().settings().max_unfinished || (more && !more->held.empty()))
        return hold(p);
    run_event(p);
}

/// Keeps an event until a handler has finished. Acknowledgements go on being read: handlers may be
/// waiting for them. Reading stops only when too much is kept.
MAD_DECL void socket_node::hold(packet const& p) {
    auto& x = extras();
    held_event h(p, core.name());
    x.held_bytes += h.size();
    x.held.push_back(std::move(h));
    if (!paused && link && (x.held.size() > most_held || x.held_bytes > most_held_bytes)) {
        paused = true;
        link->session().pause();
    }
}

MAD_DECL void socket_node::run_event(packet const& p) {
    auto const view = event_name(p.view);
    thread_local std::string scratch;
    // A handler may run another socket's events (never in practice): the name must not change.
    auto const event_text = view.escaped ? std::string(view.read(scratch)) : std::string();
    auto const event = view.escaped ? std::string_view(event_text) : view.raw;
    if (event.empty() && p.view.payload.empty())
        return;
    auto const any = listener_kind::any;
    if ((more && more->listeners.has(any)) || part.listeners.has(any))
        show_incoming(p, event);
    if (!link)
        return;
    if (more && !more->middlewares.empty())
        return run_event_middlewares(*this, p, event);
    handle_event(p, event);
}

MAD_DECL void socket_node::show_incoming(packet const& p, std::string_view event) {
    running_event context(*this, p, event);
    auto const call = calling(context);
    if (more)
        more->listeners.run(listener_kind::any, call);
    part.listeners.run(listener_kind::any, call);
}

MAD_DECL void socket_node::handle_event(packet const& p, std::string_view event) {
    running_event context(*this, p, event);
    auto const call = calling(context);
    bool taken = false;
    if (more)
        taken = more->listeners.run(event, call);
    taken = part.listeners.run(event, call) || taken;
    if (taken)
        return;
    if (more)
        more->listeners.run(listener_kind::unhandled, call);
    part.listeners.run(listener_kind::unhandled, call);
}

MAD_DECL void socket_node::on_ack(packet const& p) {
    if (!p.view.id || !more || !more->acks.contains(*p.view.id))
        return;
    settle(*p.view.id, read_arguments(p));
}

MAD_DECL void socket_node::settle(std::uint64_t ack_id, result<arguments> answer) {
    if (!more)
        return;
    auto n = more->acks.extract(ack_id);
    if (!n)
        return;
    auto waiting = std::move(n.mapped());
    waiting->limit.cancel();
    auto const done = std::move(waiting->done);
    part.home.reap(std::move(waiting)); // its own deadline may be running
    try {
        done(std::move(answer));
    } catch (...) {
        report_fault(core, "ack", std::current_exception());
    }
}

MAD_DECL void socket_node::finished() {
    --unfinished;
    while (link && more && !more->held.empty() &&
           unfinished < core.server().settings().max_unfinished)
        run_held();
    if (paused && link && more->held.size() < most_held / 2) {
        paused = false;
        link->session().resume();
    }
}

MAD_DECL void socket_node::run_held() {
    auto const h = std::move(more->held.front());
    more->held.pop_front();
    more->held_bytes -= h.size();
    run_event(h.as_packet());
}

/// Whether it was the peer that left: what it had sent before is still handled.
inline bool peer_left(disconnect_reason why) {
    return why == disconnect_reason::client_namespace_disconnect ||
           why == disconnect_reason::transport_close || why == disconnect_reason::transport_error ||
           why == disconnect_reason::ping_timeout;
}

MAD_DECL void socket_node::end(disconnect_reason why) {
    if (!link || std::exchange(ending, true))
        return;
    // First of all: a handler may end the connection, which ends whatever the link still knows.
    auto& session = link->session();
    link->forget(*this);
    auto const self = handle();
    // Handlers run on their shard or not at all: a server that is destroyed ends its sockets from
    // another thread.
    bool const here = part.home.here();
    if (connected && here && peer_left(why))
        while (more && !more->held.empty())
            run_held();
    bool const was = std::exchange(connected, false) && here;
    auto const tell = [&](auto const& handlers, auto const&... args) {
        for (std::size_t i = 0; i < handlers.size(); ++i) {
            auto const fn = handlers[i]; // registering another may move the list
            try {
                fn(args...);
            } catch (...) {
                report_fault(core, "disconnect", std::current_exception());
            }
        }
    };
    if (was && more)
        tell(more->on_disconnecting, why);
    if (core.recovers() && here)
        save_session(was ? why : disconnect_reason::server_namespace_disconnect);
    leave_all();
    if (std::exchange(paused, false))
        session.resume();
    link = nullptr;
    if (was && more)
        tell(more->on_disconnect, why);
    if (was)
        tell(part.on_disconnect, self, why);
    if (more && here)
        while (!more->acks.empty())
            settle(more->acks.begin()->first, error_code(error::not_acknowledged));
    part.remove(*this);
}

} // namespace mad::inline MAD_ABI::socketio::detail

#endif
