#ifndef MAD_FLEET_TRANSITION_LOG_HPP
#define MAD_FLEET_TRANSITION_LOG_HPP

#include <mad/fleet/fleet_view.hpp>

#include <cstddef>
#include <functional>
#include <utility>
#include <vector>

namespace mad::inline MAD_ABI::fleet {

/// The last changes of state that this node saw: what a person asks after an alert.
class transition_log {
  public:
    /// Default: a day of a large fleet in which a host in ten has a change.
    explicit transition_log(std::size_t most = 1'000)
        : most_(most) {}

    void add(std::int64_t wall_ms, transition const& t) {
        if (all_.size() < most_) {
            all_.push_back({wall_ms, t});
        } else if (most_ > 0) {
            all_[next_] = {wall_ms, t};
        }
        next_ = most_ ? (next_ + 1) % most_ : 0;
    }

    /// The newest first, until `fn` says no.
    void each(std::function<bool(logged_transition const&)> const& fn) const {
        for (std::size_t i = 1; i <= all_.size(); ++i)
            if (!fn(all_[(next_ + most_ - i) % most_]))
                return;
    }

    std::size_t size() const { return all_.size(); }

  private:
    std::vector<logged_transition> all_;
    std::size_t most_, next_ = 0;
};

} // namespace mad::inline MAD_ABI::fleet

#endif
