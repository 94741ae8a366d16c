#ifndef MAD_FLEET_IMPL_SHARED_STORE_IPP
#define MAD_FLEET_IMPL_SHARED_STORE_IPP

#include <mad/core/ids.hpp>
#include <mad/fleet/shared_store.hpp>

#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace mad::inline MAD_ABI::fleet {

/// Another node, as far as it was heard of.
struct shared_store::peer {
    std::string epoch;      ///< empty: not known yet
    std::uint32_t life = 1; ///< counts its epochs
    std::optional<std::uint64_t> seq;
    time_point heard{};
    bool asked = false; ///< whether it lives

    // Reading its records again.
    bool wanted = false, running = false;
    bool renamed = false; ///< it said another epoch while it ran
    time_point at{};      ///< not before
    std::uint64_t mark = 0;
    std::unordered_map<std::string, std::uint64_t> gone; ///< while it runs: agents and versions
};

struct shared_store::ticker {
    explicit ticker(boost::asio::io_context& ctx)
        : timer(ctx) {}
    void arm(shared_store& s) {
        timer.expires_after(s.settings_.tick);
        timer.async_wait([this, &s](error_code ec) {
            if (ec)
                return;
            s.on_time();
            arm(s);
        });
    }
    boost::asio::steady_timer timer;
};

MAD_DECL shared_store::shared_store(sharing_settings s, std::unique_ptr<node_link> l)
    : settings_(std::move(s))
    , link_(std::move(l))
    , picture_(settings_.node)
    , epoch_(random_id(9)) {
    auto const& n = settings_.node;
    if (n.empty() || n.size() > 64 || n.find_first_of("{}") != n.npos)
        throw std::invalid_argument("a node's name has 1 to 64 bytes and no braces: '" + n + "'");
}

MAD_DECL shared_store::~shared_store() {
    if (home_)
        home_->unmark(*this);
}

MAD_DECL void shared_store::start(net::shard& home, store_watch w) {
    home_ = &home;
    picture_.watch(std::move(w));
    note(false, "not connected yet");
    node_link::events e;
    e.up = [this] { on_up(); };
    e.down = [this](std::string why) { on_down(std::move(why)); };
    e.listening = [this] { on_listening(); };
    e.deaf = [this] {
        listening_ = false;
        catching_up_ = true;
        judge();
    };
    e.message = [this](std::string_view m) { on_message(m); };
    e.foreign_update = [this](std::string_view r) { on_foreign_update(r); };
    e.foreign_gone = [this](std::string_view id) { on_foreign_gone(id); };
    link_->start(home, std::move(e));
    ticker_ = std::make_unique<ticker>(home.context());
    ticker_->arm(*this);
}

MAD_DECL void shared_store::stop(std::function<void()> done) {
    bool const was_there = phase_ == phase::joined || phase_ == phase::joining;
    flush();
    phase_ = phase::left;
    ++visit_;
    note(false, "stopped");
    if (!was_there)
        return done();
    message_writer w(settings_.node, epoch_, ++seq_);
    w.dead(settings_.node, epoch_);
    link_->leave(std::move(w).finish(), std::move(done));
}

MAD_DECL void shared_store::changed() {
    if (home_ && phase_ == phase::joined && picture_.dirty())
        home_->mark(*this);
}

MAD_DECL void shared_store::put(stored_record r) {
    picture_.put(std::move(r), shared_now());
    changed();
}

MAD_DECL bool shared_store::drop(std::string_view id, std::string_view socket_id) {
    bool const out = picture_.drop(id, socket_id);
    changed();
    return out;
}

// The link.

MAD_DECL void shared_store::on_up() {
    up_ = true;
    next_try_ = {};
    try_join();
}

MAD_DECL void shared_store::on_down(std::string why) {
    up_ = false;
    lose(std::move(why));
}

MAD_DECL void shared_store::on_listening() {
    listening_ = true;
    if (phase_ != phase::joined)
        return try_join();
    catching_up_ = true;
    for (auto const& [node, p] : peers_)
        want(*p);
    list_nodes();
    read_foreign();
    on_time();
}

