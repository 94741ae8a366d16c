#ifndef MAD_PROXY_IMPL_POOL_IPP
#define MAD_PROXY_IMPL_POOL_IPP

#include <mad/proxy/affinity.hpp>
#include <mad/proxy/pool.hpp>

#include <algorithm>
#include <utility>

namespace mad::inline MAD_ABI::proxy {

namespace detail {

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

MAD_DECL void pool::set_cookies(cookie_signer const& s) {
    signer_ = s;
    for (auto& e : entries_) {
        e->cookie = signer_.sign(signer_.id_of(e->to.name));
        e->made.reset();
    }
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

// What is told of it.

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
