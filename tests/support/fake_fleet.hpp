#ifndef MAD_TESTS_SUPPORT_FAKE_FLEET_HPP
#define MAD_TESTS_SUPPORT_FAKE_FLEET_HPP

#include <mad/fleet/fleet_view.hpp>
#include <mad/fleet/rule_json.hpp>
#include <mad/fleet/transition_log.hpp>

#include <algorithm>
#include <deque>
#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace mad_test {

/// A fleet that a test fills by hand.
class fake_fleet : public mad::fleet::fleet_view {
  public:
    using change_outcome = mad::fleet::change_outcome;

    mad::fleet::host& add(std::string id,
                          mad::fleet::host_state state = mad::fleet::host_state::ok) {
        auto& h = hosts.emplace_back();
        h.id = std::move(id);
        h.state = state;
        h.record = "{\"id\":\"" + h.id + "\"}";
        h.now.modern = true;
        h.since_ms = 1'764'000'000'000;
        h.seen_ms = 1'764'000'002'500;
        return h;
    }

    std::int64_t wall_ms() const override { return now_ms; }

    mad::fleet::host const* find(std::string_view id) const override {
        auto const it =
            std::find_if(hosts.begin(), hosts.end(), [&](auto const& h) { return h.id == id; });
        return it == hosts.end() ? nullptr : &*it;
    }
    void each(std::function<void(mad::fleet::host const&)> const& fn) const override {
        for (auto const& h : hosts)
            fn(h);
    }
    std::size_t size() const override { return hosts.size(); }

    void history(std::string_view id, mad::fleet::history_span w, mad::fleet::history_format f,
                 std::function<void(std::string)> done) override {
        auto const window =
            w == mad::fleet::history_span::hours_6 ? std::string("6h") : std::string("15m");
        auto text = f == mad::fleet::history_format::csv
                        ? "t,cpu\r\n1764000000000,12.5\r\n"
                        : "{\"id\":\"" + std::string(id) + "\",\"window\":\"" + window + "\"}";
        auto answer = [done = std::move(done), text = std::move(text)] { done(text); };
        if (slow)
            waiting.push_back(std::move(answer));
        else
            answer();
    }

    void transitions(
        std::function<bool(mad::fleet::logged_transition const&)> const& fn) const override {
        log.each(fn);
    }

    void rules(std::function<void(mad::fleet::listed_rule const&)> const& fn) const override {
        for (auto const& r : preset.rules)
            fn({&r, "preset"});
        for (auto const& r : overrides)
            fn({&r, "override"});
    }
    change_outcome put_rule(std::string_view name, std::string const& text) override {
        if (broken)
            return change_outcome::unavailable;
        (void)erase_rule(name);
        overrides.push_back(*mad::fleet::parse_rule(name, text));
        return change_outcome::done;
    }
    change_outcome erase_rule(std::string_view name) override {
        return erase_of(overrides, [&](auto const& r) { return r.name == name; });
    }

    std::vector<mad::fleet::mute> const& mutes() const override { return all_mutes; }
    change_outcome put_mute(std::string_view id, std::string const& text) override {
        if (broken)
            return change_outcome::unavailable;
        all_mutes.push_back(*mad::fleet::read_mute(id, text));
        return change_outcome::done;
    }
    change_outcome erase_mute(std::string_view id) override {
        return erase_of(all_mutes, [&](auto const& m) { return m.id == id; });
    }

    change_outcome forget(std::string_view id) override {
        auto const* const h = find(id);
        if (h && h->state != mad::fleet::host_state::offline)
            return change_outcome::refused;
        return erase_of(hosts, [&](auto const& x) { return x.id == id; });
    }

    std::string make_link(mad::fleet::link_wish const& w) override {
        wishes.push_back(w);
        return link_key ? "link-" + std::to_string(w.expires_ms) : std::string();
    }

    std::deque<mad::fleet::host> hosts;
    mad::fleet::transition_log log;
    mad::fleet::rule_set preset = mad::fleet::rule_set::presets();
    std::vector<mad::fleet::rule> overrides;
    std::vector<mad::fleet::mute> all_mutes;
    std::vector<mad::fleet::link_wish> wishes;
    std::vector<std::function<void()>> waiting; ///< answers of histories, when `slow`
    std::int64_t now_ms = 1'764'000'003'000;
    bool broken = false, slow = false, link_key = true;

  private:
    template <class All, class Fn>
    change_outcome erase_of(All& all, Fn const& fn) {
        auto const it = std::find_if(all.begin(), all.end(), fn);
        if (it == all.end())
            return change_outcome::none_such;
        all.erase(it);
        return change_outcome::done;
    }
};

} // namespace mad_test

#endif
