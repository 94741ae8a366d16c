#ifndef MAD_FLEET_IMPL_NOTIFIER_IPP
#define MAD_FLEET_IMPL_NOTIFIER_IPP

#include <mad/core/ids.hpp>
#include <mad/core/json_scan.hpp>
#include <mad/core/json_text.hpp>
#include <mad/fleet/notifier.hpp>
#include <mad/net/http/url.hpp>
#include <mad/net/shard.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>
#include <vector>

namespace mad::inline MAD_ABI::fleet {

namespace detail {

/// A row of the table `outbox`: `{"by":NODE,"n":COUNT,"won":true,"age":MS,"host":ID,"body":TEXT}`.
/// `n` makes each writing another one. `won`: people are to be told for sure; before that the row
/// of `told` says whether, by the notice's id.
struct outbox_row {
    std::string by, host, body;
    std::int64_t age = 0;
    bool won = false;
};

inline std::optional<outbox_row> read_outbox_row(std::string_view text) {
    outbox_row r;
    auto const take = [&](std::string_view key, json_span v) {
        auto const read = [&](std::string& into) {
            into.clear();
            if (v.kind == json_kind::string)
                json_unescape(v.text, into);
        };
        if (key == "by")
            read(r.by);
        else if (key == "host")
            read(r.host);
        else if (key == "body")
            read(r.body);
        else if (key == "age")
            std::from_chars(v.text.data(), v.text.data() + v.text.size(), r.age);
        else if (key == "won")
            r.won = v.text == "true";
    };
    if (!scan_object(text, json_limits::trusted(), take) || r.body.empty())
        return std::nullopt;
    return r;
}

/// Rows that are tidied up in one go.
inline constexpr std::size_t tidy_rows = 500;

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
    , looked_(settings_.time->now())
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
    return told ? verdict_of_notice(read_told(*told).words) : verdict();
}

MAD_DECL void notifier::look_at(host const& h) {
    if (!h.own && h.state != host_state::offline)
        return;
    auto const wanted = notice_of(h);
    if (!wanted)
        return;
    auto const* const told = ledger_.find("told", h.id);
    if (*wanted != (told ? read_told(*told).words : std::string_view()))
        decide(h, *wanted);
}

/// Whoever gets to these words in the ledger is the one to tell.
MAD_DECL void notifier::decide(host const& h, std::string const& words) {
    if (auto const [it, fresh] = deciding_.try_emplace(h.id, false); !fresh) {
        it->second = true; // looked at again when that is decided
        return;
    }
    std::optional<std::string> before;
    if (auto const* const row = ledger_.find("told", h.id))
        before = *row;
    auto const said = before ? read_told(*before).words : std::string_view();
    auto const n = make_notice(h, said, words, settings_.node, wall());
    bool const sends = client_ && !is_quiet(h, said, words) && n.from != n.to;
    parcel p;
    p.id = n.id;
    p.host = n.host;
    p.body = notice_json(n);
    p.born = now();
    p.until = p.born + settings_.lease;
    // Written down first: should this node die with the swap won, another one sends it. Rows of
    // swaps that were lost are taken out again.
    if (sends) {
        in_hand_.insert(p.id);
        touch(p, false);
    }
    std::optional<std::string> after;
    if (sends || !words.empty())
        after = p.told = write_told({words, sends ? std::string_view(p.id) : std::string_view()});
    home_.post(guarded([this, id = h.id, p = std::move(p), sends, before = std::move(before),
                        after = std::move(after)]() mutable {
        ledger_.swap("told", id, std::move(before), std::move(after),
                     guarded([this, id, p = std::move(p), sends](result<bool> won) mutable {
                         decided(id, std::move(p), sends, won);
                     }));
    }));
}

MAD_DECL void notifier::decided(std::string const& id, parcel p, bool sends, result<bool> won) {
    if (!won && sends) {
        doubtful_.push_back(std::move(p));
        return;
    }
    bool const changed = deciding_.extract(id).mapped();
    // Somebody else was first, with whatever words; or nobody knows.
    if (!won || !*won)
        undecided_.insert(id);
    if (sends && *won) {
        enqueue(std::move(p));
    } else if (sends) {
        in_hand_.erase(p.id);
        ledger_.erase("outbox", p.id);
    }
    if (auto const* const h = find_(id); h && changed)
        look_at(*h);
}

// Sending.

MAD_DECL std::string notifier::row_of(parcel const& p, bool won) const {
    std::string out = "{\"by\":";
    append_json_string(out, settings_.node);
    append_json_number(out += ",\"n\":", p.count);
    out.append(",\"won\":").append(won ? "true" : "false").append(",\"age\":");
    append_json_number(out, std::chrono::duration_cast<milliseconds>(now() - p.born).count());
    append_json_string(out += ",\"host\":", p.host);
    append_json_string(out += ",\"body\":", p.body);
    return out += '}';
}

MAD_DECL void notifier::touch(parcel& p, bool won) {
    ++p.count;
    p.row = row_of(p, won);
    ledger_.put("outbox", p.id, p.row);
}

MAD_DECL void notifier::enqueue(parcel p) {
    make_room();
    waiting_.push_back(std::move(p));
    note_waiting();
    send_next();
}

/// The oldest goes; the first one may be under way.
MAD_DECL void notifier::make_room() {
    auto const first = sending_ ? std::size_t{1} : std::size_t{0};
    if (waiting_.size() < std::max(settings_.max_waiting, first + 1))
        return;
    auto const oldest = waiting_.begin() + static_cast<std::ptrdiff_t>(first);
    ledger_.erase("outbox", oldest->id);
    in_hand_.erase(oldest->id);
    waiting_.erase(oldest);
    counters_.given_up.fetch_add(1, std::memory_order_relaxed);
    settings_.log.warn("fleet.notice.dropped", {{"why", "too many wait"}});
}

MAD_DECL void notifier::send_next() {
    if (sending_ || resting_ || waiting_.empty())
        return;
    auto& p = waiting_.front();
    if (now() - p.born > settings_.keep) {
        counters_.given_up.fetch_add(1, std::memory_order_relaxed);
        settings_.log.error("fleet.notice.given_up", {{"why", "too old"}, {"notice", p.id}});
        return done_with_first();
    }
    sending_ = true;
    ++p.count;
    auto row = row_of(p, true);
    ledger_.swap("outbox", p.id, p.row, row,
                 guarded([this, id = p.id, asked = now(), row](result<bool> mine) mutable {
                     claimed(id, asked, std::move(row), mine);
                 }));
}

/// Whether it is still for this node to send.
MAD_DECL void notifier::claimed(std::string const& id, time_point asked, std::string row,
                                result<bool> mine) {
    auto& p = waiting_.front();
    if (mine && *mine) {
        p.row = std::move(row);
        p.until = asked + settings_.lease;
        return post();
    }
    // Redis is away: until its time is over nobody else can have it.
    if (!mine && now() + settings_.timeout < p.until)
        return post();
    sending_ = false;
    auto const* const there = ledger_.find("outbox", id);
    if (auto const r = there ? detail::read_outbox_row(*there) : std::nullopt;
        mine && (!r || r->by != settings_.node)) {
        settings_.log.info("fleet.notice.handed_over", {{"notice", id}});
        return drop_first();
    }
    // The answer was lost, or Redis has lost the row and is given it again.
    if (there)
        p.row = *there;
    retry(settings_.backoff.delay);
}

MAD_DECL void notifier::post() {
    auto const& p = waiting_.front();
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
    auto& p = waiting_.front();
    // It may be this one that the receiver cannot bear. What concerns its host stays in order.
    if (r && ++p.refused >= settings_.patience) {
        p.refused = 0;
        std::stable_partition(waiting_.begin(), waiting_.end(),
                              [host = p.host](parcel const& o) { return o.host != host; });
    }
    retry(backoff_.next(detail::notice_chance()));
}

MAD_DECL void notifier::done_with_first() {
    ledger_.erase("outbox", waiting_.front().id);
    drop_first();
}

MAD_DECL void notifier::drop_first() {
    in_hand_.erase(waiting_.front().id);
    waiting_.pop_front();
    note_waiting();
    // Not from here: a long row of old ones must not become a deep stack.
    home_.post(guarded([this] { send_next(); }));
}

MAD_DECL void notifier::retry(milliseconds after) {
    resting_ = true;
    again_.expires_after(after);
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
        keep_rows();
        look_at_doubtful();
        look_at_outbox();
        for (auto const& id : std::exchange(undecided_, {}))
            if (auto const* const h = find_(id))
                look_at(*h);
        if (now() - began_ >= settings_.settle)
            look_at_all();
        look();
    }));
}

