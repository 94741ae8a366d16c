#ifndef MAD_ENGINE_IMPL_FAREWELLS_IPP
#define MAD_ENGINE_IMPL_FAREWELLS_IPP

#include <mad/engine/detail/farewells.hpp>

#include <utility>

namespace mad::inline MAD_ABI::engine::detail {

/// A server that goes does not wait long for peers that say nothing.
inline milliseconds patience(milliseconds most, close_reason why) {
    return why == close_reason::server_shutting_down ? std::min(most, milliseconds(1000)) : most;
}

MAD_DECL void farewells::shut(std::unique_ptr<websocket> w) {
    auto l = std::make_unique<lingerer>(*this, std::move(w));
    if (!l->socket->start(*l, {}))
        return;
    l->socket->close(close_manner::orderly);
    linger(std::move(l->socket), close_reason::forced_close);
    home_.reap(std::move(l));
}

MAD_DECL void farewells::keep(std::string_view sid, std::vector<polling_body> bodies,
                              close_reason why) {
    // Clients that never come back for them must not hold memory: past the budget the queue of a
    // session is given up and only the close packet is kept.
    constexpr std::size_t budget = 16 * 1024 * 1024;
    std::size_t size = 0;
    for (auto const& b : bodies)
        size += b.bytes.size();
    if (bytes_ + size > budget) {
        bodies.erase(bodies.begin(), bodies.end() - 1);
        size = bodies.front().bytes.size();
    }
    bytes_ += size;
    auto g = std::make_unique<goodbye>(*this, sid, std::move(bodies));
    home_.deadlines().arm(g->limit, patience(settings_.goodbye_timeout, why));
    goodbyes_.insert_or_assign(std::string(sid), std::move(g));
}

MAD_DECL std::optional<polling_body> farewells::take(std::string const& sid) {
    auto const it = goodbyes_.find(sid);
    if (it == goodbyes_.end())
        return std::nullopt;
    auto& bodies = it->second->bodies;
    auto body = std::move(bodies.front());
    bodies.erase(bodies.begin());
    bytes_ -= body.bytes.size();
    it->second->frames.clear();
    if (bodies.empty())
        drop(sid);
    return body;
}

MAD_DECL void farewells::drop(std::string const& sid) {
    auto n = goodbyes_.extract(sid);
    if (!n)
        return;
    for (auto const& b : n.mapped()->bodies)
        bytes_ -= b.bytes.size();
    home_.reap(std::move(n.mapped()));
}

MAD_DECL void farewells::await_upgrade(std::unique_ptr<websocket> w, std::string_view sid,
                                       std::vector<net::wire_block> frames, close_reason why) {
    auto l = std::make_unique<lingerer>(*this, std::move(w));
    l->heir_of = sid;
    // Past the budget of `keep` there is only the goodbye itself.
    auto const it = goodbyes_.find(l->heir_of);
    if (it != goodbyes_.end() && it->second->bodies.size() > 1)
        it->second->frames = std::move(frames);
    add(std::move(l), why);
}

/// The client went over to this wire, where it has not polled for them: the last words.
MAD_DECL void farewells::bequeath(lingerer& l) {
    auto const sid = std::exchange(l.heir_of, {});
    if (auto const it = goodbyes_.find(sid); it != goodbyes_.end()) {
        for (auto& f : it->second->frames)
            l.socket->push(std::move(f));
        drop(sid);
    }
    l.socket->close(close_manner::orderly);
    if (!l.socket->closed())
        l.socket->set_events(l);
}

MAD_DECL void farewells::add(std::unique_ptr<lingerer> l, close_reason why) {
    if (l->socket->started())
        l->socket->set_events(*l);
    else if (!l->socket->start(*l, {})) // its session ended while it was made
        return home_.reap(std::move(l));
    l->slot = lingering_.size();
    home_.deadlines().arm(l->limit, patience(settings_.close_timeout, why));
    lingering_.push_back(std::move(l));
}

MAD_DECL void farewells::forget(lingerer& l) {
    if (l.slot >= lingering_.size() || lingering_[l.slot].get() != &l)
        return;
    l.limit.cancel();
    auto dying = std::move(lingering_[l.slot]);
    if (l.slot + 1 != lingering_.size()) {
        lingering_[l.slot] = std::move(lingering_.back());
        lingering_[l.slot]->slot = l.slot;
    }
    lingering_.pop_back();
    home_.reap(std::move(dying));
}

} // namespace mad::inline MAD_ABI::engine::detail

#endif