MAD_DECL void shared_store::lose(std::string why) {
    if (phase_ == phase::left)
        return;
    if (phase_ != phase::away)
        settings_.log.warn("fleet.share.lost", {{"why", why}});
    phase_ = phase::away;
    ++visit_; // whatever is on its way is of no use any more
    in_flight_ = 0;
    listing_ = refused_ = foreign_read_ = false;
    catching_up_ = true;
    next_try_ = now() + settings_.retry;
    picture_.end_sharing();
    for (auto const& [node, p] : peers_)
        p->running = p->asked = false;
    note(false, std::move(why));
}

MAD_DECL void shared_store::try_join() {
    if (phase_ == phase::away && up_ && listening_ && now() >= next_try_)
        join();
}

MAD_DECL void shared_store::join() {
    phase_ = phase::joining;
    auto const sent = now();
    link_->read_clock(guarded([this, sent](result<std::int64_t> ms) {
        if (!ms)
            return lose(ms.error().message());
        clock_.look(sent, now(), *ms);
        write_all();
    }));
}

MAD_DECL void shared_store::write_all() {
    picture_.settle_births([this](time_point t) { return clock_.at(t); });
    // What changes from here on is noted, and sent when all of this is there.
    link_->join(epoch_, shared_now(), picture_.begin_sharing(), guarded([this](result<written> r) {
                    if (!r || !r->kept)
                        return lose(r ? r->text : r.error().message());
                    on_joined();
                }));
}

MAD_DECL void shared_store::on_joined() {
    phase_ = phase::joined;
    refused_ = false;
    counts_.joins.fetch_add(1, std::memory_order_relaxed);
    next_renewal_ = now() + settings_.renew;
    ++seq_; // who knows us misses one, and reads all of ours again
    link_->send(sign());
    // Others may be about to write theirs again, as we were: who is heard of has done so.
    for (auto const& [node, p] : peers_) {
        p->heard = now();
        want(*p, settings_.grace);
    }
    list_nodes();
    read_foreign();
    settings_.log.info("fleet.share.joined",
                       {{"node", settings_.node}, {"agents", picture_.own_size()}});
    flush();
}

MAD_DECL std::string shared_store::sign() {
    return message_writer(settings_.node, epoch_, ++seq_).finish();
}

MAD_DECL void shared_store::flush() {
    while (phase_ == phase::joined && in_flight_ < settings_.max_in_flight && picture_.dirty()) {
        auto batch = picture_.next_batch(settings_.max_batch_bytes);
        message_writer w(settings_.node, epoch_, ++seq_);
        for (auto const& r : batch.removals)
            if (r.left)
                w.gone(r.id, *r.left);
        for (auto const& s : batch.sets)
            w.update(s.envelope);
        ++in_flight_;
        counts_.published.fetch_add(1, std::memory_order_relaxed);
        link_->write(std::move(batch), std::move(w).finish(), guarded([this](result<written> r) {
                         --in_flight_;
                         if (!r)
                             return lose(r.error().message());
                         if (!r->kept) {
                             counts_.refused.fetch_add(1, std::memory_order_relaxed);
                             // The others were told; what is kept is put right once it can be.
                             if (!std::exchange(refused_, true))
                                 settings_.log.warn("fleet.share.refused", {{"why", r->text}});
                         }
                         flush();
                     }));
    }
}

// Time.

MAD_DECL void shared_store::on_time() {
    auto const t = now();
    try_join();
    if (phase_ != phase::joined)
        return;
    if (t >= next_renewal_)
        renew();
    if (t >= next_list_)
        list_nodes();
    std::vector<std::string> names;
    for (auto const& [node, p] : peers_)
        names.push_back(node);
    for (auto const& node : names) {
        auto const it = peers_.find(node);
        if (it == peers_.end())
            continue;
        auto& p = *it->second;
        if (p.wanted && !p.running && t >= p.at)
            reread(node, p);
        // A little more than the lease: its key was set just before the sign was sent.
        if (!p.asked && t - p.heard > settings_.lease + settings_.lease / 100)
            look_after(node, p);
    }
}

