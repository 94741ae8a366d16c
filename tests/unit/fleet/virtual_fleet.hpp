#ifndef MAD_TESTS_FLEET_VIRTUAL_FLEET_HPP
#define MAD_TESTS_FLEET_VIRTUAL_FLEET_HPP

#include <mad/fleet/roster.hpp>

#include <map>
#include <sstream>
#include <string>
#include <vector>

namespace mad_test {

/// A roster on a clock that tests move, with what it told: as a node has it.
class virtual_fleet {
  public:
    using ms = mad::milliseconds;

    explicit virtual_fleet(mad::fleet::roster_settings s = {})
        : all(std::move(s), watch()) {}

    /// A sample of 2.5 s with such members of `health`. Gives what others get.
    std::string sample(std::string const& id, std::string const& health,
                       std::string const& more = R"("v":2,)") {
        auto r = record(id, health, more);
        all.sample(r, true, now, wall());
        return r.record;
    }

    /// One that another node judged.
    void theirs(std::string const& id, std::string const& record_json) {
        mad::fleet::stored_record r;
        r.id = id;
        r.socket_id = sockets[id];
        r.record = record_json;
        r.run = runs[id];
        all.sample(r, now, wall());
    }

    mad::fleet::stored_record record(std::string const& id, std::string const& health,
                                     std::string const& more = R"("v":2,)") {
        mad::fleet::stored_record r;
        r.id = id;
        r.socket_id = sockets[id];
        r.run = runs[id];
        r.info = infos[id];
        r.record = "{\"id\":\"" + id + "\"," + more +
                   "\"interval_ms\":" + std::to_string(interval) + ",\"health\":{" + health + "}" +
                   (r.info.empty() ? std::string() : ",\"info\":" + r.info) + "}";
        return r;
    }

    void gone(std::string const& id, mad::fleet::gone_reason why) {
        all.gone(id, why, now, wall());
    }

    /// Time passes as a node lives it: it does what is due when it is.
    void pass(ms d) {
        auto const end = now + d;
        while (next <= end) {
            now = std::max(now, next);
            next = all.on_time(now, wall());
        }
        now = end;
        next = std::min(next, all.on_time(now, wall()));
    }
    /// The same while the host sends such samples every 2.5 s.
    void pass(ms d, std::string const& id, std::string const& health) {
        for (auto const end = now + d; now < end;) {
            pass(std::min<ms>(ms(2'500), std::chrono::duration_cast<ms>(end - now)));
            sample(id, health);
        }
    }

    std::int64_t wall() const {
        return wall_start + std::chrono::duration_cast<ms>(now - start).count();
    }

    mad::fleet::host const& of(std::string const& id) const {
        auto const* const h = all.find(id);
        if (!h)
            throw std::runtime_error(id + " is not there");
        return *h;
    }
    std::string state(std::string const& id) const {
        auto const* const h = all.find(id);
        return h ? std::string(to_string(h->state)) : "none";
    }

    /// What was told since the last look: `ok>crit(cpu)`.
    std::string told() { return std::exchange(words, {}); }

    static constexpr std::int64_t wall_start = 1'764'000'000'000; // a Monday, 16:00 UTC
    mad::time_point const start{std::chrono::hours(1)};
    mad::time_point now = start, next = start;
    unsigned interval = 2'500;
    std::map<std::string, std::string> sockets, runs, infos;
    std::string words;
    std::size_t changes = 0;
    std::vector<std::string> removed;
    std::function<void(mad::fleet::host const&)> on_change;
    mad::fleet::roster all;

  private:
    mad::fleet::roster_watch watch() {
        mad::fleet::roster_watch w;
        w.changed = [this](mad::fleet::host const& h, bool) {
            ++changes;
            if (on_change)
                on_change(h);
        };
        w.turned = [this](mad::fleet::host const& h, mad::fleet::transition const& t) {
            if (!words.empty())
                words += ' ';
            if (t.flapping_ended || t.mute_ended)
                words += std::string(t.flapping_ended ? "calm:" : "unmuted:") +
                         std::string(to_string(t.to));
            else
                words += std::string(to_string(t.from)) + '>' + std::string(to_string(t.to));
            if (!t.rule.empty())
                words += '(' + t.rule + ')';
            if (t.to == mad::fleet::host_state::offline)
                words += '(' + h.reason + ')';
            if (t.flapping_began)
                words += "!";
            if (h.is(mad::fleet::host_flag::muted))
                words += "#";
        };
        w.removed = [this](std::string_view id, std::uint32_t) { removed.emplace_back(id); };
        return w;
    }
};

} // namespace mad_test

#endif
