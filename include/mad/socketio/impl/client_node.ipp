#ifndef MAD_SOCKETIO_IMPL_CLIENT_NODE_IPP
#define MAD_SOCKETIO_IMPL_CLIENT_NODE_IPP

#include <mad/core/json_parse.hpp>
#include <mad/socketio/detail/client_core.hpp>
#include <mad/socketio/detail/last_string.hpp>

#include <algorithm>

namespace mad::inline MAD_ABI::socketio::detail {

MAD_DECL void client_acks::send_ack(std::uint8_t, std::uint32_t, std::uint32_t generation,
                                    encoded p) {
    auto n = node_.lock();
    if (!n)
        return;
    auto& home = n->home;
    home.dispatch([n = std::move(n), generation, p = std::move(p)] {
        // Another connection knows nothing of that question.
        if (n->core && n->joined() && n->generation == generation)
            n->core->transmit(p);
    });
}

MAD_DECL client_node::client_node(client_core& c, net::shard& h, std::string n, bool queues)
    : home(h)
    , shared(std::make_shared<client_shared>(std::move(n), queues))
    , core(&c) {}

/// The event that is being handled; on the stack of `client_node::on_event`.
class client_event final : public event_context {
  public:
    client_event(std::shared_ptr<client_node> n, packet const& p, std::string_view name,
                 bool outgoing = false)
        : node_(std::move(n))
        , packet_(p)
        , name_(name)
        , outgoing_(outgoing) {}

    socket const& who() const override {
        static socket const nobody;
        return nobody;
    }
    packet const& what() const override { return packet_; }
    std::string_view name() const override { return name_; }

    ack reply() override {
        if (!packet_.view.id || outgoing_)
            return {};
        return ack(node_->answers, node_->generation, *packet_.view.id);
    }

    void mismatch(error_code ec) override {
        if (!node_->core)
            return;
        node_->core->settings().log.debug("socketio.event.mismatch",
                                          {{"event", name_}, {"error", ec.message()}});
        if (auto r = reply(); r.wanted()) {
            json answer = json::object();
            answer["error"] = ec.message();
            r(answer);
        }
    }

    void start(boost::asio::awaitable<void> task) override {
        if (!node_->core)
            return;
        ++node_->unfinished;
        // The client stays until its last handler has ended.
        auto& core = *node_->core;
        core.tasks().spawn(std::move(task), [&core, weak = std::weak_ptr<client_node>(node_),
                                             name = std::string(name_)](std::exception_ptr e) {
            try {
                if (e)
                    std::rethrow_exception(e);
            } catch (...) {
                core.fault(name);
            }
            if (auto const n = weak.lock())
                n->finished();
            core.retire_if_idle();
        });
        if (!node_->paused && node_->unfinished >= node_->core->settings().max_unfinished) {
            node_->paused = true;
            node_->core->pause();
        }
    }

