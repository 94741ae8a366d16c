#ifndef MAD_SOCKETIO_IMPL_SOCKET_RECOVERY_IPP
#define MAD_SOCKETIO_IMPL_SOCKET_RECOVERY_IPP

#include <mad/core/json_parse.hpp>
#include <mad/socketio/detail/server_core.hpp>

#include <algorithm>

namespace mad::inline MAD_ABI::socketio::detail {

MAD_DECL recovery_state& socket_node::recovery() {
    auto& r = extras().recovery;
    if (!r)
        r = std::make_unique<recovery_state>();
    return *r;
}

MAD_DECL void socket_node::send_kept(encoded const& p, std::uint64_t sequence) {
    if (sequence != 0) {
        auto& r = recovery();
        if (sequence <= r.sent_up_to)
            return;
        r.offered = true;
    }
    send(p, false);
}

MAD_DECL bool socket_node::restore(restored_session s) {
    if (s.session.id.size() != name.size())
        return false;
    // What is more than a peer may leave lying would only end it as a slow consumer, each time.
    auto const& limits = core.server().settings().engine.outbox;
    std::size_t packets = 0, bytes = 0;
    for (auto const& m : s.missed) {
        packets += 1 + m.attachments().size();
        bytes += m.size();
    }
    if (packets >= limits.max_blocks || bytes >= limits.max_bytes)
        return false;
    std::copy(s.session.id.begin(), s.session.id.end(), name.begin());
    auto& r = recovery();
    r.pid = std::move(s.session.pid);
    r.sent_up_to = s.sequence;
    r.missed = std::move(s.missed);
    r.numbers = std::move(s.numbers);
    r.recovered = r.offered = true;
    if (auto data = parse_json(s.session.data, json_limits::trusted()))
        extras().data = std::move(*data);
    for (auto const& room_name : s.session.rooms)
        join(room_name);
    part.returning.push_back(this);
    return true;
}

MAD_DECL bool socket_node::is_meant(target const& t) const {
    auto const any = [&](std::vector<std::string> const& names) {
        return std::any_of(names.begin(), names.end(), [&](std::string const& n) {
            return n == id() || std::any_of(rooms.begin(), rooms.end(),
                                            [&](auto const* r) { return r->name == n; });
        });
    };
    return (t.rooms.empty() || any(t.rooms)) && !any(t.except);
}

MAD_DECL void socket_node::miss(encoded const& p, std::uint64_t sequence) {
    auto& r = recovery();
    auto const& limits = core.server().settings().engine.outbox;
    if (sequence != 0 && sequence <= r.sent_up_to)
        return;
    // Over the limit it ends as a slow consumer when all that is sent.
    if (r.missed.size() > limits.max_blocks || r.missed_bytes > limits.max_bytes)
        return;
    r.missed_bytes += p.size();
    r.missed.push_back(p);
}

MAD_DECL void socket_node::resume(std::string& connect_text) {
    auto& r = recovery();
    if (r.recovered)
        std::erase(part.returning, this);
    if (r.pid.empty())
        r.pid = random_id(15);
    for (auto const& m : std::exchange(r.missed, {}))
        send(m, false);
    connect_text += ",\"pid\":";
    append_json_string(connect_text, r.pid);
}

MAD_DECL void socket_node::save_session(disconnect_reason why) {
    if (!more || !more->recovery)
        return;
    auto& r = *more->recovery;
    bool const may_return =
        why == disconnect_reason::transport_error || why == disconnect_reason::transport_close ||
        why == disconnect_reason::forced_close || why == disconnect_reason::ping_timeout ||
        why == disconnect_reason::server_shutting_down ||
        why == disconnect_reason::forced_server_close;
    saved_session s;
    s.id = id();
    s.pid = r.pid;
    s.shard = part.index;
    s.sequence = r.sent_up_to;
    s.numbers = std::move(r.numbers);
    if (!may_return || !r.offered) {
        if (r.recovered)
            core.reach().end_session(r.pid, std::move(s));
        return;
    }
    for (auto const* const each : rooms)
        s.rooms.push_back(each->name);
    if (!more->data.is_null())
        append_json(s.data, more->data);
    core.reach().save_session(std::move(s));
}

/// What a peer says that comes back: `{"pid":"..","offset":".."}` among the rest.
struct return_ticket {
    std::string pid, offset;

    explicit return_ticket(std::string_view auth) {
        json_limits limits;
        limits.lone_surrogates = true;
        (void)scan_object(auth, limits, [&](std::string_view key, json_span value) {
            auto* const to = json_string_equals(key, "pid")      ? &pid
                             : json_string_equals(key, "offset") ? &offset
                                                                 : nullptr;
            if (!to)
                return;
            to->clear();
            if (value.kind == json_kind::string)
                json_unescape(value.text, *to);
        });
    }
};

MAD_DECL bool ask_to_return(socket_node& n) {
    return_ticket ticket(n.auth_text());
    if (ticket.pid.empty() || ticket.offset.empty())
        return false;
    auto& core = n.core;
    auto const shard = n.part.index;
    auto const slot = n.slot, generation = n.generation;
    core.reach().restore_session(
        std::move(ticket.pid), std::move(ticket.offset),
        [keep = core.ref(), shard, slot, generation](std::optional<restored_session> s) {
            auto& part = keep->part(shard);
            part.home.dispatch([keep, &part, slot, generation, s = std::move(s)]() mutable {
                auto* const node = part.find(slot, generation);
                auto const pid = s ? s->session.pid : std::string();
                bool const good = node && node->link && s && node->restore(std::move(*s));
                if (!pid.empty() && !good)
                    part.core.reach().end_session(pid, std::nullopt);
                if (!node || !node->link)
                    return;
                auto const& r = part.core.server().settings().recovery;
                if (good && (!r || r->skip_middlewares))
                    node->link->connected(*node);
                else
                    run_middlewares(*node);
            });
        });
    return true;
}

} // namespace mad::inline MAD_ABI::socketio::detail

namespace mad::inline MAD_ABI::socketio {

MAD_DECL bool socket::recovered() const {
    auto const* const n = node();
    return n && n->more && n->more->recovery && n->more->recovery->recovered;
}

/// Through the adapter, which keeps it; the socket's own shard then sends it.
MAD_DECL void socket::send_to_keep(encoded const& p) const {
    core_->reach().send(p, id(),
                        [c = core_->ref(), shard = shard_, slot = slot_,
                         generation = generation_](encoded const& with, std::uint64_t sequence) {
                            auto& part = c->part(shard);
                            part.home.dispatch([c, &part, slot, generation, with, sequence] {
                                if (sequence != 0)
                                    part.core.reach().delivered(part.index, sequence);
                                if (auto* const n = part.find(slot, generation))
                                    n->send_kept(with, sequence);
                            });
                        });
}

} // namespace mad::inline MAD_ABI::socketio

#endif
