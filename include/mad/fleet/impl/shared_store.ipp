#ifndef MAD_FLEET_IMPL_SHARED_STORE_IPP
#define MAD_FLEET_IMPL_SHARED_STORE_IPP

#include <mad/core/ids.hpp>
#include <mad/fleet/shared_store.hpp>

#include <boost/asio/steady_timer.hpp>

#include <stdexcept>
#include <utility>

namespace mad::inline MAD_ABI::fleet {

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

MAD_DECL void shared_store::announce(std::string text, std::function<void()> done) {
    link_->announce(std::move(text), std::move(done));
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
