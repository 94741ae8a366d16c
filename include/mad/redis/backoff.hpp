#ifndef MAD_REDIS_BACKOFF_HPP
#define MAD_REDIS_BACKOFF_HPP

#include <mad/core/clock.hpp>

#include <algorithm>
#include <cstddef>

namespace mad::inline MAD_ABI::redis {

/// How long to wait before the next attempt to connect.
struct backoff_settings {
    milliseconds min{100};   ///< never shorter
    milliseconds max{5'000}; ///< never longer
};

/// The delays of one series of attempts, without a clock: by chance between `min` and a bound that
/// starts at twice `min` and doubles up to `max`. So nodes that lost the same Redis come back one
/// by one.
class backoff {
  public:
    explicit backoff(backoff_settings s = {})
        : settings_(s) {}

    /// The delay before the next attempt, which is counted. `random` in [0, 1).
    milliseconds next(double random) {
        auto const low = static_cast<double>(settings_.min.count());
        auto const high = std::max(low, static_cast<double>(settings_.max.count()));
        double bound = low * 2;
        for (std::size_t i = 0; i < attempts_ && bound < high; ++i)
            bound *= 2;
        ++attempts_;
        return milliseconds(
            static_cast<milliseconds::rep>(low + random * (std::min(bound, high) - low)));
    }

    /// Attempts since the beginning, or since `reset`.
    std::size_t attempts() const { return attempts_; }
    void reset() { attempts_ = 0; }

  private:
    backoff_settings settings_;
    std::size_t attempts_ = 0;
};

} // namespace mad::inline MAD_ABI::redis

#endif
