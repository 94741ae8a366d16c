#ifndef MAD_PROXY_IMPL_POOL_IPP
#define MAD_PROXY_IMPL_POOL_IPP

#include <mad/proxy/affinity.hpp>
#include <mad/proxy/pool.hpp>

#include <algorithm>
#include <cmath>
#include <utility>

namespace mad::inline MAD_ABI::proxy {

namespace detail {

/// Who comes up so soon after the start was there before us: no slow start.
inline constexpr seconds first_moments{10};

/// Between two looks at something that changes by itself: growth, drains.
inline constexpr seconds pool_step{1};

inline void forget_before(std::deque<time_point>& times, time_point limit) {
    while (!times.empty() && times.front() < limit)
        times.pop_front();
}

/// How many of `left` go now so that all are gone at `end`.
inline std::uint32_t slice(std::uint32_t left, time_point now, time_point end) {
    auto const steps = std::max<std::int64_t>(1, (end - now) / pool_step);
    return static_cast<std::uint32_t>((left + steps - 1) / steps);
}

struct pool_category_impl final : error_category {
    char const* name() const noexcept override { return "mad.proxy.pool"; }
    std::string message(int value) const override {
        switch (static_cast<pool_error>(value)) {
        case pool_error::none:
            break;
        case pool_error::bad_upstream:
            return "not an upstream: a name of A-Z a-z 0-9 . _ -, a host, a port, a weight from 1 "
                   "to 1000, a PROXY version from 0 to 2";
        case pool_error::unknown_upstream:
            return "no upstream has that name";
        case pool_error::has_sessions:
            return "it has sessions: drain it first, or force it";
        }
        return "no error";
    }
};

} // namespace detail

MAD_DECL error_category const& pool_category() {
    static detail::pool_category_impl const it;
    return it;
}

MAD_DECL std::string_view to_string(pool_event::kind k) {
    using kind = pool_event::kind;
    switch (k) {
    case kind::added:
        break;
    case kind::up:
        return "up";
    case kind::not_ready:
        return "not_ready";
    case kind::down:
        return "down";
    case kind::held:
        return "held";
    case kind::draining:
        return "draining";
    case kind::drained:
        return "drained";
    case kind::undrained:
        return "undrained";
    case kind::removed:
        return "removed";
    case kind::cut:
        return "cut";
    case kind::panic:
        return "panic";
    case kind::panic_over:
        return "panic_over";
    }
    return "added";
}

MAD_DECL pool::pool(health_settings h, drain_settings d, cookie_signer const& signer,
                    time_point now)
    : health_(std::move(h))
    , drain_(d)
    , signer_(signer)
    , born_(now)
    , view_(std::make_shared<pool_view const>()) {}

MAD_DECL pool::~pool() = default;

MAD_DECL void pool::set(health_settings h, drain_settings d) {
    health_ = std::move(h);
    drain_ = d;
}

MAD_DECL pool::entry* pool::find(std::uint32_t id) {
    auto const at = std::lower_bound(entries_.begin(), entries_.end(), id,
                                     [](auto const& e, std::uint32_t v) { return e->id < v; });
    return at != entries_.end() && (*at)->id == id ? at->get() : nullptr;
}

MAD_DECL pool::entry* pool::find(std::string_view name) {
    auto const at = std::find_if(entries_.rbegin(), entries_.rend(),
                                 [&](auto const& e) { return e->to.name == name; });
    return at != entries_.rend() ? at->get() : nullptr;
}

MAD_DECL void pool::say(pool_event::kind what, entry const& e, std::string why) {
    events_.push_back({what, e.id, e.to.name, std::move(why)});
}

// What is wanted.

MAD_DECL pool::entry& pool::add(upstream u, time_point now) {
    auto e = std::make_unique<entry>();
    e->id = next_id_++;
    e->cookie = signer_.sign(signer_.id_of(u.name));
    e->seed = detail::affinity_hash(u.name);
    e->to = std::move(u);
    e->count = std::make_shared<upstream_counters>();
    e->since = now;
    entries_.push_back(std::move(e));
    say(pool_event::kind::added, *entries_.back());
    return *entries_.back();
}

MAD_DECL result<std::uint32_t> pool::put(upstream u, time_point now) {
    if (!is_upstream_name(u.name) || u.host.empty() || u.port == 0 || u.weight < 1 ||
        u.weight > 1000 || u.proxy_protocol > 2)
        return pool_error::bad_upstream;
    auto* e = find(u.name);
    if (e && !e->to.same_server(u)) {
        (void)remove(u.name, removal::drain_first, now);
        e = nullptr;
    }
    if (!e) {
        auto const id = add(std::move(u), now).id;
        judge(now);
        return id;
    }
    e->to = std::move(u);
    if (std::exchange(e->leaving, false))
        end_drain(*e);
    judge(now);
    return e->id;
}

MAD_DECL result<void> pool::remove(std::string_view name, removal how, time_point now) {
    auto* const e = find(name);
    if (!e)
        return pool_error::unknown_upstream;
    bool const dead = e->condition == health::down && !panic_;
    bool const idle = dead || (e->count->sessions() == 0 && e->count->requests_open == 0);
    if (how == removal::if_empty && !idle)
        return pool_error::has_sessions;
    if (how == removal::drain_first && !idle) {
        e->leaving = true;
        set_drain(*e, now);
        judge(now);
        return {};
    }
    if (!e->cut)
        say(pool_event::kind::cut, *e, "removed");
    say(pool_event::kind::removed, *e);
    std::erase_if(entries_, [&](auto const& other) { return other.get() == e; });
    judge(now);
    return {};
}

MAD_DECL void pool::set_addresses(std::uint32_t id,
                                  std::vector<boost::asio::ip::tcp::endpoint> addresses) {
    constexpr std::size_t most = 64; // each is tried before the next upstream is
    addresses.resize(std::min(addresses.size(), most));
    if (auto* const e = find(id))
        e->addresses = std::move(addresses);
}

// What is seen.

MAD_DECL void pool::come_up(entry& e, time_point now) {
    bool const was_away = e.condition == health::down || e.condition == health::unknown;
    bool const back = e.ever_up || now - born_ > detail::first_moments;
    e.condition = health::up;
    e.why.clear();
    if (e.held_until)
        return; // told when the hold is over
    if (was_away && back)
        e.growing_since = now;
    e.ever_up = true;
    e.passive = e.cut = false;
    say(pool_event::kind::up, e);
}

MAD_DECL void pool::go_down(entry& e, std::string why, bool passive, time_point now) {
    e.condition = health::down;
    e.passive = passive;
    e.growing_since.reset();
    e.connect_failures.clear();
    e.good = 0;
    e.why = std::move(why);
    if (e.held_until)
        return;
    e.cut = false;
    detail::forget_before(e.falls, now - health_.flap_window);
    e.falls.push_back(now);
    say(pool_event::kind::down, e, e.why);
    if (e.falls.size() < health_.flaps)
        return;
    e.falls.clear();
    e.held_until = now + health_.hold;
    say(pool_event::kind::held, e, "went down too often");
}

MAD_DECL void pool::on_probe(std::uint32_t id, probe_result const& r, time_point now) {
    using kind = probe_result::kind;
    auto* const e = find(id);
    if (!e || r.what == kind::ask_again)
        return;
    if (r.tag)
        e->tag = r.tag;
    if (r.what == kind::failed) {
        e->good = 0;
        e->bad = std::min(e->bad + 1, health_.fall);
        if (e->condition != health::down && e->bad >= health_.fall)
            go_down(*e, r.why, false, now);
        return judge(now);
    }
    e->bad = 0;
    e->good = std::min(e->good + 1, health_.rise);
    if (e->condition == health::down && e->good < (e->ever_up ? health_.rise : 1))
        return judge(now);
    bool const leaves = r.what == kind::draining;
    if (std::exchange(e->says_drain, leaves) != leaves && leaves)
        say(pool_event::kind::draining, *e, "says so itself");
    if (r.what == kind::good) {
        if (e->condition != health::up)
            come_up(*e, now);
    } else if (e->condition != health::not_ready) {
        e->condition = health::not_ready;
        e->why = r.why;
        e->growing_since.reset();
        e->passive = e->cut = false;
        if (!leaves && !e->held_until)
            say(pool_event::kind::not_ready, *e, r.why);
    }
    judge(now);
}

MAD_DECL void pool::on_connect_failed(std::uint32_t id, time_point now) {
    auto* const e = find(id);
    if (!e || e->condition == health::down)
        return;
    detail::forget_before(e->connect_failures, now - health_.passive_window);
    e->connect_failures.push_back(now);
    if (e->connect_failures.size() < health_.passive_failures)
        return;
    auto const ejected = static_cast<std::size_t>(std::count_if(
        entries_.begin(), entries_.end(), [](auto const& other) { return other->passive; }));
    if ((ejected + 1) * 2 > entries_.size())
        return e->connect_failures.pop_front();
    go_down(*e, "cannot be connected to", true, now);
    judge(now);
}

// Leaving gently.

MAD_DECL void pool::set_drain(entry& e, time_point now) {
    if (std::exchange(e.drain, true))
        return;
    e.drain_since = now;
    e.next_shed = now + drain_.grace;
    e.shed_to.reset();
    e.told_drained = false;
    say(pool_event::kind::draining, e, e.leaving ? "is to be removed" : "");
}

MAD_DECL void pool::end_drain(entry& e) {
    e.drain = e.told_drained = false;
    e.drain_since.reset();
    e.next_shed.reset();
    say(pool_event::kind::undrained, e);
}

MAD_DECL result<void> pool::drain(std::string_view name, time_point now) {
    auto* const e = find(name);
    if (!e)
        return pool_error::unknown_upstream;
    set_drain(*e, now);
    judge(now);
    return {};
}

MAD_DECL result<void> pool::undrain(std::string_view name, time_point now) {
    auto* const e = find(name);
    if (!e)
        return pool_error::unknown_upstream;
    e->leaving = false;
    if (e->drain) {
        end_drain(*e);
        if (e->condition == health::up)
            e->growing_since = now;
    }
    judge(now);
    return {};
}

MAD_DECL void pool::set_announced_drain(std::uint32_t id, bool on, time_point now) {
    auto* const e = find(id);
    if (!e || std::exchange(e->announced, on) == on)
        return;
    say(on ? pool_event::kind::draining : pool_event::kind::undrained, *e, "says so itself");
    if (!on && e->condition == health::up)
        e->growing_since = now;
    judge(now);
}

MAD_DECL void pool::rebalance(time_point now) {
    double shares = 0, sessions = 0;
    for (auto const& e : entries_)
        if (fit(*e)) {
            shares += e->to.weight;
            sessions += e->count->sessions();
        }
    for (auto& e : entries_) {
        if (!fit(*e))
            continue;
        auto const part = static_cast<std::uint32_t>(std::ceil(sessions * e->to.weight / shares));
        if (e->count->sessions() <= part)
            continue;
        e->shed_to = part;
        e->shed_until = now + drain_.over;
        e->next_shed = now;
    }
    judge(now);
}

MAD_DECL void pool::end_rebalance(entry& e) {
    if (!std::exchange(e.shed_to, std::nullopt) || e.drain)
        return;
    e.next_shed.reset();
}

/// What is due of one that gives sessions away.
MAD_DECL void pool::shed(entry& e, time_point now) {
    auto const sessions = e.count->sessions();
    if (e.shed_to && (sessions <= *e.shed_to || now >= e.shed_until))
        end_rebalance(e);
    if (!e.next_shed || now < *e.next_shed)
        return;
    e.next_shed = now + detail::pool_step;
    auto const keep = e.shed_to.value_or(0);
    auto const end = e.shed_to ? e.shed_until : *e.drain_since + drain_.grace + drain_.over;
    if (e.condition != health::down && sessions > keep)
        sheds_.push_back({e.id, detail::slice(sessions - keep, now, end)});
}

// What follows.

/// Takes new sessions, by all that is known.
MAD_DECL bool pool::fit(entry const& e) const {
    return e.condition == health::up && !e.held_until && !e.is_leaving() && !e.shed_to;
}

MAD_DECL upstream_state pool::state_of(entry const& e) const {
    if (e.held_until)
        return upstream_state::held;
    if (e.condition == health::down)
        return upstream_state::down;
    if (e.is_leaving())
        return e.told_drained ? upstream_state::drained : upstream_state::draining;
    if (e.condition == health::unknown)
        return upstream_state::unknown;
    if (e.condition == health::not_ready)
        return upstream_state::not_ready;
    return e.growing_since ? upstream_state::slow_start : upstream_state::up;
}

MAD_DECL double pool::growth(entry const& e, time_point now) const {
    if (!e.growing_since || health_.slow_start <= milliseconds(0))
        return 1;
    // In whole steps, so that there are not more views than one a second.
    auto const steps = (now - *e.growing_since) / detail::pool_step;
    auto const all = std::max<std::int64_t>(1, health_.slow_start / detail::pool_step);
    return std::clamp(static_cast<double>(steps) / static_cast<double>(all), 0.1, 1.0);
}

/// Tells what has come about by all that was said before, in one place.
MAD_DECL void pool::judge(time_point now) {
    for (auto& e : entries_) {
        if (e->growing_since && now - *e->growing_since >= health_.slow_start)
            e->growing_since.reset();
        if (e->held_until && now >= *e->held_until) {
            e->held_until.reset();
            if (e->condition != health::down) {
                auto const seen = std::exchange(e->condition, health::down);
                if (seen == health::up)
                    come_up(*e, now);
                else
                    e->condition = seen;
            }
        }
        bool const empty = e->condition == health::down ||
                           (e->count->sessions() == 0 && e->count->requests_open == 0);
        // The grace also gives time to handshakes that are on their way.
        if (e->drain && !e->told_drained && empty && now >= *e->drain_since + drain_.grace) {
            e->told_drained = true;
            say(pool_event::kind::drained, *e);
        }
    }
    std::erase_if(entries_, [&](auto const& e) {
        bool const gone = e->leaving && e->told_drained;
        if (gone) {
            if (!e->cut)
                say(pool_event::kind::cut, *e, "removed");
            say(pool_event::kind::removed, *e);
        }
        return gone;
    });

    auto const any = [this](auto is) {
        return std::any_of(entries_.begin(), entries_.end(), [&](auto const& e) { return is(*e); });
    };
    bool const fit_there = any([this](entry const& e) { return fit(e); });
    if (!fit_there)
        for (auto& e : entries_)
            end_rebalance(*e); // to whom?
    tier_ = fit_there || any([this](entry const& e) { return fit(e); })           ? tier::fit
            : any([](entry const& e) { return e.is_alive() && !e.is_leaving(); }) ? tier::alive
            : any([](entry const& e) { return !e.is_leaving(); })                 ? tier::all
                                                                                  : tier::fit;
    if (bool const panics = tier_ == tier::all; std::exchange(panic_, panics) != panics)
        events_.push_back({panics ? pool_event::kind::panic : pool_event::kind::panic_over,
                           0,
                           {},
                           panics ? "no upstream answers: all are tried" : ""});
    // In panic it may be us who see badly: what still runs goes on.
    for (auto& e : entries_) {
        if (!panic_ && e->condition == health::down && !std::exchange(e->cut, true))
            say(pool_event::kind::cut, *e, e->why);
        if (auto const s = state_of(*e); s != e->shown) {
            e->shown = s;
            e->since = now;
            ++e->changes;
        }
    }
}

MAD_DECL time_point pool::tick(time_point now) {
    judge(now);
    auto next = now + std::chrono::hours(1);
    for (auto& e : entries_) {
        shed(*e, now);
        if (e->held_until)
            next = std::min(next, *e->held_until);
        if (e->next_shed)
            next = std::min(next, *e->next_shed);
        if (e->growing_since || (e->drain && !e->told_drained))
            next = std::min(next, now + detail::pool_step);
    }
    judge(now);
    return next;
}

MAD_DECL std::shared_ptr<pool_view const> pool::view(time_point now) {
    bool same = view_->panic() == panic_ && view_->targets().size() == entries_.size();
    std::vector<std::shared_ptr<target const>> targets;
    targets.reserve(entries_.size());
    for (auto& e : entries_) {
        bool const taken = tier_ == tier::fit     ? fit(*e)
                           : tier_ == tier::alive ? e->is_alive() && !e->is_leaving()
                                                  : !e->is_leaving();
        target t;
        t.id = e->id;
        t.to = e->to;
        if (e->tag)
            t.to.node_tag = e->tag;
        t.addresses = e->addresses;
        t.state = state_of(*e);
        t.share = taken ? e->to.weight * growth(*e, now) : 0;
        t.serves = e->is_alive() || panic_;
        auto const& old = e->made;
        if (!old || t.state != old->state || t.share != old->share || t.serves != old->serves ||
            t.to != old->to || t.addresses != old->addresses) {
            t.cookie = e->cookie;
            t.seed = e->seed;
            t.count = e->count;
            e->made = std::make_shared<target const>(std::move(t));
        }
        same = same && view_->targets()[targets.size()] == e->made;
        targets.push_back(e->made);
    }
    if (!same)
        view_ = std::make_shared<pool_view const>(std::move(targets), panic_);
    return view_;
}

MAD_DECL std::vector<pool_event> pool::take_events() {
    return std::exchange(events_, {});
}

MAD_DECL std::vector<shed_order> pool::take_sheds() {
    return std::exchange(sheds_, {});
}

MAD_DECL std::vector<upstream_status> pool::status(time_point now) {
    auto const seen = view(now);
    std::vector<upstream_status> out;
    for (std::size_t i = 0; i < entries_.size(); ++i) {
        auto const& e = *entries_[i];
        out.push_back({seen->targets()[i], e.why, e.since, e.changes, e.leaving,
                       e.shed_to.has_value() || (e.drain && !e.told_drained)});
    }
    return out;
}

MAD_DECL void pool::restore(std::string_view name, upstream_state s, time_point now) {
    auto* const e = find(name);
    if (!e || e->condition != health::unknown)
        return;
    using state = upstream_state;
    if (s == state::draining || s == state::drained)
        set_drain(*e, now);
    if (s == state::held)
        e->held_until = now + health_.hold;
    if (s == state::slow_start)
        e->growing_since = now;
    e->ever_up = s != state::unknown;
    e->cut = s == state::down || s == state::held;
    e->condition = s == state::unknown                    ? health::unknown
                   : s == state::not_ready                ? health::not_ready
                   : s == state::down || s == state::held ? health::down
                                                          : health::up;
    judge(now);
}

} // namespace mad::inline MAD_ABI::proxy

#endif
