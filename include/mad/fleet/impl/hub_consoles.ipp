#ifndef MAD_FLEET_IMPL_HUB_CONSOLES_IPP
#define MAD_FLEET_IMPL_HUB_CONSOLES_IPP

#include <mad/core/json.hpp>
#include <mad/fleet/detail/hub.hpp>

#include <chrono>
#include <utility>

// What a hub tells consoles of version 2, and what it remembers for them.

namespace mad::inline MAD_ABI::fleet {

MAD_DECL void api::hub::remember(host const& h) {
    auto& kept = histories_[h.id];
    if (!kept)
        kept = std::make_unique<history>();
    kept->add(h.seen_ms, h.now);
}

MAD_DECL history const* api::hub::history_of(std::string_view id) const {
    auto const at = histories_.find(std::string(id));
    return at == histories_.end() ? nullptr : at->second.get();
}

MAD_DECL void api::hub::run_feed() {
    if (!feed_timer_)
        return;
    auto const next = feed_.on_time(std::chrono::steady_clock::now());
    if (!next) {
        feed_timer_->cancel();
        return;
    }
    feed_timer_->expires_at(*next);
    feed_timer_->async_wait([h = weak_from_this()](error_code ec) {
        if (auto const self = ec ? nullptr : h.lock())
            self->run_feed();
    });
}

MAD_DECL void api::hub::connect_console(std::uint64_t id, socketio::socket const& s,
                                        std::string const& request, std::string const& within,
                                        socketio::ack reply) {
    auto& l = lines_[id];
    if (!l.gate)
        l = {s, std::make_shared<detail::console_gate>()};
    auto const answer = feed_.connect(id, request, within, std::chrono::steady_clock::now());
    reply(socketio::raw_json{answer});
    run_feed();
    count();
}

MAD_DECL void api::hub::leave_console(std::uint64_t id) {
    feed_.leave(id, std::chrono::steady_clock::now());
    lines_.erase(id);
    count();
}

MAD_DECL void api::hub::watch(std::uint64_t console, std::string const& host, socketio::ack reply) {
    auto const refuse = [&reply](std::string_view why) {
        json answer = json::object();
        answer["error"] = why;
        reply(answer);
    };
    switch (feed_.watch(console, host)) {
    case console_feed::watch_answer::unknown_console:
        return refuse("say web_connected with v 2 first");
    case console_feed::watch_answer::unknown_host:
        return refuse("there is no host with this id");
    case console_feed::watch_answer::too_many:
        return refuse("too many hosts are watched: unwatch one first");
    case console_feed::watch_answer::yes:
        break;
    }
    // What it shows until the next sample comes.
    if (auto const at = lines_.find(console); at != lines_.end())
        at->second.to.emit("web_client_update", socketio::raw_json{roster_.find(host)->record});
    read_history(host, [reply](history const& h) mutable {
        reply(socketio::raw_json{"{\"history\":" + h.json() + '}'});
    });
}

MAD_DECL void api::hub::unwatch(std::uint64_t console, std::string const& host) {
    feed_.unwatch(console, host);
}

MAD_DECL void api::hub::drain(milliseconds after) {
    draining_ = true;
    feed_.draining(after);
    json notice = json::object();
    notice["after_ms"] = after.count();
    api_.io_.to(detail::agents_room).local().emit("node_draining", notice);
}

namespace detail {

/// On the socket's shard. False: the console takes no deltas from now on.
inline bool pass(socketio::socket const& to, console_gate& gate, feed_way way,
                 std::optional<socketio::encoded> const& packet) {
    switch (way) {
    case feed_way::chunk:
    case feed_way::reopen:
        gate.open = way == feed_way::reopen;
        break;
    case feed_way::delta:
    case feed_way::droppable:
        if (!gate.open)
            return true;
        if (to.backlog() > most_backlog) {
            gate.open = way != feed_way::delta;
            return gate.open;
        }
        break;
    case feed_way::always:
        break;
    }
    if (packet)
        to.emit_encoded(*packet);
    return true;
}

} // namespace detail

MAD_DECL void api::hub::send(std::span<feed_console const> to, std::string_view event,
                             std::string_view text, feed_way way, std::uint64_t before) {
    std::optional<socketio::encoded> packet;
    if (!event.empty())
        packet = socketio::encode_packet(socketio::packet_type::event, "/", std::nullopt, event,
                                         socketio::raw_json{std::string(text)});
    for (auto const& c : to) {
        auto const at = lines_.find(c.id);
        if (at == lines_.end())
            continue;
        at->second.to.home()->dispatch(
            [h = shared_from_this(), l = at->second, c, packet, way, before] {
                if (!l.to.connected() || detail::pass(l.to, *l.gate, way, packet))
                    return;
                h->home_.post([h, c, before] {
                    h->feed_.refused(c, before);
                    h->run_feed();
                });
            });
    }
}

MAD_DECL void api::hub::ask(feed_console c) {
    auto const at = lines_.find(c.id);
    if (at == lines_.end())
        return;
    at->second.to.home()->post([h = shared_from_this(), l = at->second, c] {
        if (!l.to.connected() || l.to.backlog() > detail::most_backlog / 2)
            return;
        h->home_.post([h, c] {
            h->feed_.ready(c);
            h->run_feed();
        });
    });
}

} // namespace mad::inline MAD_ABI::fleet

#endif
