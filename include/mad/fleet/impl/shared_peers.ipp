#ifndef MAD_FLEET_IMPL_SHARED_PEERS_IPP
#define MAD_FLEET_IMPL_SHARED_PEERS_IPP

#include <mad/fleet/shared_store.hpp>

#include <algorithm>
#include <utility>

namespace mad::inline MAD_ABI::fleet {

MAD_DECL shared_store::peer& shared_store::peer_of(std::string const& node) {
    auto& p = peers_[node];
    if (!p) {
        p = std::make_unique<peer>();
        p->heard = now();
        counts_.peers.store(peers_.size(), std::memory_order_relaxed);
    }
    return *p;
}

MAD_DECL void shared_store::want(peer& p, duration in) {
    auto const at = now() + in;
    p.at = p.wanted ? std::min(p.at, at) : at;
    p.wanted = true;
}

MAD_DECL void shared_store::list_nodes() {
    next_list_ = now() + settings_.renew;
    if (std::exchange(listing_, true))
        return;
    link_->read_nodes(guarded([this](result<std::vector<node_sign>> all) {
        listing_ = false;
        if (!all)
            return lose(all.error().message());
        for (auto const& s : *all)
            if (s.node != settings_.node && !peers_.contains(s.node))
                want(peer_of(s.node));
        on_time();
        judge();
    }));
}

MAD_DECL void shared_store::reread(std::string const& node, peer& p) {
    p.wanted = false;
    p.running = true;
    p.renamed = false;
    p.mark = ++marks_;
    p.gone.clear();
    counts_.rereads.fetch_add(1, std::memory_order_relaxed);
    link_->read_records(
        node, guarded([this, node](result<node_records> r) { on_records(node, std::move(r)); }));
}

MAD_DECL void shared_store::on_records(std::string const& node, result<node_records> r) {
    auto const it = peers_.find(node);
    if (it == peers_.end())
        return;
    auto& p = *it->second;
    p.running = false;
    if (!r) {
        want(p, settings_.retry);
        return judge();
    }
    // This answer is older than what was heard since.
    if ((p.wanted && p.at <= now()) || (p.renamed && r->epoch && p.epoch != *r->epoch))
        return reread(node, p);
    // Without a lease it is away, and what is kept may be old or nothing: it comes back and says
    // so, or is dead and found out.
    if (!r->epoch)
        return judge();
    if (p.epoch != *r->epoch) {
        if (!p.epoch.empty())
            ++p.life;
        p.epoch = *r->epoch;
        p.seq.reset();
    }
    for (auto const& [id, text] : r->envelopes) {
        auto const e = read_envelope(text);
        if (!e) {
            counts_.bad.fetch_add(1, std::memory_order_relaxed);
            continue;
        }
        auto const gone = p.gone.find(id);
        if (gone == p.gone.end() || gone->second < e->version)
            picture_.merge(node, p.life, *e, now(), p.mark);
    }
    picture_.sweep(node, p.mark);
    changed();
    judge();
}

MAD_DECL void shared_store::on_message(std::string_view text) {
    auto const m = read_message(text);
    if (!m) {
        counts_.bad.fetch_add(1, std::memory_order_relaxed);
        settings_.log.debug("fleet.share.bad_message", {{"bytes", text.size()}});
        return;
    }
    // Before our own records have their times nothing can be compared with them; what is passed
    // over here is read when we have joined.
    if (m->node == settings_.node || phase_ == phase::left || !picture_.sharing())
        return;
    counts_.received.fetch_add(1, std::memory_order_relaxed);
    auto& p = peer_of(m->node);
    p.heard = now();
    p.dark = false;
    if (p.epoch != m->epoch) {
        if (!p.epoch.empty())
            ++p.life;
        if (!p.epoch.empty() || !p.running)
            want(p);
        p.epoch = m->epoch;
        p.renamed = true;
    } else if (p.seq) {
        if (m->seq <= *p.seq)
            return; // sent before one that we know: from a connection that was given up
        if (m->seq > *p.seq + 1) {
            counts_.gaps.fetch_add(1, std::memory_order_relaxed);
            want(p);
        }
    }
    p.seq = m->seq;
    if (p.wanted)
        p.at = now(); // it is back: what it keeps is what it has
    auto const mark = p.running ? p.mark : 0;
    for (auto const& [id, version] : m->gone) {
        picture_.merge_gone(m->node, p.life, id, version);
        if (p.running)
            p.gone[id] = version;
    }
    for (auto const& e : m->updates)
        if (picture_.merge(m->node, p.life, e, now(), mark) == picture::outcome::refused)
            counts_.bad.fetch_add(1, std::memory_order_relaxed);
    for (auto const& [node, epoch] : m->dead) {
        if (node == settings_.node) {
            if (epoch == epoch_ && phase_ == phase::joined)
                join(); // they were wrong: we were only slow
        } else if (auto const it = peers_.find(node);
                   it != peers_.end() && (it->second->epoch == epoch || it->second->epoch.empty()))
            bury(node, false);
    }
    changed();
    // Not within a message of many: there may be more of it.
    if (auto const it = peers_.find(m->node);
        phase_ == phase::joined && it != peers_.end() && it->second->wanted && !it->second->running)
        reread(it->first, *it->second);
}

MAD_DECL void shared_store::look_after(std::string const& node, peer& p) {
    p.asked = true;
    link_->read_node(
        node, guarded([this, node](result<node_sign> s) {
            auto const it = peers_.find(node);
            if (it == peers_.end())
                return;
            auto& q = *it->second;
            auto const ask_in = [&](duration d) {
                q.asked = false;
                q.heard = now() - settings_.lease + d;
            };
            auto const fresh = std::chrono::duration_cast<milliseconds>(settings_.lease).count();
            bool const was_dark = q.dark;
            q.dark = !s;
            if (now() - q.heard <= settings_.lease)
                q.asked = false; // heard of meanwhile
            else if (!s)
                ask_in(settings_.retry);
            else if (s->epoch || shared_now() - s->score < fresh) {
                // It lives, and yet we hear nothing of it.
                want(q);
                ask_in(settings_.renew);
            } else if (was_dark) {
                // Its keys were out of everybody's reach, its own too: it has a lease's time to
                // come back.
                ask_in(settings_.lease);
            } else if (s->score == 0) {
                bury(node, false); // by another, whose message was missed
            } else {
                link_->reap(node, guarded([this, node](result<std::optional<node_records>> r) {
                                if (r && *r)
                                    return bury(node, true);
                                // Another is at it, and says so; or it is back.
                                if (auto const at = peers_.find(node); at != peers_.end()) {
                                    at->second->asked = false;
                                    at->second->heard =
                                        std::max(at->second->heard,
                                                 now() - settings_.lease + settings_.retry);
                                }
                            }));
            }
        }));
}

MAD_DECL void shared_store::bury(std::string node, bool by_us) {
    auto const it = peers_.find(node);
    auto const epoch = it == peers_.end() ? std::string() : it->second->epoch;
    if (it != peers_.end())
        peers_.erase(it);
    counts_.peers.store(peers_.size(), std::memory_order_relaxed);
    auto const agents = picture_.forget(node);
    settings_.log.warn("fleet.share.node_gone", {{"node", node}, {"agents", agents}});
    if (by_us && phase_ == phase::joined) {
        counts_.buried.fetch_add(1, std::memory_order_relaxed);
        message_writer w(settings_.node, epoch_, ++seq_);
        w.dead(node, epoch);
        link_->send(std::move(w).finish());
    }
    judge();
}

// The original's nodes.

MAD_DECL void shared_store::read_foreign() {
    if (!settings_.foreign)
        return;
    foreign_read_ = false;
    link_->read_foreign(guarded([this](result<std::vector<std::string>> all) {
        foreign_read_ = true;
        if (!all)
            return lose(all.error().message());
        // The least of claims: there is no telling how old they are.
        for (auto const& record : *all)
            picture_.merge(foreign_node, 1, {1, ++foreign_version_, record}, now());
        changed();
        judge();
    }));
}

MAD_DECL void shared_store::on_foreign_update(std::string_view record) {
    auto const facts = read_record(record);
    if (!facts || !clock_.known() || phase_ == phase::left)
        return;
    // A connection counts from when it was first heard of: what comes late from one that its agent
    // has given up takes nothing away from a newer one.
    auto& f = formers_[facts->id];
    if (f.socket != facts->socket_id || f.born == 0) {
        f.socket = facts->socket_id;
        f.born = shared_now();
    }
    f.seen = now();
    picture_.merge(foreign_node, 1, {f.born, ++foreign_version_, record}, now());
    changed();
}

MAD_DECL void shared_store::on_foreign_gone(std::string_view id) {
    picture_.merge_gone(foreign_node, 1, id, ++foreign_version_);
}

} // namespace mad::inline MAD_ABI::fleet

#endif
