#ifndef MAD_FLEET_IMPL_HUB_VIEW_IPP
#define MAD_FLEET_IMPL_HUB_VIEW_IPP

#include <mad/fleet/detail/hub_view.hpp>

#include <algorithm>

namespace mad::inline MAD_ABI::fleet {

namespace detail {

/// Whether that rule is one of the presets as they come.
inline bool is_preset(rule const& r, rule_set const& presets) {
    return std::any_of(presets.rules.begin(), presets.rules.end(), [&](rule const& p) {
        return p.name == r.name && p.what == r.what && p.warn == r.warn && p.crit == r.crit &&
               p.hold == r.hold && r.match.all() && p.enabled == r.enabled;
    });
}

} // namespace detail

MAD_DECL void api::hub_view::history(std::string_view id, history_span span, history_format f,
                                     std::function<void(std::string)> done) {
    auto const w =
        span == history_span::hours_6 ? history_window::six_hours : history_window::quarter_hour;
    hub_->read_history(id, [w, f, done = std::move(done)](fleet::history const& h) {
        done(f == history_format::csv ? h.csv(w) : h.json(w));
    });
}

MAD_DECL void api::hub_view::rules(std::function<void(listed_rule const&)> const& fn) const {
    auto const presets = rule_set::presets();
    for (auto const& r : hub_->roster().rules().rules)
        fn({&r, hub_->ledger().find("rules", r.name) ? "override"
                : detail::is_preset(r, presets)      ? "preset"
                                                     : "file"});
}

MAD_DECL change_outcome api::hub_view::put_rule(std::string_view name, std::string const& text) {
    hub_->change("rules", name, text);
    return change_outcome::done;
}

MAD_DECL change_outcome api::hub_view::erase_rule(std::string_view name) {
    if (!hub_->ledger().find("rules", name))
        return change_outcome::none_such;
    hub_->change("rules", name, std::nullopt);
    return change_outcome::done;
}

MAD_DECL change_outcome api::hub_view::put_mute(std::string_view id, std::string const& text) {
    hub_->change("mutes", id, text);
    return change_outcome::done;
}

MAD_DECL change_outcome api::hub_view::erase_mute(std::string_view id) {
    if (!hub_->ledger().find("mutes", id)) {
        auto const& all = hub_->mutes();
        bool const of_the_file =
            std::any_of(all.begin(), all.end(), [&](mute const& m) { return m.id == id; });
        return of_the_file ? change_outcome::refused : change_outcome::none_such;
    }
    hub_->change("mutes", id, std::nullopt);
    return change_outcome::done;
}

MAD_DECL change_outcome api::hub_view::forget(std::string_view id) {
    if (!hub_->roster().find(id))
        return change_outcome::none_such;
    return hub_->forget(id) ? change_outcome::done : change_outcome::refused;
}

MAD_DECL std::string api::hub_view::make_link(link_wish const& w) {
    return gate_->make_link(w.name, w.filter, w.expires_ms).token;
}

} // namespace mad::inline MAD_ABI::fleet

#endif
