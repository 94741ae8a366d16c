#ifndef MAD_FLEET_IMPL_CONSOLE_FEED_IPP
#define MAD_FLEET_IMPL_CONSOLE_FEED_IPP

#include <mad/core/json.hpp>
#include <mad/core/json_text.hpp>
#include <mad/fleet/console_feed.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <unordered_set>

namespace mad::inline MAD_ABI::fleet {

/// Consoles that want their rows equally often, and have had them up to the same change.
struct console_feed::group {
    duration interval{};
    time_point due{};
    std::uint64_t cursor = 0;
    std::vector<feed_console> members;
};

struct console_feed::form {
    struct row {
        std::uint64_t sent = 0; ///< the change with which it was last sent
        std::uint64_t words = 0;
        bool in = false;
    };
    struct farewell {
        std::uint64_t at;
        std::string id;
    };

    std::uint64_t number = 0;
    row_format format;
    search filter;
    std::uint64_t cursor = 0; ///< changes up to this one have been looked at
    std::vector<row> rows;    ///< by `host::index`
    std::vector<float> sent;  ///< `format.numbers()` of each
    detail::recency_list recent;
    std::deque<farewell> gone;
    std::uint64_t gone_floor = 0; ///< farewells up to this change are forgotten
    std::vector<std::unique_ptr<group>> groups;
    std::vector<float> scratch;
    std::size_t users = 0;
    time_point idle_since{};

    std::span<float> numbers(std::uint32_t index) {
        return std::span(sent).subspan(index * format.numbers(), format.numbers());
    }
    void say_gone(std::uint64_t at, std::string_view id, std::size_t most) {
        gone.push_back({at, std::string(id)});
        if (gone.size() > most) {
            gone_floor = gone.front().at;
            gone.pop_front();
        }
    }
};

struct console_feed::console {
    feed_console name;
    form* of = nullptr;
    group* in = nullptr; ///< null: behind
    duration interval{};
    std::uint64_t cursor = 0;        ///< of one that is behind
    std::vector<std::uint32_t> left; ///< hosts of its snapshot that are still to be sent
    bool in_snapshot = false;
    std::vector<std::string> watches;
    search bounds; ///< of what it may see

