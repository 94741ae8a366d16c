#ifndef MAD_SOCKETIO_IMPL_CLIENT_LINK_IPP
#define MAD_SOCKETIO_IMPL_CLIENT_LINK_IPP

#include <mad/core/json_text.hpp>
#include <mad/socketio/detail/nsp_name.hpp>
#include <mad/socketio/detail/server_core.hpp>

#include <algorithm>

namespace mad::inline MAD_ABI::socketio::detail {

MAD_DECL client_link::client_link(server_core& c, engine::session& s, std::uint8_t shard)
    : core_(c)
    , session_(s)
    , decoder_(c.settings().packets, c.settings().parser)
    , deadline_([](void* p) { static_cast<client_link*>(p)->on_deadline(); }, this)
    , tokens_(c.settings().packet_burst)
    , begun_(std::chrono::steady_clock::now())
    , filled_(begun_)
    , shard_(shard)
    , old_(s.rev() == engine::revision::eio3)
    , joined_once_(old_) { // it owes us no CONNECT
    arm();
}

/// A peer of revision 4 is in `/` without asking, once the middlewares agree.
MAD_DECL void client_link::on_open(engine::session&) {
    if (old_)
        connect("/", {});
}

/// One deadline for what a connection may keep us waiting for: its first namespace, and the
/// attachments of a packet.
MAD_DECL void client_link::arm() {
    auto& d = session_.home().deadlines();
    if (throttled_)
        return; // the deadline is in use; `on_deadline` comes back here
    if (decoder_.waiting()) {
        if (!deadline_.armed() || joined_once_)
            d.arm(deadline_, core_.settings().attachment_timeout);
    } else if (!joined_once_) {
        if (!deadline_.armed())
            // Counted from the start: a peer that is throttled meanwhile does not get it anew.
            d.arm(deadline_,
                  std::max(milliseconds(0), std::chrono::duration_cast<milliseconds>(
                                                begun_ + core_.settings().connect_timeout -
                                                std::chrono::steady_clock::now())));
    } else {
        deadline_.cancel();
    }
}

MAD_DECL void client_link::on_deadline() {
    if (throttled_) {
        throttled_ = false;
        session_.resume();
        return arm();
    }
    session_.close(engine::close_reason::forced_close);
}

MAD_DECL void client_link::count_packet() {
    auto const rate = core_.settings().max_packet_rate;
    if (rate <= 0)
        return;
    if (tokens_ < 1) {
        auto const now = std::chrono::steady_clock::now();
        std::chrono::duration<double> const passed = now - filled_;
        filled_ = now;
        tokens_ = std::min(core_.settings().packet_burst, tokens_ + rate * passed.count());
    }
    tokens_ -= 1;
    if (tokens_ < 0 && !throttled_) {
        throttled_ = true;
        session_.pause();
        session_.home().deadlines().arm(deadline_, milliseconds(250));
    }
}

MAD_DECL void client_link::on_message(engine::session&, std::string_view data, bool binary) {
    count_packet();
    bool const waited = decoder_.waiting();
    auto p = binary ? decoder_.feed_binary(data) : decoder_.feed_text(data);
    if (!p) {
        core_.settings().log.debug("socketio.packet.refused", {{"sid", session_.sid().substr(0, 6)},
                                                               {"error", p.error().message()}});
        return session_.close(engine::close_reason::forced_close);
    }
    if (*p)
        on_packet(**p);
    if (decoder_.waiting()) {
        if (!waited && session_.open())
            arm(); // once a packet: more of its attachments buy no more time
    } else if (deadline_.armed() && joined_once_ && !throttled_) {
        deadline_.cancel();
    }
}

MAD_DECL socket_node* client_link::find(std::string_view nsp) {
    for (auto* const n : sockets_)
        if (n->core.name() == nsp)
            return n;
    return nullptr;
}

MAD_DECL void client_link::on_packet(packet const& p) {
    if (p.view.type == packet_type::connect)
        return on_connect(p.view);
    // Nothing is implicit: whoever speaks before it has joined breaks the protocol.
    auto* const n = find(old_ ? split_nsp(p.view.nsp).name : p.view.nsp);
    if (!n || !n->connected)
        return session_.close(engine::close_reason::forced_close);
    switch (p.view.type) {
    case packet_type::event:
    case packet_type::binary_event:
        return n->on_event(p);
    case packet_type::ack:
    case packet_type::binary_ack:
        return n->on_ack(p);
    case packet_type::disconnect:
        return n->end(disconnect_reason::client_namespace_disconnect);
    default:
        return session_.close(engine::close_reason::forced_close);
    }
}

MAD_DECL void client_link::on_connect(packet_view const& p) {
    if (!old_)
        return connect(p.nsp, std::string(p.payload));
    // What it has to say stands behind the name.
    auto const [name, query] = split_nsp(p.nsp);
    connect(name, query.empty() ? std::string() : query_as_json(query));
}

MAD_DECL void client_link::connect(std::string_view name, std::string auth) {
    if (find(name))
        return session_.close(engine::close_reason::forced_close);
    if (name.size() > core_.settings().packets.max_name) {
        auto cut = std::min<std::size_t>(64, name.size() - 1);
        while ((static_cast<unsigned char>(name[cut]) & 0xc0) == 0x80) // inside a character
            --cut;
        return send_unknown(name.substr(0, cut));
    }
    if (sockets_.size() >= core_.settings().max_namespaces)
        return send_connect_error(name, {"too many namespaces", std::nullopt});
    if (auto nsp = core_.namespaces().claim(name))
        return join(std::move(nsp), std::move(auth));
    if (core_.namespaces().parent(0))
        return ask_parents(name, std::move(auth));
    send_unknown(name);
}

MAD_DECL void client_link::join(nsp_claim claim, std::string auth) {
    auto& nsp = claim.pass_on();
    auto& n = nsp.part(shard_).make(*this);
    n.auth = std::move(auth);
    sockets_.push_back(&n);
    if (old_ || !nsp.recovers() || !ask_to_return(n))
        run_middlewares(n);
}

MAD_DECL void client_link::ask_parents(std::string_view name, std::string auth) {
    if (!checks_)
        checks_ = std::make_unique<std::vector<std::shared_ptr<nsp_check>>>();
    for (auto const& c : *checks_)
        if (c->name() == name)
            return session_.close(engine::close_reason::forced_close);
    if (sockets_.size() + checks_->size() >= core_.settings().max_namespaces)
        return send_connect_error(name, {"too many namespaces", std::nullopt});
    checks_->push_back(std::make_shared<nsp_check>(*this, core_, name, std::move(auth)));
    auto const mine = checks_->back();
    mine->go();
}

MAD_DECL void client_link::checked(nsp_check& c, nsp_claim nsp, nsp_refusal why) {
    auto const keep = c.shared_from_this();
    std::erase_if(*checks_, [&](auto const& each) { return each.get() == &c; });
    if (nsp)
        return join(std::move(nsp), c.auth());
    if (why == nsp_refusal::unknown)
        return send_unknown(c.name());
    send_connect_error(c.name(), {"too many namespaces", std::nullopt});
}

MAD_DECL bool client_link::send_packet(packet_type type, std::string_view nsp,
                                       std::string_view payload) {
    std::string text(1, '4');
    append_header(text, type, 0, nsp, std::nullopt);
    text += payload;
    if (core_.settings().parser == packet_parser::json)
        return session_.send(net::wire_block::message(text, false));
    encoded whole(text, {});
    whole.pack();
    return whole.for_each(session_.form(),
                          [this](net::wire_block const& b) { return session_.send(b); });
}

MAD_DECL void client_link::send_connect_error(std::string_view nsp, connect_error const& e) {
    std::string payload;
    if (old_) { // the data, or the message alone
        auto const data = std::string_view(e.data ? *e.data : std::string_view());
        if (!data.empty() && data != "null" && data != "false" && data != "0" && data != "\"\"")
            payload = data;
        else
            append_json_string(payload, e.message);
        send_packet(packet_type::connect_error, nsp, payload);
        return;
    }
    payload = "{\"message\":";
    append_json_string(payload, e.message);
    if (e.data)
        payload.append(",\"data\":").append(*e.data);
    payload += '}';
    send_packet(packet_type::connect_error, nsp, payload);
}

/// The same shape for both revisions, as socket.io 4; to the older one with the name that it makes
/// of it.
MAD_DECL void client_link::send_unknown(std::string_view nsp) {
    send_packet(packet_type::connect_error, old_ ? encode_nsp(nsp) : std::string(nsp),
                R"({"message":"Invalid namespace"})");
}

MAD_DECL void client_link::connected(socket_node& n) {
    joined_once_ = true;
    if (!decoder_.waiting() && !throttled_)
        deadline_.cancel();
    std::string payload;
    if (!old_) {
        payload = "{\"sid\":";
        append_json_string(payload, n.id());
        if (n.core.recovers()) {
            n.resume(payload);
            if (!n.link)
                return;
        }
        payload += '}';
    }
    n.part.enter(n);
    send_packet(packet_type::connect, n.core.name(), payload);
    if (!session_.open())
        return;
    auto const s = n.handle();
    // By index: a handler may register another one.
    for (std::size_t i = 0; i < n.part.on_connection.size() && n.link; ++i) {
        auto const fn = n.part.on_connection[i]; // registering another may move the list
        try {
            fn(s);
        } catch (...) {
            report_fault(n.core, "connection", std::current_exception());
        }
    }
}

MAD_DECL void client_link::refuse(socket_node& n, connect_error const& e) {
    send_connect_error(n.core.name(), e);
    n.end(disconnect_reason::server_namespace_disconnect);
}

MAD_DECL void client_link::forget(socket_node& n) {
    std::erase(sockets_, &n);
}

MAD_DECL void client_link::on_close(engine::session&, engine::close_reason why) {
    deadline_.cancel();
    decoder_.reset();
    if (checks_)
        for (auto const& c : *checks_)
            c->forget();
    auto const reason = reason_of(why);
    while (!sockets_.empty())
        sockets_.back()->end(reason);
}

MAD_DECL void client_link::close_all() {
    for (auto* const n : sockets_) {
        if (!n->connected)
            continue;
        send_packet(packet_type::disconnect, n->core.name(), {});
        if (!session_.open())
            return;
    }
    while (!sockets_.empty())
        sockets_.back()->end(disconnect_reason::server_namespace_disconnect);
    session_.close(engine::close_reason::forced_close);
}

/// One socket's way through its middlewares. Copies of `next` share it; each step counts once.
struct middleware_walk : std::enable_shared_from_this<middleware_walk> {
    nsp_core& core;
    std::shared_ptr<nsp_core> const keep; // copies of `next` may be kept for longer than the socket
    std::weak_ptr<void> const alive;      // of the server
    std::uint8_t shard;
    std::uint32_t slot, generation;
    std::size_t step = 0;