  private:
    std::shared_ptr<client_node> node_;
    packet const& packet_;
    std::string_view name_;
    bool outgoing_; // our own: nobody waits for an answer
};

MAD_DECL void client_node::finished() {
    --unfinished;
    if (core && paused && unfinished <= core->settings().max_unfinished / 2) {
        paused = false;
        core->resume();
    }
}

MAD_DECL void client_node::on_packet(packet const& p) {
    switch (p.view.type) {
    case packet_type::connect:
        return on_connected(p.view);
    case packet_type::connect_error:
        return on_error(p.view);
    case packet_type::disconnect:
        if (!shared->joined.exchange(false, std::memory_order_relaxed))
            return;
        active = false;
        core->released();
        return left(disconnect_reason::io_server_disconnect);
    case packet_type::event:
    case packet_type::binary_event:
        return joined() ? on_event(p) : keep_early(p);
    case packet_type::ack:
    case packet_type::binary_ack:
        if (p.view.id && joined() && acks_.contains(*p.view.id))
            settle(*p.view.id, read_arguments(p));
        return;
    }
}

/// A server may speak before it lets in: one that recovers sends what was missed.
MAD_DECL void client_node::keep_early(packet const& p) {
    if (!active || !asked)
        return;
    auto const& s = core->settings();
    std::string text;
    append_header(text, p.view.type, p.view.attachments, p.view.nsp, p.view.id);
    text.append(p.view.payload);
    auto bytes = text.size();
    for (auto const& a : p.attachments)
        bytes += a.size();
    if (early_lost_ || early_.size() >= s.max_buffered_packets ||
        early_bytes_ + bytes > s.max_buffered_bytes) {
        if (!std::exchange(early_lost_, true)) // what comes later would be out of order
            s.log.warn("socketio.client.early_events_lost",
                       {{"nsp", name()}, {"packets", early_.size()}, {"bytes", early_bytes_}});
        return;
    }
    early_bytes_ += bytes;
    early_.push_back({std::move(text), {p.attachments.begin(), p.attachments.end()}});
}

MAD_DECL void client_node::forget_early() {
    early_.clear();
    early_bytes_ = 0;
}

MAD_DECL void client_node::on_error(packet_view const& p) {
    server_error e;
    auto const parsed = parse_json(p.payload, core->settings().packets.json);
    auto const data = parsed ? *parsed : json();
    bool const old = core->old_server();
    if (data.is_object()) {
        if (auto const m = data.find("message"); m != data.end() && m->is_string())
            e.message = m->get<std::string>();
        // An older server sends nothing but the data. (A 4.x server that takes such clients says
        // `Invalid namespace` as an object all the same.)
        if (old && (e.message.empty() || data.size() > 1))
            append_json(e.data.emplace(), data);
        else if (auto const d = data.find("data"); !old && d != data.end())
            append_json(e.data.emplace(), *d);
    } else if (data.is_string()) {
        e.message = data.get<std::string>();
    } else if (!data.is_null()) {
        append_json(e.data.emplace(), data);
    }
    if (!asked) {
        for (std::size_t i = 0; old && i < server_error_handlers.size() && core && joined(); ++i) {
            auto const fn = server_error_handlers[i];
            try {
                fn(e);
            } catch (...) {
                if (core)
                    core->fault("error");
            }
        }
        return;
    }
    asked = false;
    forget_early();
    if (!active)
        return;
    active = false;
    core->released();
    on_failure({make_error_code(error::connect_refused), e.message, e.data});
}

MAD_DECL void client_node::on_link_end(disconnect_reason why, error_code ec) {
    bool const waited = std::exchange(asking, false);
    bool const pending = std::exchange(asked, false) || waited;
    forget_early();
    if (joined())
        left(why);
    else if (active && pending)
        on_failure({ec ? ec : make_error_code(error::session_closed), std::string(to_string(why)),
                    std::nullopt});
}

MAD_DECL void client_node::left(disconnect_reason why) {
    shared->joined.store(false, std::memory_order_relaxed);
    id.clear();
    paused = false; // the next connection is not
    for (std::size_t i = 0; i < disconnect_handlers.size() && core; ++i) {
        auto const fn = disconnect_handlers[i];
        try {
            fn(why);
        } catch (...) {
            if (core)
                core->fault("disconnect");
        }
    }
    // What has not been sent yet may still be answered after the return.
    std::vector<std::uint64_t> lost;
    for (auto const& [ack_id, a] : acks_)
        if (a->sent)
            lost.push_back(ack_id);
    std::sort(lost.begin(), lost.end());
    for (auto const ack_id : lost)
        settle(ack_id, error_code(error::not_acknowledged));
}

MAD_DECL void client_node::on_event(packet const& p) {
    auto const view = event_name(p.view);
    std::string scratch;
    auto const event = view.escaped ? view.read(scratch) : view.raw;
    if (event.empty() && p.view.payload.empty())
        return;
    client_event context(answers->node(), p, event);
    auto const mine = generation;
    auto const call = [&](listener const& fn) {
        if (!core || !joined() || generation != mine)
            return; // an earlier handler has disconnected it
        try {
            fn(context);
        } catch (...) {
            if (core)
                core->fault(event);
        }
    };
    listeners.run(listener_kind::any, call);
    if (!listeners.run(event, call))
        listeners.run(listener_kind::unhandled, call);
    if (!pid.empty() && !p.view.id)
        if (auto const last = last_string(p.view.payload); !last.empty())
            offset = last;
}

MAD_DECL void client_node::forget() {
    core = nullptr;
    active = asked = asking = false;
    shared->joined.store(false, std::memory_order_relaxed);
    listeners.clear();
    connect_handlers.clear();
    disconnect_handlers.clear();
    error_handlers.clear();
    server_error_handlers.clear();
    auth_source = nullptr;
    buffer_.clear();
    buffered_bytes_ = 0;
    forget_early();
    tell_waiting(error_code(error::session_closed));
    for (auto& t : std::exchange(tries_, {})) {
        try {
            if (t.done)
                t.done(error_code(error::session_closed));
        } catch (...) {
        }
    }
    while (!acks_.empty())
        settle(acks_.begin()->first, error_code(error::session_closed));
}

} // namespace mad::inline MAD_ABI::socketio::detail

#endif
