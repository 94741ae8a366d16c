#ifndef MAD_SOCKETIO_IMPL_SOCKET_EVENTS_IPP
#define MAD_SOCKETIO_IMPL_SOCKET_EVENTS_IPP

#include <mad/socketio/detail/server_core.hpp>

#include <atomic>

namespace mad::inline MAD_ABI::socketio {

namespace detail {

/// One event's way through the middlewares of its socket. Copies of `next` share a step.
struct event_walk : std::enable_shared_from_this<event_walk> {
    nsp_core& core;
    std::shared_ptr<nsp_core> const keep;
    std::weak_ptr<void> alive; // of the server
    held_event event;
    std::string name;
    arguments args;
    std::uint32_t slot, generation;
    std::uint8_t shard;
    std::size_t step = 0;
    bool apart = false;   // the call that brought the event is over
    bool changed = false; // `name` and `args` count, not `event`

    event_walk(socket_node& n, packet const& p, std::string_view event_name, arguments a)
        : core(n.core)
        , keep(n.core.ref())
        , alive(n.core.server().life())
        , event(p, n.core.name())
        , name(event_name)
        , args(std::move(a))
        , slot(n.slot)
        , generation(n.generation)
        , shard(n.part.index) {}

    /// What one middleware is given: it speaks once, or drops the event by letting go.
    struct turn {
        std::shared_ptr<event_walk> walk;
        std::size_t step;
        std::atomic<bool> spoken{false};

        turn(std::shared_ptr<event_walk> w, std::size_t s)
            : walk(std::move(w))
            , step(s) {}
        turn(turn const&) = delete;
        turn& operator=(turn const&) = delete;
        ~turn() {
            // A copy may be kept for longer than there is a server.
            if (auto const there = walk->alive.lock(); there && !spoken)
                walk->on_shard([](event_walk& w, socket_node& n) { w.leave(n); }, step);
        }

        void say(std::optional<connect_error> e) {
            auto const there = walk->alive.lock();
            if (spoken.exchange(true) || !there)
                return;
            walk->on_shard(
                [e = std::move(e)](event_walk& w, socket_node& n) {
                    if (!e)
                        return w.go(n);
                    n.refuse_event(w.name, *e);
                    w.leave(n);
                },
                step);
        }
    };

    template <class Fn>
    void on_shard(Fn fn, std::size_t at) {
        core.with(shard, slot, generation,
                  [self = shared_from_this(), fn = std::move(fn), at](socket_node& n) {
                      if (self->step == at)
                          fn(*self, n);
                  });
    }

    void go(socket_node& n) {
        if (!n.link)
            return leave(n);
        if (step >= n.more->middlewares.size()) {
            if (changed)
                rewrite();
            n.handle_event(event.as_packet(), name);
            return leave(n);
        }
        auto const [fn, changes] = n.more->middlewares[step]; // it may register another
        auto const mine = std::make_shared<turn>(shared_from_this(), ++step);
        changed = changed || changes;
        try {
            fn(name, args, [mine](std::optional<connect_error> e) { mine->say(std::move(e)); });
        } catch (...) {
            report_fault(core, name, std::current_exception());
            mine->say(connect_error{"internal error", std::nullopt});
        }
    }

    /// The event as it is now, for listeners, which read text and attachments.
    void rewrite() {
        held_event now(event.view.nsp);
        now.view.id = event.view.id;
        now.payload = '[';
        append_json_string(now.payload, name);
        for (auto const& a : args.values) {
            now.payload += ',';
            encode_args(a, now.payload, now.attachments);
        }
        now.payload += ']';
        if (!now.attachments.empty())
            now.view.type = packet_type::binary_event;
        now.view.attachments = static_cast<std::uint32_t>(now.attachments.size());
        event = std::move(now);
    }