    bool may_see(host const& h) const { return bounds.empty() || bounds.matches(subject_of(h)); }
};

MAD_DECL console_feed::console_feed(feed_settings s, feed_link& link, find_host find)
    : settings_(std::move(s))
    , link_(link)
    , find_(std::move(find)) {}

MAD_DECL console_feed::~console_feed() = default;

MAD_DECL void console_feed::changed(host const& h, bool sample) {
    if (h.index >= hosts_.size())
        hosts_.resize(h.index + 1);
    hosts_[h.index] = {&h, ++number_};
    recent_.touch(h.index);
    if (!sample || watches_.empty())
        return;
    auto const w = watches_.find(h.id);
    if (w == watches_.end())
        return;
    to_.clear();
    for (auto const id : w->second)
        if (auto const& c = *consoles_.at(id); c.may_see(h)) // tags change
            to_.push_back(c.name);
    link_.send(to_, "web_client_update", h.record, feed_way::droppable, 0);
}

MAD_DECL void console_feed::turned(host const& h, transition const& t) {
    if (consoles_.empty() || t.from == t.to)
        return;
    std::string out = "{\"id\":";
    append_json_string(out, h.id);
    out += ",\"from\":";
    append_json_string(out, to_string(t.from));
    out += ",\"to\":";
    append_json_string(out, to_string(t.to));
    if (!t.rule.empty()) {
        out += ",\"rule\":";
        append_json_string(out, t.rule);
        out += ",\"value\":";
        append_json_number(out, std::round(t.value * 1'000) / 1'000);
        out += ",\"limit\":";
        append_json_number(out, t.limit);
    }
    out += ",\"since\":";
    append_json_number(out, t.since_ms);
    out += '}';
    to_.clear();
    for (auto const& [id, c] : consoles_)
        if (c->may_see(h))
            to_.push_back(c->name);
    if (!to_.empty())
        link_.send(to_, "client_state", out, feed_way::droppable, 0);
}

MAD_DECL void console_feed::removed(std::string_view id, std::uint32_t index) {
    if (index >= hosts_.size() || !hosts_[index].h)
        return;
    hosts_[index] = {};
    recent_.remove(index);
    ++number_;
    for (auto const& f : forms_) {
        if (index >= f->rows.size() || !f->rows[index].in)
            continue;
        f->rows[index] = {};
        f->recent.remove(index);
        f->say_gone(number_, id, settings_.max_gone);
    }
}

MAD_DECL void console_feed::draining(milliseconds after) {
    std::string out = "{\"after_ms\":";
    append_json_number(out, static_cast<std::int64_t>(after.count()));
    out += '}';
    to_.clear();
    for (auto const& [id, c] : consoles_)
        to_.push_back(c->name);
    if (!to_.empty())
        link_.send(to_, "node_draining", out, feed_way::always, 0);
}

/// The host as this form shows it; moves it to the front when that is something new.
MAD_DECL void console_feed::look_at(form& f, std::uint32_t index) {
    auto const& h = *hosts_[index].h;
    if (index >= f.rows.size()) {
        f.rows.resize(hosts_.size());
        f.sent.resize(hosts_.size() * f.format.numbers());
    }
    auto& r = f.rows[index];
    if (!f.filter.empty() && !f.filter.matches(subject_of(h))) {
        if (r.in) {
            r = {};
            f.recent.remove(index);
            f.say_gone(number_, h.id, settings_.max_gone);
        }
        return;
    }
    auto const words = f.format.words(h);
    f.scratch.resize(f.format.numbers());
    f.format.read(h, f.scratch);
    auto const sent = f.numbers(index);
    if (r.in && r.words == words && !f.format.differ(sent, f.scratch))
        return;
    std::copy(f.scratch.begin(), f.scratch.end(), sent.begin());
    r = {number_, words, true};
    f.recent.touch(index);
}

/// All that has changed since it last looked.
MAD_DECL void console_feed::look(form& f) {
    if (f.cursor == number_)
        return;
    for (auto i = recent_.first(); i != detail::recency_list::none && hosts_[i].changed > f.cursor;
         i = recent_.next(i))
        look_at(f, i);
    f.cursor = number_;
}

MAD_DECL std::string console_feed::cursor_text(form const& f, std::uint64_t at) const {
    return settings_.instance + '-' + std::to_string(f.number) + '.' + std::to_string(at);
}

MAD_DECL std::optional<std::uint64_t> console_feed::resumed_from(form const& f,
                                                                 std::string_view text) const {
    auto const head = settings_.instance + '-' + std::to_string(f.number) + '.';
    if (!text.starts_with(head))
        return std::nullopt;
    text.remove_prefix(head.size());
    std::uint64_t at = 0;
    auto const end = text.data() + text.size();
    if (auto const r = std::from_chars(text.data(), end, at); r.ec != std::errc() || r.ptr != end)
        return std::nullopt;
    if (at > f.cursor || at < f.gone_floor)
        return std::nullopt;
    return at;
}

MAD_DECL std::string console_feed::delta(form& f, std::uint64_t since, bool resumed,
                                         std::size_t& changes) {
    std::string out = "{\"rows\":[";
    changes = 0;
    for (auto i = f.recent.first(); i != detail::recency_list::none && f.rows[i].sent > since;
         i = f.recent.next(i)) {
        if (changes++)
            out += ',';
        f.format.append(out, *hosts_[i].h, f.numbers(i));
    }
    rows_sent_ += changes;
    out += "],\"gone\":[";
    std::unordered_set<std::string_view> said;
    auto at = std::find_if(f.gone.rbegin(), f.gone.rend(), [&](auto const& g) {
                  return g.at <= since;
              }).base();
    for (; at != f.gone.end(); ++at) {
        auto const* const back = find_(at->id);
        if (back && back->index < f.rows.size() && f.rows[back->index].in)
            continue; // it has come back: its row says so
        if (!said.insert(at->id).second)
            continue;
        if (said.size() > 1)
            out += ',';
        append_json_string(out, at->id);
        ++changes;
    }
    out += "],\"cursor\":";
    append_json_string(out, cursor_text(f, f.cursor));
    if (resumed)
        out += ",\"resumed\":true";
    return out += '}';
}

namespace detail {

/// The nearest of what there is: consoles that want nearly the same share their packets.
inline double near_rate(double hz) {
    static constexpr std::array<double, 5> rates{4, 2, 1, 0.5, 0.2};
    for (auto const r : rates)
        if (hz >= r)
            return r;
    return rates.back();
}

/// Fails closed: `-*` matches nothing.
inline search bounds_of(std::string_view within) {
    auto given = parse_search(within);
    return given ? std::move(*given) : *parse_search("-*");
}

inline void note(std::string& error, std::string_view text) {
    if (!error.empty())
        error += "; ";
    error += text;
}

} // namespace detail

MAD_DECL console_feed::form& console_feed::form_of(row_format format, search filter,
                                                   search const& bounds, std::string& error) {
    auto const same = [&] {
        return std::find_if(forms_.begin(), forms_.end(), [&](auto const& f) {
            return f->format.names() == format.names() && f->filter.text() == filter.text();
        });
    };
    auto at = same();
    if (at != forms_.end())
        return **at;
    if (forms_.size() >= settings_.max_forms) {
        auto const idle =
            std::min_element(forms_.begin(), forms_.end(), [](auto const& a, auto const& b) {
                return std::pair(a->users, a->idle_since) < std::pair(b->users, b->idle_since);
            });
        if ((*idle)->users == 0) {
            forms_.erase(idle);
        } else if (format.names() != row_format().names() || filter.text() != bounds.text()) {
            detail::note(error, "fields, filter: too many different ones are in use here; "
                                "the defaults are used");
            return form_of({}, bounds, bounds, error);
        } // the default is there for everybody
    }
    auto f = std::make_unique<form>();
    f->number = next_form_++;
    f->format = std::move(format);
    f->filter = std::move(filter);
    f->gone_floor = number_;
    forms_.push_back(std::move(f));
    auto& made = *forms_.back();
    for (std::uint32_t i = 0; i < hosts_.size(); ++i)
        if (hosts_[i].h)
            look_at(made, i);
    made.cursor = number_;
    return made;
}

MAD_DECL console_feed::group& console_feed::group_of(form& f, duration interval) {
    for (auto const& g : f.groups)
        if (g->interval == interval)
            return *g;
    f.groups.push_back(std::make_unique<group>());
    f.groups.back()->interval = interval;
    return *f.groups.back();
}

MAD_DECL void console_feed::drop_from_group(console& c) {
    if (!c.in)
        return;
    std::erase(c.in->members, c.name);
    c.in = nullptr;
}

/// With all up to `form::cursor` sent. Others of its group may have less: they are brought there.
MAD_DECL void console_feed::enter_group(console& c) {
    auto& g = group_of(*c.of, c.interval);
    if (g.members.empty()) {
        g.cursor = c.of->cursor;
    } else if (g.cursor != c.of->cursor) {
        flush(*c.of, g);
    }
    g.members.push_back(c.name);
    c.in = &g;
    behind_.erase(c.name.id);
}

MAD_DECL std::string console_feed::connect(std::uint64_t id, std::string_view request,
                                           std::string_view within, time_point now) {
    std::string error;
    double hz = 4;
    row_format format;
    auto const bounds = detail::bounds_of(within);
    search filter = bounds;
    std::string cursor;
    auto const wish = json::parse(request, nullptr, false);
    if (wish.is_object()) {
        if (auto const v = wish.find("hz"); v != wish.end() && !v->is_null()) {
            if (v->is_number() && v->get<double>() > 0)
                hz = v->get<double>();
            else
                detail::note(error, "hz: a number from 0.2 to 4 belongs here");
        }
        if (auto const v = wish.find("fields"); v != wish.end() && !v->is_null()) {
            std::vector<std::string> names;
            bool good = v->is_array() && !v->empty() && v->size() <= 64;
            if (good)
                for (auto const& n : *v) {
                    good = good && n.is_string();
                    names.push_back(n.is_string() ? n.get<std::string>() : std::string());
                }
            auto given = good ? row_format::of(names) : std::nullopt;
            if (given)
                format = std::move(*given);
            else
                detail::note(error, "fields: a list of different names of columns belongs here");
        }
        if (auto const v = wish.find("filter"); v != wish.end() && !v->is_null()) {
            auto given = parse_search(v->is_string() ? v->get<std::string>() : std::string("-"));
            if (given && !bounds.empty())
                given = parse_search(bounds.text() + ' ' + given->text());
            if (given)
                filter = std::move(*given);
            else
                detail::note(error, "filter: " + given.error().message());
        }
        if (auto const v = wish.find("cursor"); v != wish.end() && v->is_string())
            cursor = v->get<std::string>();
    }
    hz = detail::near_rate(hz);

    auto& slot = consoles_[id];
    if (!slot)
        slot = std::make_unique<console>();
    auto& c = *slot;
    drop_from_group(c);
    auto* const before = c.of;
    auto& f = form_of(std::move(format), std::move(filter), bounds, error);
    if (before != &f) {
        ++f.users;
        if (before && --before->users == 0)
            before->idle_since = now;
    }
    c.of = &f;
    c.bounds = bounds;
    c.name = {id, c.name.wish + 1};
    c.interval = std::chrono::duration_cast<duration>(std::chrono::duration<double>(1 / hz));
    c.left.clear();
    c.in_snapshot = false;
    look(f);
    auto const since = cursor.empty() ? std::nullopt : resumed_from(f, cursor);
    if (since) {
        std::size_t changes = 0;
        auto const text = delta(f, *since, true, changes);
        link_.send({&c.name, 1}, "fleet_delta", text, feed_way::reopen, 0);
        enter_group(c);
    } else {
        begin_snapshot(c);
    }
    if (c.in && c.in->due == time_point{})
        c.in->due = now + c.in->interval;

    std::string answer = "{\"v\":2,\"hz\":";
    append_json_number(answer, hz);
    if (!error.empty()) {
        answer += ",\"error\":";
        append_json_string(answer, error);
    }
    return answer += '}';
}

MAD_DECL void console_feed::begin_snapshot(console& c) {
    auto& f = *c.of;
    c.cursor = f.cursor;
    c.in_snapshot = true;
    c.left.clear();
    for (auto i = f.recent.first(); i != detail::recency_list::none; i = f.recent.next(i))
        c.left.push_back(i);
    next_chunk(c);
}

/// What is sent is what the form says now, which may be later than the snapshot's cursor: those
/// rows come once more behind it.
MAD_DECL void console_feed::next_chunk(console& c) {
    auto& f = *c.of;
    std::string out = "{\"cols\":";
    out += f.format.names();
    out += ",\"rows\":[";
    std::size_t rows = 0;
    while (!c.left.empty() && rows < settings_.chunk_rows) {
        auto const i = c.left.back();
        c.left.pop_back();
        if (i >= f.rows.size() || !f.rows[i].in)
            continue; // gone meanwhile
        if (rows++)
            out += ',';
        f.format.append(out, *hosts_[i].h, f.numbers(i));
    }
    rows_sent_ += rows;
    bool const last = c.left.empty();
    out += "],\"cursor\":";
    append_json_string(out, cursor_text(f, c.cursor));
    out += last ? ",\"last\":true}" : ",\"last\":false}";
    if (!last) {
        link_.send({&c.name, 1}, "fleet_snapshot", out, feed_way::chunk, 0);
        behind_.insert_or_assign(c.name.id, time_point{});
        return;
    }
    c.in_snapshot = false;
    std::vector<std::uint32_t>().swap(c.left);
    link_.send({&c.name, 1}, "fleet_snapshot", out, feed_way::reopen, 0);
    if (c.cursor != f.cursor) {
        if (c.cursor < f.gone_floor)
            return begin_snapshot(c);
        std::size_t changes = 0;
        auto const missed = delta(f, c.cursor, false, changes);
        if (changes)
            link_.send({&c.name, 1}, "fleet_delta", missed, feed_way::reopen, 0);
    }
    enter_group(c);
}

MAD_DECL void console_feed::leave(std::uint64_t id, time_point now) {
    auto const at = consoles_.find(id);
    if (at == consoles_.end())
        return;
    auto& c = *at->second;
    while (!c.watches.empty())
        unwatch(id, std::string(c.watches.back()));
    drop_from_group(c);
    behind_.erase(id);
    if (--c.of->users == 0)
        c.of->idle_since = now;
    consoles_.erase(at);
}

MAD_DECL console_feed::watch_answer console_feed::watch(std::uint64_t id, std::string_view host) {
    auto const at = consoles_.find(id);
    if (at == consoles_.end())
        return watch_answer::unknown_console;
    auto const* const h = find_(host);
    if (!h || !at->second->may_see(*h))
        return watch_answer::unknown_host;
    auto& mine = at->second->watches;
    if (std::find(mine.begin(), mine.end(), host) != mine.end())
        return watch_answer::yes;
    if (mine.size() >= settings_.max_watches)
        return watch_answer::too_many;
    mine.emplace_back(host);
    watches_[std::string(host)].push_back(id);
    return watch_answer::yes;
}

MAD_DECL void console_feed::unwatch(std::uint64_t id, std::string_view host) {
    auto const at = consoles_.find(id);
    if (at == consoles_.end() || std::erase(at->second->watches, host) == 0)
        return;
    auto const w = watches_.find(std::string(host));
    std::erase(w->second, id);
    if (w->second.empty())
        watches_.erase(w);
}

MAD_DECL void console_feed::refused(feed_console who, std::uint64_t before) {
    auto const at = consoles_.find(who.id);
    if (at == consoles_.end() || at->second->name != who || !at->second->in)
        return;
    auto& c = *at->second;
    drop_from_group(c);
    c.cursor = before;
    behind_.insert_or_assign(who.id, time_point{});
}

MAD_DECL void console_feed::ready(feed_console who) {
    auto const at = consoles_.find(who.id);
    if (at == consoles_.end() || at->second->name != who || at->second->in)
        return;
    auto& c = *at->second;
    if (c.in_snapshot)
        return next_chunk(c);
    auto& f = *c.of;
    look(f);
    if (c.cursor < f.gone_floor)
        return begin_snapshot(c);
    std::size_t changes = 0;
    auto const text = delta(f, c.cursor, false, changes);
    link_.send({&c.name, 1}, changes ? "fleet_delta" : "", text, feed_way::reopen, 0);
    enter_group(c);
}

MAD_DECL void console_feed::flush(form& f, group& g) {
    if (g.cursor == f.cursor)
        return;
    std::size_t changes = 0;
    auto const before = std::exchange(g.cursor, f.cursor);
    if (before < f.gone_floor) {
        // More hosts went at once than are remembered: each gets everything when it can take it.
        for (auto const& member : std::exchange(g.members, {}))
            refused(member, before);
        return;
    }
    auto const text = delta(f, before, false, changes);
    if (changes)
        link_.send(g.members, "fleet_delta", text, feed_way::delta, before);
}

MAD_DECL std::optional<time_point> console_feed::on_time(time_point now) {
    std::optional<time_point> next;
    auto const at_most = [&next](time_point t) { next = next ? std::min(*next, t) : t; };
    for (std::size_t i = 0; i < forms_.size();) {
        auto& f = *forms_[i];
        if (f.users == 0 && now - f.idle_since >= settings_.form_keep) {
            forms_.erase(forms_.begin() + static_cast<std::ptrdiff_t>(i));
            continue;
        }
        if (f.users == 0)
            at_most(f.idle_since + settings_.form_keep);
        std::erase_if(f.groups, [](auto const& g) { return g->members.empty(); });
        for (auto const& g : f.groups) {
            if (g->due == time_point{})
                g->due = now;
            if (g->due <= now) {
                look(f);
                flush(f, *g);
                g->due = std::max(g->due + g->interval, now + g->interval / 2);
            }
            at_most(g->due);
        }
        ++i;
    }
    for (auto& [id, due] : behind_) {
        if (due <= now) {
            due = now + settings_.ask_every;
            link_.ask(consoles_.at(id)->name);
        }
        at_most(due);
    }
    return next;
}

} // namespace mad::inline MAD_ABI::fleet

#endif
