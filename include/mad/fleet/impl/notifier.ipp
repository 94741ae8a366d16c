#ifndef MAD_FLEET_IMPL_NOTIFIER_IPP
#define MAD_FLEET_IMPL_NOTIFIER_IPP

#include <mad/core/ids.hpp>
#include <mad/core/json_scan.hpp>
#include <mad/core/json_text.hpp>
#include <mad/fleet/notifier.hpp>
#include <mad/net/http/url.hpp>
#include <mad/net/shard.hpp>

#include <charconv>
#include <utility>
#include <vector>

namespace mad::inline MAD_ABI::fleet {

namespace detail {

/// A row of the table `outbox`: `{"by":NODE,"until":MS,"at":MS,"body":TEXT}`.
struct outbox_row {
    std::string by, body;
    std::int64_t until = 0, at = 0;
};

inline std::string write_outbox_row(outbox_row const& r) {
    std::string out = "{\"by\":";
    append_json_string(out, r.by);
    append_json_number(out += ",\"until\":", r.until);
    append_json_number(out += ",\"at\":", r.at);
    append_json_string(out += ",\"body\":", r.body);
    return out += '}';
}

inline std::optional<outbox_row> read_outbox_row(std::string_view text) {
    outbox_row r;
    auto const number = [](json_span v, std::int64_t& into) {
        std::from_chars(v.text.data(), v.text.data() + v.text.size(), into);
    };
    auto const take = [&](std::string_view key, json_span v) {
        if (key == "by" && v.kind == json_kind::string)
            json_unescape(v.text, r.by);
        else if (key == "body" && v.kind == json_kind::string)
            json_unescape(v.text, r.body);
        else if (key == "until")
            number(v, r.until);
        else if (key == "at")
            number(v, r.at);
    };
    if (!scan_object(text, json_limits::trusted(), take) || r.body.empty())
        return std::nullopt;
    return r;
}

inline double notice_chance() {
    std::array<std::uint8_t, 4> raw;
    fill_random(raw);
    return (raw[0] << 16 | raw[1] << 8 | raw[2]) / 16777216.0;
}

} // namespace detail

MAD_DECL notifier::notifier(net::shard& home, notifier_settings s, ledger& l,
                            std::function<host const*(std::string_view)> find)
    : home_(home)
    , settings_(std::move(s))
    , ledger_(l)
    , find_(std::move(find))
    , backoff_(settings_.backoff)
    , again_(home.context())
    , timer_(home.context())
    , began_(settings_.time->now()) {
    if (auto const u = net::http::parse_url(settings_.webhook); u) {
        net::http::client_settings c;
        c.to = {u->host, u->port, u->secure};
        c.dial.tls = settings_.tls;
        c.authority = authority_ = u->authority();
        target_ = u->path + (u->query.empty() ? "" : "?" + u->query);
        client_ = std::make_unique<net::http::client>(home, std::move(c));
    }
    look();
}

MAD_DECL notifier::~notifier() = default;

MAD_DECL verdict notifier::recall(std::string_view id) const {
    auto const* const told = ledger_.find("told", id);
    return told ? verdict_of_notice(*told) : verdict();
}

MAD_DECL void notifier::look_at(host const& h) {
    if (!h.own && h.state != host_state::offline)
        return;
    auto const now = notice_of(h);
    if (!now)
        return;
    auto const* const told = ledger_.find("told", h.id);
    if (*now != (told ? *told : std::string()))
        decide(h, told ? *told : std::string(), *now);
}

/// Whoever gets from `told` to `now` in the ledger is the one to tell.
MAD_DECL void notifier::decide(host const& h, std::string_view told, std::string const& now) {
    if (auto const [it, fresh] = deciding_.try_emplace(h.id, false); !fresh) {
        it->second = true; // looked at again when that is decided
        return;
    }
    bool const quiet = is_quiet(h, told, now);
    auto const n = make_notice(h, told, now, settings_.node, wall());
    parcel p{n.id, notice_json(n), n.at_ms};
    bool const sends = client_ && !quiet && n.from != n.to;
    // Written down first: should this node die with the swap won, another one sends it. Rows of
    // swaps that were lost are taken out again.
    if (sends)
        touch(p);
    auto const value = [](std::string_view words) {
        return words.empty() ? std::nullopt : std::optional<std::string>(words);
    };
    home_.post(guarded([this, id = h.id, p = std::move(p), sends, expected = value(told),
                        wanted = value(now)]() mutable {
        ledger_.swap("told", id, expected, wanted,
                     guarded([this, id, p = std::move(p), sends](result<bool> won) mutable {
                         bool const changed = deciding_.extract(id).mapped();
                         bool const mine = won && *won;
                         if (sends && mine)
                             enqueue(std::move(p));
                         else if (sends)
                             ledger_.erase("outbox", p.id);
                         if (!won)
                             undecided_.insert(id); // the next look decides
                         else if (auto const* const again = find_(id); again && changed)
                             look_at(*again);
                     }));
    }));
}

// Sending.

MAD_DECL void notifier::touch(parcel const& p) {
    detail::outbox_row r{settings_.node, p.body, wall() + settings_.lease.count(), p.at_ms};
    ledger_.put("outbox", p.id, detail::write_outbox_row(r));
}

MAD_DECL void notifier::enqueue(parcel p) {
    if (waiting_.size() >= settings_.max_waiting) {
        // The first one may be under way.
        auto const oldest = waiting_.begin() + (sending_ ? 1 : 0);
        ledger_.erase("outbox", oldest->id);
        waiting_.erase(oldest);
        counters_.given_up.fetch_add(1, std::memory_order_relaxed);
        settings_.log.warn("fleet.notice.dropped", {{"why", "too many wait"}});
    }
    waiting_.push_back(std::move(p));
    counters_.waiting.store(waiting_.size(), std::memory_order_relaxed);
    send_next();
}

MAD_DECL void notifier::send_next() {
    if (sending_ || resting_ || waiting_.empty())
        return;
    auto const& p = waiting_.front();
    if (wall() - p.at_ms > settings_.keep.count()) {
        counters_.given_up.fetch_add(1, std::memory_order_relaxed);
        settings_.log.error("fleet.notice.given_up", {{"why", "too old"}, {"notice", p.id}});
        return done_with_first();
    }
    sending_ = true;
    touch(p);
    net::http::client_request r;
    r.method = "POST";
    r.target = target_;
    r.body = p.body;
    auto const stamp = std::to_string(wall() / 1000);
    r.set("Content-Type", "application/json");
    r.set("User-Agent", "mad/" MAD_VERSION);
    r.set("X-Mad-Notice", p.id);
    r.set("X-Mad-Timestamp", stamp);
    if (!settings_.secret.empty())
        r.set("X-Mad-Signature", sign_notice(settings_.secret, stamp, p.body));
    client_->request(
        std::move(r), settings_.timeout,
        [this](result<net::http::client_response> answer) { on_answer(std::move(answer)); });
}

MAD_DECL void notifier::on_answer(result<net::http::client_response> r) {
    sending_ = false;
    int const status = r ? r->status : 0;
    if (status >= 200 && status < 300) {
        counters_.sent.fetch_add(1, std::memory_order_relaxed);
        backoff_.reset();
        return done_with_first();
    }
    counters_.failed.fetch_add(1, std::memory_order_relaxed);
    auto const why = r ? "status " + std::to_string(status)
                       : (client_->failure().empty() ? r.error().message() : client_->failure());
    // What it does not take now it will not take later, but for "too slow" and "too many".
    if (status >= 300 && status < 500 && status != 408 && status != 425 && status != 429) {
        counters_.given_up.fetch_add(1, std::memory_order_relaxed);
        settings_.log.error("fleet.notice.given_up",
                            {{"why", why}, {"notice", waiting_.front().id}});
        return done_with_first();
    }
    settings_.log.warn("fleet.notice.not_taken",
                       {{"why", why}, {"to", authority_}, {"waiting", waiting_.size()}});
    retry();
}

MAD_DECL void notifier::done_with_first() {
    ledger_.erase("outbox", waiting_.front().id);
    waiting_.pop_front();
    counters_.waiting.store(waiting_.size(), std::memory_order_relaxed);
    // Not from here: a long row of old ones must not become a deep stack.
    home_.post(guarded([this] { send_next(); }));
}

MAD_DECL void notifier::retry() {
    resting_ = true;
    again_.expires_after(backoff_.next(detail::notice_chance()));
    again_.async_wait(guarded([this](error_code ec) {
        if (ec)
            return;
        resting_ = false;
        send_next();
    }));
}

// What is left over.

MAD_DECL void notifier::look() {
    timer_.expires_after(settings_.look);
    timer_.async_wait(guarded([this](error_code ec) {
        if (ec)
            return;
        for (auto const& p : waiting_) // still ours
            touch(p);
        look_at_outbox();
        for (auto const& id : std::exchange(undecided_, {}))
            if (auto const* const h = find_(id))
                look_at(*h);
        if (settings_.time->now() - began_ >= settings_.settle)
            look_at_all();
        look();
    }));
}

/// Notices of nodes that are no more.
MAD_DECL void notifier::look_at_outbox() {
    if (!client_)
        return;
    struct left {
        std::string id, row;
    };
    std::vector<left> found;
    ledger_.each("outbox", [&](std::string_view id, std::string_view row) {
        auto const r = detail::read_outbox_row(row);
        if (r && r->by != settings_.node && r->until < wall())
            found.push_back({std::string(id), std::string(row)});
    });
    for (auto& [id, row] : found) {
        auto r = *detail::read_outbox_row(row);
        r.until = wall() + settings_.lease.count();
        r.by = settings_.node;
        ledger_.swap("outbox", id, row, detail::write_outbox_row(r),
                     guarded([this, id, r](result<bool> won) {
                         if (!won || !*won)
                             return;
                         counters_.taken_over.fetch_add(1, std::memory_order_relaxed);
                         enqueue({id, r.body, r.at});
                     }));
    }
}

/// What could not be decided when it happened, and what happened while nobody was there.
MAD_DECL void notifier::look_at_all() {
    std::vector<std::string> ids;
    ledger_.each("told", [&](std::string_view id, std::string_view) { ids.emplace_back(id); });
    for (auto const& id : ids)
        if (auto const* const h = find_(id))
            look_at(*h);
}

} // namespace mad::inline MAD_ABI::fleet

#endif