    middleware_walk(socket_node const& n)
        : core(n.core)
        , keep(n.core.ref())
        , alive(n.core.server().life())
        , shard(n.part.index)
        , slot(n.slot)
        , generation(n.generation) {}

    void go(socket_node& n) {
        auto& all = n.part.middlewares;
        if (step >= all.size())
            return n.link->connected(n);
        auto const mine = step++;
        // Copied: one that registers another must not pull the ground from under itself.
        auto const fn = all[mine];
        auto const self = shared_from_this();
        try {
            fn(n.handle(), [self, mine](std::optional<connect_error> e) {
                auto const there = self->alive.lock();
                if (!there)
                    return;
                self->core.with(self->shard, self->slot, self->generation,
                                [self, mine, e = std::move(e)](socket_node& node) {
                                    self->proceed(node, mine, e);
                                });
            });
        } catch (...) {
            report_fault(core, "middleware", std::current_exception());
            // It may have had its word already, or have sent the socket away.
            proceed(n, mine, connect_error{"internal error", std::nullopt});
        }
    }

    void proceed(socket_node& n, std::size_t mine, std::optional<connect_error> const& e) {
        if (step != mine + 1 || n.connected || !n.link)
            return;
        if (e)
            return n.link->refuse(n, *e);
        go(n);
    }
};

MAD_DECL void run_middlewares(socket_node& n) {
    std::make_shared<middleware_walk>(n)->go(n);
}

} // namespace mad::inline MAD_ABI::socketio::detail

#endif
