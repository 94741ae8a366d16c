// First of all: without separate compilation its bodies need what is below, and include it.
#include <mad/fleet/api.hpp>

#ifndef MAD_FLEET_DETAIL_HUB_VIEW_HPP
#define MAD_FLEET_DETAIL_HUB_VIEW_HPP

#include <mad/fleet/detail/hub.hpp>
#include <mad/fleet/fleet_view.hpp>

namespace mad::inline MAD_ABI::fleet {

/// The hub as the HTTP API sees it.
class api::hub_view final : public fleet_view {
  public:
    hub_view(std::shared_ptr<hub> h, std::shared_ptr<gate> g)
        : hub_(std::move(h))
        , gate_(std::move(g)) {}

    std::int64_t wall_ms() const override { return system_clock::instance().wall_ms(); }
    host const* find(std::string_view id) const override { return hub_->roster().find(id); }
    void each(std::function<void(host const&)> const& fn) const override {
        hub_->roster().each(fn);
    }
    std::size_t size() const override { return hub_->roster().size(); }
    void history(std::string_view id, history_span, history_format,
                 std::function<void(std::string)> done) override;
    void transitions(std::function<bool(logged_transition const&)> const& fn) const override {
        hub_->transitions().each(fn);
    }
    void rules(std::function<void(listed_rule const&)> const&) const override;
    change_outcome put_rule(std::string_view name, std::string const& text) override;
    change_outcome erase_rule(std::string_view name) override;
    std::vector<mute> const& mutes() const override { return hub_->mutes(); }
    change_outcome put_mute(std::string_view id, std::string const& text) override;
    change_outcome erase_mute(std::string_view id) override;
    change_outcome forget(std::string_view id) override;
    std::string make_link(link_wish const&) override;

  private:
    std::shared_ptr<hub> hub_;
    std::shared_ptr<gate> gate_;
};

} // namespace mad::inline MAD_ABI::fleet

#endif
