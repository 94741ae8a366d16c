#ifndef MAD_PROXY_IMPL_PART_IPP
#define MAD_PROXY_IMPL_PART_IPP

#include <mad/proxy/detail/part.hpp>
#include <mad/proxy/detail/table.hpp>

#include <algorithm>
#include <ctime>

#include <sys/socket.h>
#include <unistd.h>

namespace mad::inline MAD_ABI::proxy::detail {

MAD_DECL config::config(settings const& s)
    : all(s) {
    forward.trust = s.trust;
    forward.engine_path = s.engine_path;
    forward.cookie_name = s.affinity.cookie_name;
    answers.max_head_bytes = s.limits.max_head_bytes;
    answers.max_fields = s.limits.max_fields;
    answers.max_chunk_overhead_bytes = s.limits.max_chunk_overhead_bytes;
    cookie_fields = "; Path=" + s.engine_path +
                    "; HttpOnly; SameSite=" + (s.cross_site_cookie ? "None; Secure" : "Lax");
}

inline control_settings control_settings_of(settings const& s) {
    control_settings c;
    c.health = s.health;
    c.drain = s.drain;
    c.cookies = s.cookies;
    c.engine_path = s.engine_path;
    c.tls = s.upstream_tls;
    c.log = s.log;
    return c;
}

MAD_DECL core::core(settings const& s, net::shard& h)
    : home(h)
    , sids(s.sids)
    , pool(h, control_settings_of(s))
    , web(std::make_unique<control>(h, control_settings_of(s)))
    , addresses(s.addresses)
    , log(s.log) {}

MAD_DECL void tallies::add_to(counters_snapshot& s) const {
    s.accepted += accepted.get();
    s.requests += requests.get();
    s.handshakes += handshakes.get();
    s.by_sid += by_sid.get();
    s.by_cookie += by_cookie.get();
    s.by_hash += by_hash.get();
    s.retries += retries.get();
    s.upgrades += upgrades.get();
    s.session_gone += session_gone.get();
    s.shed += shed.get();
    s.connects += connects.get();
    s.connect_failures += connect_failures.get();
    s.reused += reused.get();
    s.bytes_in += bytes_in.get();
    s.bytes_out += bytes_out.get();
    for (std::size_t i = 0; i < rejects.size(); ++i)
        s.rejects[i] += rejects[i].get();
    for (std::size_t kind = 0; kind < answer_kinds; ++kind) {
        for (std::size_t i = 0; i < first_byte[kind].buckets.size(); ++i)
            s.first_byte[kind].buckets[i] += first_byte[kind].buckets[i].get();
        s.first_byte[kind].sum_ms += first_byte[kind].sum_ms.get();
    }
    // Read while others count: never under zero.
    auto const open = [](tally const& begun, tally const& ended) {
        auto const gone = ended.get();
        return static_cast<std::size_t>(begun.get() - std::min(begun.get(), gone));
    };
    s.clients += open(clients_opened, clients_closed);
    s.tunnels += open(tunnels_opened, tunnels_closed);
    auto const idle = open(idle_begun, idle_ended);
    auto const all = open(upstream_opened, upstream_closed);
    s.upstream_idle += idle;
    s.upstream_busy += all - std::min(all, idle);
}

MAD_DECL part::part(core& c, net::shard& s, std::shared_ptr<config const> conf_)
    : all(c)
    , shard(s)
    , conf(std::move(conf_))
    , tls(conf->all.tls)
    , tick_([](void* p) { static_cast<part*>(p)->on_tick(); }, this)
    , slice_([](void* p) { static_cast<part*>(p)->drain_slice(); }, this) {}

MAD_DECL part::~part() {
    clients_.clear();
    lanes_.clear();
}

MAD_DECL std::uint32_t part::now_ms() {
    timespec t{};
    ::clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
    return static_cast<std::uint32_t>(static_cast<std::uint64_t>(t.tv_sec) * 1000 +
                                      static_cast<std::uint64_t>(t.tv_nsec) / 1'000'000);
}

MAD_DECL void part::open() {
    shard.deadlines().arm(tick_, seconds(1));
}

inline constexpr std::uint64_t of_web_pool = std::uint64_t{1} << 32;

MAD_DECL std::shared_ptr<target const> part::known(std::uint64_t key) const {
    auto const& v = key & of_web_pool ? web : view;
    return v ? v->by_id(static_cast<std::uint32_t>(key)) : nullptr;
}

MAD_DECL void part::on_tick() {
    std::erase_if(lanes_, [&](auto const& l) {
        l.second->settle();
        return l.second->empty() && !known(l.first);
    });
    last_lane_ = nullptr;
    turned_away_ = 0;
    if (&shard == &all.home)
        all.sids.expire(std::chrono::steady_clock::now());
    if (phase_ != phase::closed)
        shard.deadlines().arm(tick_, seconds(1));
}

MAD_DECL void part::listen(int fd, net::acceptor::handler h) {
    if (phase_ != phase::open) {
        ::close(fd);
        return;
    }
    int const on = 1;
    ::setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on); // what is accepted inherits it
    acceptors_.push_back(std::make_unique<net::acceptor>(shard, fd, std::move(h)));
    if (auto const e = acceptors_.back()->start())
        all.log.error("proxy.listen.failed", {{"error", e.message()}});
}