/// Shows others that these notices are looked after. After a standstill somebody may have taken
/// them over: then each shows whose it is when it is about to be sent.
MAD_DECL void notifier::keep_rows() {
    if (now() - std::exchange(looked_, now()) >= settings_.lease / 2)
        return;
    for (std::size_t i = sending_ ? 1 : 0; i < waiting_.size(); ++i) {
        auto& p = waiting_[i];
        if (auto const* const row = ledger_.find("outbox", p.id); row && *row == p.row)
            touch(p, true);
    }
}

/// Notices whose swap may have been carried out: then the row is as it would be, and to swap it
/// with itself succeeds.
MAD_DECL void notifier::look_at_doubtful() {
    for (auto& p : std::exchange(doubtful_, {})) {
        auto const host = p.host, told = p.told;
        ledger_.swap("told", host, told, told,
                     guarded([this, host, p = std::move(p)](result<bool> won) mutable {
                         decided(host, std::move(p), true, won);
                     }));
    }
}

/// Notices of nodes that are no more; an earlier life of this one is such a node too.
MAD_DECL void notifier::look_at_outbox() {
    if (!client_)
        return;
    std::vector<std::string> found;
    auto const t = now();
    auto const before = std::exchange(watched_, {});
    ledger_.each("outbox", [&](std::string_view id, std::string_view row) {
        std::string name(id);
        if (in_hand_.contains(name))
            return;
        auto const it = before.find(name);
        auto const since = it != before.end() && it->second.row == row ? it->second.since : t;
        if (t - since >= settings_.lease)
            found.push_back(name);
        watched_[std::move(name)] = {std::string(row), since};
    });
    for (auto const& id : found) {
        auto const row = watched_[id].row;
        auto const r = detail::read_outbox_row(row);
        if (!r) {
            ledger_.erase("outbox", id);
            continue;
        }
        auto const* const told = ledger_.find("told", r->host);
        bool const won = r->won || (told && read_told(*told).notice == id);
        parcel p;
        p.id = id;
        p.host = r->host;
        p.body = r->body;
        p.born = t - milliseconds(r->age) - settings_.lease;
        p.until = t + settings_.lease;
        p.row = row_of(p, true);
        auto const next = won ? std::optional(p.row) : std::nullopt;
        ledger_.swap("outbox", id, row, next,
                     guarded([this, won, p = std::move(p)](result<bool> mine) mutable {
                         if (!mine || !*mine || !won)
                             return;
                         counters_.taken_over.fetch_add(1, std::memory_order_relaxed);
                         in_hand_.insert(p.id);
                         enqueue(std::move(p));
                     }));
    }
}

/// What could not be decided when it happened, and what happened while nobody was there.
MAD_DECL void notifier::look_at_all() {
    std::vector<std::string> ids;
    std::vector<std::pair<std::string, std::string>> well;
    ledger_.each("told", [&](std::string_view id, std::string_view row) {
        ids.emplace_back(id);
        // Nothing need be kept once the notice that says so has gone.
        auto const t = read_told(row);
        if (t.words.empty() && !ledger_.find("outbox", t.notice) && well.size() < detail::tidy_rows)
            well.emplace_back(id, row);
    });
    for (auto const& [id, row] : well)
        ledger_.swap("told", id, row, std::nullopt, [](result<bool>) {});
    for (auto const& id : ids)
        if (auto const* const h = find_(id))
            look_at(*h);
}

} // namespace mad::inline MAD_ABI::fleet

#endif