MAD_DECL void shared_store::renew() {
    auto const t = now();
    next_renewal_ = t + settings_.renew;
    if (settings_.foreign) {
        picture_.expire(foreign_node, t - settings_.foreign_life);
        std::erase_if(formers_,
                      [&](auto const& f) { return f.second.seen < t - settings_.foreign_life; });
    }
    auto const expected =
        refused_ ? std::nullopt : std::optional<std::size_t>(picture_.shared_size());
    link_->renew(epoch_, shared_now(), sign(),
                 guarded([this, t, expected](result<renewal> r) { on_renewed(t, expected, r); }));
}

MAD_DECL void shared_store::on_renewed(time_point sent, std::optional<std::size_t> expected,
                                       result<renewal> r) {
    if (!r)
        return lose(r.error().message());
    clock_.look(sent, now(), r->now_ms);
    if (phase_ != phase::joined)
        return;
    if (!r->kept) {
        refused_ = true;
        return;
    }
    char const* why = nullptr;
    if (refused_)
        why = "it takes writes again";
    else if (!r->held)
        why = "the lease was lost"; // we were away too long, or its keys were
    else if (*r->held != epoch_)
        why = "another node has this node's name";
    else if (expected && r->records != *expected)
        // Commands of a connection that we had given up were carried out after all.
        why = "what is kept is not what was written";
    if (!why)
        return;
    settings_.log.warn("fleet.share.rewritten", {{"why", why}, {"node", settings_.node}});
    join();
}

// Other nodes.

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
            if (now() - q.heard <= settings_.lease)
                q.asked = false; // heard of meanwhile
            else if (!s)
                ask_in(settings_.retry);
            else if (s->epoch || shared_now() - s->score < fresh) {
                // It lives, and yet we hear nothing of it.
                want(q);
                ask_in(settings_.renew);
            } else {
                link_->reap(node, guarded([this, node](result<std::optional<node_records>> r) {
                                bury(node, r && r->has_value());
                            }));
            }
        }));
}

MAD_DECL void shared_store::bury(std::string const& name, bool by_us) {
    auto const node = name; // what it refers to may go
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

// How it is.

MAD_DECL void shared_store::judge() {
    if (phase_ != phase::joined || !listening_)
        return note(false, listening_ ? "joining" : "not listening");
    if (catching_up_) {
        bool waiting = listing_ || (settings_.foreign && !foreign_read_);
        for (auto const& [node, p] : peers_)
            waiting = waiting || p->wanted || p->running;
        if (waiting)
            return note(false, "reading what other nodes have");
        catching_up_ = false;
    }
    note(true, {});
}

MAD_DECL void shared_store::note(bool ready, std::string why) {
    std::lock_guard const lock(mutex_);
    if (ready_ != ready || since_ == 0)
        since_ = settings_.time->wall_ms();
    ready_ = ready;
    why_ = std::move(why);
}

MAD_DECL store_state shared_store::state() const {
    store_state s;
    {
        std::lock_guard const lock(mutex_);
        s.ready = ready_;
        s.since = ready_ ? 0 : since_;
        s.why = why_;
    }
    auto const get = [](auto const& n) { return std::uint64_t(n.load(std::memory_order_relaxed)); };
    s.gauges = {{"up", s.ready ? 1u : 0u}, {"other_nodes", get(counts_.peers)}};
    s.counters = {{"reconnects", link_->reconnects()},      {"published", get(counts_.published)},
                  {"received", get(counts_.received)},      {"gaps", get(counts_.gaps)},
                  {"rereads", get(counts_.rereads)},        {"joins", get(counts_.joins)},
                  {"refused_writes", get(counts_.refused)}, {"bad_messages", get(counts_.bad)},
                  {"nodes_reaped", get(counts_.buried)}};
    return s;
}

} // namespace mad::inline MAD_ABI::fleet

#endif