MAD_DECL void part::accepted(int fd, boost::asio::ip::address const& peer) {
    auto const& s = set();
    count.accepted.add();
    net::stream plain(fd);
    auto const refuse = [&](reject why) {
        count.rejects[static_cast<std::size_t>(why)].add();
        all.log.warn("proxy.connection.refused",
                     {{"why", to_string(why)}, {"peer", peer.to_string()}});
        if (tls)
            return; // a peer that speaks TLS only sees the close
        auto& t = text();
        append_reject(t, why, true);
        [[maybe_unused]] auto const n = ::send(fd, t.data(), t.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    };
    if (phase_ == phase::closed || (s.accept_proxy_protocol && !s.trust.has(peer)))
        return;
    if (all.open.load(std::memory_order_relaxed) >= s.max_connections)
        return refuse(reject::overloaded);
    auto c = std::make_unique<client_connection>(
        *this,
        tls && !s.accept_proxy_protocol ? std::move(plain).with(tls->accept()) : std::move(plain),
        peer);
    all.open.fetch_add(1, std::memory_order_relaxed); // its destructor takes it back
    if (!c->start(s.accept_proxy_protocol))
        return; // it is closed with it
    auto& entered = enter(clients_, std::move(c));
    if (phase_ == phase::draining)
        entered.drain();
}

MAD_DECL void part::adopt(passed_client p) {
    net::stream plain(p.fd);
    if (phase_ == phase::closed)
        return;
    if (!view) // the first one is still on its way here
        set_view(all.pool.view());
    auto c = std::make_unique<client_connection>(*this, std::move(plain), p.peer);
    all.open.fetch_add(1, std::memory_order_relaxed);
    if (c->start(p))
        enter(clients_, std::move(c));
}

MAD_DECL void part::adopt(passed_tunnel p) {
    net::stream mine(p.client_fd), theirs(p.upstream_fd);
    if (phase_ == phase::closed)
        return;
    auto const& seen = p.web ? web : view;
    if (!seen || !seen->by_name(p.upstream)) // the first one is still on its way here
        p.web ? set_web(all.web->view()) : set_view(all.pool.view());
    auto const to = seen->by_name(p.upstream);
    if (!to)
        return;
    if (!p.counted.is_unspecified() &&
        !all.addresses.enter(p.counted, std::chrono::steady_clock::now()))
        p.counted = boost::asio::ip::address();
    all.open.fetch_add(1, std::memory_order_relaxed);
    auto& l = lane_of(to, p.web);
    // The tunnel becomes the owner of both at once.
    auto t = std::make_unique<tunnel>(l, std::make_unique<end>(shard, std::move(mine), nullptr),
                                      std::make_unique<end>(shard, std::move(theirs), nullptr),
                                      p.counted, p.frames, p.session);
    l.add(std::move(t)).adopted();
}

MAD_DECL void part::set_config(std::shared_ptr<config const> c) {
    conf = std::move(c);
}

MAD_DECL void part::set_view(control::view_ptr v) {
    view = std::move(v);
    renew_lanes();
    std::erase_if(owed_sheds_, [&](auto const& o) {
        auto const t = view->by_id(o.first);
        return !t || t->state == upstream_state::drained;
    });
}

MAD_DECL void part::set_web(control::view_ptr v) {
    web = std::move(v);
    renew_lanes();
}

MAD_DECL void part::renew_lanes() {
    for (auto& [key, l] : lanes_) {
        auto const t = known(key);
        if (t)
            l->to = t;
        if (!t || !t->serves)
            l->close_idle();
    }
}

MAD_DECL lane& part::lane_of(std::shared_ptr<target const> const& t, bool of_web) {
    if (last_lane_ && last_lane_->to->count == t->count)
        return *last_lane_;
    auto& l = lanes_[of_web ? t->id | of_web_pool : t->id];
    if (!l)
        l = std::make_unique<lane>(*this, t, of_web);
    last_lane_ = l.get();
    return *l;
}

MAD_DECL void part::release(client_connection& c) {
    release_from(clients_, c, shard);
}

MAD_DECL bool part::may_turn_away() {
    constexpr unsigned most = 32;
    return phase_ != phase::closed && turned_away_ < most && ++turned_away_ != 0;
}

MAD_DECL std::unique_ptr<passage> part::take_passage() {
    if (spare_.empty())
        return std::make_unique<passage>();
    auto p = std::move(spare_.back());
    spare_.pop_back();
    return p;
}

MAD_DECL void part::give_back(std::unique_ptr<passage> p) {
    constexpr std::size_t most = 256;
    if (spare_.size() >= most)
        return;
    p->reset();
    spare_.push_back(std::move(p));
}

// Sessions that are to go.

MAD_DECL std::size_t part::shed(std::uint32_t id, std::size_t sessions) {
    auto const at = lanes_.find(id);
    return at == lanes_.end() ? 0 : at->second->shed(sessions);
}

MAD_DECL void part::owe_sheds(std::uint32_t id, std::size_t sessions) {
    if (sessions > 0)
        owed_sheds_[id] = sessions;
    else
        owed_sheds_.erase(id);
}

MAD_DECL bool part::take_shed(std::uint32_t id) {
    if (owed_sheds_.empty())
        return false;
    auto const at = owed_sheds_.find(id);
    if (at == owed_sheds_.end())
        return false;
    if (--at->second == 0)
        owed_sheds_.erase(at);
    return true;
}

MAD_DECL void part::cut(std::uint32_t id) {
    if (auto const at = lanes_.find(id); at != lanes_.end())
        at->second->cut();
}

MAD_DECL void part::drain() {
    if (phase_ != phase::open)
        return;
    phase_ = phase::draining;
    for (auto& a : acceptors_)
        a->stop();
    for (std::size_t i = clients_.size(); i-- > 0;)
        if (i < clients_.size())
            clients_[i]->drain();
    for (auto& [id, l] : lanes_)
        l->close_idle();
    drain_until_ = std::chrono::steady_clock::now() + set().drain.grace + set().drain.over;
    shard.deadlines().arm(slice_, set().drain.grace);
}

MAD_DECL void part::drain_slice() {
    auto const step = std::clamp(set().drain.over / 30, milliseconds(10), milliseconds(1000));
    auto const left =
        std::chrono::duration_cast<milliseconds>(drain_until_ - std::chrono::steady_clock::now());
    auto const slices = static_cast<std::size_t>(std::max<std::int64_t>(left / step, 0)) + 1;
    std::size_t sessions = 0;
    for (auto& [id, l] : lanes_)
        sessions += l->sheddable();
    auto now = (sessions + slices - 1) / slices;
    for (auto& [id, l] : lanes_)
        now -= l->shed(now);
    if (phase_ == phase::draining)
        shard.deadlines().arm(slice_, step);
}

MAD_DECL void part::release_to(std::shared_ptr<heir> h) {
    // What waits in the queues of the sockets is for the heir.
    for (auto& a : acceptors_) {
        a->close();
        shard.reap(std::move(a));
    }
    acceptors_.clear();
    heir_ = std::move(h);
    for (std::size_t i = clients_.size(); i-- > 0;)
        if (i < clients_.size())
            offer(*clients_[i]);
    for (auto& [id, l] : lanes_)
        for (std::size_t i = l->tunnels.size(); i-- > 0;)
            if (i < l->tunnels.size())
                offer(*l->tunnels[i]);
}

MAD_DECL void part::offer(client_connection& c) {
    if (heir_ && c.passable())
        heir_->take(c.pass());
}

MAD_DECL void part::offer(tunnel& t) {
    if (heir_ && t.passable() && (!t.of_web() || heir_->takes_web()))
        heir_->take(t.pass());
}

MAD_DECL void part::close() {
    if (phase_ == phase::closed)
        return;
    phase_ = phase::closed;
    tick_.cancel();
    slice_.cancel();
    // Not destroyed at once: the poller may hold one more event for them.
    for (auto& a : acceptors_) {
        a->close();
        shard.reap(std::move(a));
    }
    acceptors_.clear();
    for (std::size_t i = clients_.size(); i-- > 0;)
        if (i < clients_.size())
            clients_[i]->close();
    for (auto& [id, l] : lanes_) {
        l->close();
        l->settle();
    }
    heir_.reset();
}

} // namespace mad::inline MAD_ABI::proxy::detail

#endif
