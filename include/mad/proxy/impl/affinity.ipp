#ifndef MAD_PROXY_IMPL_AFFINITY_IPP
#define MAD_PROXY_IMPL_AFFINITY_IPP

#include <mad/core/ids.hpp>
#include <mad/proxy/affinity.hpp>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <utility>

namespace mad::inline MAD_ABI::proxy {

namespace detail {

/// Every bit of the input moves half of the output's (the finisher of splitmix64).
constexpr std::uint64_t mix64(std::uint64_t x) {
    x += 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

MAD_DECL std::uint64_t affinity_hash(std::string_view bytes) {
    auto h = mix64(bytes.size());
    while (!bytes.empty()) {
        // By value, not as the machine holds it: proxies of different make agree.
        std::uint64_t word = 0;
        auto const n = std::min<std::size_t>(8, bytes.size());
        for (std::size_t i = 0; i < n; ++i)
            word |= std::uint64_t{static_cast<unsigned char>(bytes[i])} << (8 * i);
        h = mix64(h ^ word);
        bytes.remove_prefix(n);
    }
    return h;
}

MAD_DECL double rendezvous_score(std::uint64_t key, std::uint64_t seed, double share) {
    // Uniform in (0, 1): the exponential with rate `share` that is over first wins, which it does
    // in just that part of all cases.
    auto const u = (static_cast<double>(mix64(key ^ seed) >> 11) + 0.5) * 0x1p-53;
    return -share / std::log(u);
}

inline bool among(std::span<std::uint32_t const> ids, std::uint32_t id) {
    return std::find(ids.begin(), ids.end(), id) != ids.end();
}

/// `part`: what a target may take of new sessions. `bound`: see `affinity_settings`.
template <class Part>
std::shared_ptr<target const> by_hash(pool_view const& view, std::string_view client,
                                      std::span<std::uint32_t const> excluded, double bound,
                                      Part part) {
    double parts = 0, sessions = 1; // with the one that is to be placed
    if (bound > 0)
        for (auto const& t : view.targets())
            if (auto const p = part(*t); p > 0) {
                parts += p;
                sessions += t->count->sessions();
            }
    auto const key = affinity_hash(client);
    std::shared_ptr<target const> const *best = nullptr, *within = nullptr;
    double best_score = 0, within_score = 0;
    for (auto const& t : view.targets()) {
        auto const p = part(*t);
        if (p <= 0 || among(excluded, t->id))
            continue;
        auto const score = rendezvous_score(key, t->seed, p);
        if (!best || score > best_score) {
            best = &t;
            best_score = score;
        }
        if (bound > 0 && (!within || score > within_score) &&
            t->count->sessions() < std::ceil(bound * sessions * p / parts)) {
            within = &t;
            within_score = score;
        }
    }
    auto const* const it = within ? within : best;
    return it ? *it : nullptr;
}

/// Neither load nor slow start: the same client, the same set, the same upstream. One that is not
/// probed yet is a member until it is down, so that the set is not another one when it is up.
/// `maker`: whose the session is, where that was learnt.
inline choice by_hash_alone(pool_view const& view, affinity_request const& request,
                            std::optional<std::uint32_t> maker,
                            std::span<std::uint32_t const> excluded) {
    using outcome = choice::outcome;
    auto const weight = [](target const& t, bool member) {
        return member ? static_cast<double>(t.to.weight) : 0.0;
    };
    if (request.sid.empty()) {
        auto to = by_hash(view, request.client_key, excluded, 0, [&](target const& t) {
            return weight(t, t.takes() || t.state == upstream_state::unknown);
        });
        auto const verdict = to ? outcome::chosen : outcome::none;
        return {verdict, affinity_rule::hash, std::move(to)};
    }
    // Those that serve and take no new sessions keep their part of the old ones.
    auto to = by_hash(view, request.client_key, excluded, 0,
                      [&](target const& t) { return weight(t, t.serves); });
    // This one may have been passed over, or not been answering, when the session began.
    bool const unsure = to && (!to->takes() || to->state == upstream_state::unknown);
    if (unsure && maker && *maker != to->id)
        if (auto home = view.by_id(*maker); home && home->serves)
            return {outcome::chosen, affinity_rule::sid, std::move(home)};
    auto const verdict = to ? outcome::chosen : outcome::none;
    return {verdict, affinity_rule::hash, std::move(to)};
}

/// The rules that are wanted, one after another.
inline choice by_rules(pool_view const& view, affinity_settings const& how,
                       affinity_request const& request, std::optional<std::uint32_t> maker,
                       std::span<std::uint32_t const> excluded) {
    using outcome = choice::outcome;
    if (how.sid && !request.sid.empty()) {
        std::shared_ptr<target const> home;
        bool known = false;
        if (maker) {
            known = true;
            home = view.by_id(*maker);
        } else if (auto const tag = session_id::node_tag_of(request.sid)) {
            home = view.by_tag(*tag);
            known = home != nullptr;
        }
        if (known) {
            auto const verdict = home && home->serves ? outcome::chosen : outcome::session_gone;
            return {verdict, affinity_rule::sid, std::move(home)};
        }
    }
    if (how.cookie && !request.cookie.empty())
        // One that drains is still right for a session that was there before we knew it.
        if (auto home = view.by_cookie(request.cookie);
            home && (request.sid.empty() ? home->takes() : home->serves) &&
            !among(excluded, home->id))
            return {outcome::chosen, affinity_rule::cookie, std::move(home)};

    auto to = by_hash(view, request.client_key, excluded, how.bound,
                      [](target const& t) { return t.share; });
    auto const verdict = to ? outcome::chosen : outcome::none;
    return {verdict, affinity_rule::hash, std::move(to)};
}

} // namespace detail

MAD_DECL std::string_view to_string(affinity_rule r) {
    switch (r) {
    case affinity_rule::sid:
        return "sid";
    case affinity_rule::cookie:
        return "cookie";
    case affinity_rule::hash:
        break;
    }
    return "hash";
}

MAD_DECL std::optional<affinity_settings> parse_affinity(std::string_view text) {
    affinity_settings out;
    out.sid = out.cookie = false;
    // In their order, each at most once.
    int last = 0;
    while (!text.empty()) {
        auto const comma = text.find(',');
        auto const word = text.substr(0, comma);
        int const place = word == "sid" ? 1 : word == "cookie" ? 2 : word == "hash" ? 3 : 0;
        if (place <= last)
            return std::nullopt;
        last = place;
        (place == 1 ? out.sid : out.cookie) |= place < 3;
        if (comma == std::string_view::npos)
            return last == 3 ? std::optional(out) : std::nullopt;
        text.remove_prefix(comma + 1);
    }
    return std::nullopt;
}

MAD_DECL client_key::client_key(boost::asio::ip::address const& from) {
    auto const put = [this](auto const& bytes) {
        size_ = bytes.size();
        std::memcpy(bytes_.data(), bytes.data(), bytes.size());
    };
    if (from.is_v4())
        put(from.to_v4().to_bytes());
    else if (auto const v6 = from.to_v6(); v6.is_v4_mapped())
        put(boost::asio::ip::make_address_v4(boost::asio::ip::v4_mapped, v6).to_bytes());
    else
        put(v6.to_bytes());
}

MAD_DECL choice choose(pool_view const& view, affinity_settings const& how,
                       affinity_request const& request, sid_table& sids, time_point now,
                       std::span<std::uint32_t const> excluded) {
    // By whatever rule it goes: it is counted as long as it asks.
    std::optional<std::uint32_t> maker;
    if (!request.sid.empty())
        maker = sids.use(request.sid, now);
    auto c = how.pure_hash() ? detail::by_hash_alone(view, request, maker, excluded)
                             : detail::by_rules(view, how, request, maker, excluded);
    c.learnt = maker.has_value();
    return c;
}

MAD_DECL std::shared_ptr<target const> choose_any(pool_view const& view,
                                                  std::string_view client_key,
                                                  std::span<std::uint32_t const> excluded) {
    return detail::by_hash(view, client_key, excluded, 0, [](target const& t) { return t.share; });
}

} // namespace mad::inline MAD_ABI::proxy

#endif