    /// It occupies no place any more.
    void leave(socket_node& n) {
        step = static_cast<std::size_t>(-1);
        if (apart)
            n.finished();
        else
            --n.unfinished;
    }
};

MAD_DECL void run_event_middlewares(socket_node& n, packet const& p, std::string_view event) {
    auto args = read_arguments(p);
    if (!args)
        return;
    auto const walk = std::make_shared<event_walk>(n, p, event, std::move(*args));
    ++n.unfinished;
    walk->go(n);
    walk->apart = true;
}

MAD_DECL void socket_node::refuse_event(std::string_view event, connect_error const& e) {
    if (!more || more->on_error.empty()) {
        core.server().settings().log.warn("socketio.event.refused",
                                          {{"event", event}, {"message", e.message}});
        return;
    }
    for (std::size_t i = 0; more && i < more->on_error.size(); ++i) {
        auto const fn = more->on_error[i]; // registering another may move the list
        try {
            fn(e);
        } catch (...) {
            report_fault(core, "error", std::current_exception());
        }
    }
}

/// A packet on its way out, as its listeners see it.
class shown_event final : public event_context {
  public:
    shown_event(socket_node& n, packet const& p, std::string_view name)
        : node_(n)
        , packet_(p)
        , name_(name)
        , who_(n.handle()) {}

    socket const& who() const override { return who_; }
    packet const& what() const override { return packet_; }
    std::string_view name() const override { return name_; }
    ack reply() override { return {}; }
    void mismatch(error_code) override {}
    void start(boost::asio::awaitable<void> task) override {
        node_.part.tasks.spawn(std::move(task), [keep = node_.core.ref()](std::exception_ptr e) {
            if (e)
                report_fault(*keep, "outgoing", e);
        });
    }

  private:
    socket_node& node_;
    packet const& packet_;
    std::string_view name_;
    socket who_;
};

MAD_DECL void socket_node::show_outgoing(encoded const& p) {
    packet_limits limits; // our own: nothing is judged here
    limits.max_attachments = limits.max_attachment_bytes = static_cast<std::size_t>(-1);
    limits.max_name = static_cast<std::size_t>(-1);
    limits.json = json_limits::trusted();
    limits.json.lone_surrogates = true;
    auto const view = parse_packet(p.text().payload().substr(1), limits);
    if (!view || !view->is_event())
        return;
    std::vector<std::string> attachments;
    for (auto const& a : p.attachments())
        attachments.emplace_back(a.payload());
    packet shown(*view);
    shown.attachments = attachments;
    auto const event = event_name(*view).text();
    shown_event context(*this, shown, event);
    more->listeners.run(listener_kind::outgoing, [&](listener const& fn) {
        try {
            fn(context);
        } catch (...) {
            report_fault(core, event, std::current_exception());
        }
    });
}

} // namespace detail

MAD_DECL listener_id socket::add_listener(std::string event, listener fn,
                                          detail::registration how) const {
    run([event = std::move(event), fn = std::move(fn), how](detail::socket_node& n) mutable {
        n.extras().listeners.add(std::move(event), std::move(fn), how);
        if (how.kind == detail::listener_kind::outgoing)
            n.shows_outgoing = true;
    });
    return how.id;
}

MAD_DECL void socket::off(std::string_view event) const {
    run([name = std::string(event)](detail::socket_node& n) {
        if (n.more)
            n.more->listeners.remove(name);
    });
}

MAD_DECL void socket::off(listener_id id) const {
    run([id](detail::socket_node& n) {
        if (!n.more)
            return;
        n.more->listeners.remove(id);
        n.shows_outgoing = n.more->listeners.has(detail::listener_kind::outgoing);
    });
}

MAD_DECL void socket::remove(detail::listener_kind kind) const {
    run([kind](detail::socket_node& n) {
        if (!n.more)
            return;
        n.more->listeners.remove(kind);
        if (kind == detail::listener_kind::outgoing)
            n.shows_outgoing = false;
    });
}

MAD_DECL void socket::add_step(detail::event_step step) const {
    run([step = std::move(step)](detail::socket_node& n) {
        n.extras().middlewares.push_back(step);
    });
}

MAD_DECL void socket::on_error(std::function<void(connect_error const&)> fn) const {
    run([fn = std::move(fn)](detail::socket_node& n) { n.extras().on_error.push_back(fn); });
}

} // namespace mad::inline MAD_ABI::socketio

#endif
