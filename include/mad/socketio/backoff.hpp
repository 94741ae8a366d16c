#ifndef MAD_SOCKETIO_BACKOFF_HPP
#define MAD_SOCKETIO_BACKOFF_HPP

#include <mad/core/clock.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace mad::inline MAD_ABI::socketio {

/// How long a client waits before it tries again. Defaults: socket.io-client 4.8.
struct backoff_settings {
    milliseconds delay{1000};     ///< before the first attempt; doubled for each one
    milliseconds delay_max{5000}; ///< never longer, jitter included
    /// How far chance may move a delay, as a share of it: 0 to 1. Keeps clients that lost the same
    /// server from coming back all at once.
    double randomization = 0.5;
    /// Chance alone decides: anything from 0 to the doubled delay, which is cut at `delay_max`
    /// before. `randomization` does not count then. For fleets: no two clients come back together,
    /// however long the server is away. Ours.
    bool full_jitter = false;
};

/// The delays of one series of attempts, without a clock. As the reference: a random number in [0,
/// 1) gives the size of the deviation, and its first decimal digit the direction.
class backoff {
  public:
    explicit backoff(backoff_settings s = {})
        : settings_(s) {}

    /// The delay before the next attempt, which is counted. `random` in [0, 1).
    milliseconds next(double random) {
        // A double holds any power here, but nothing beyond is worth distinguishing.
        auto const power = static_cast<int>(std::min<std::size_t>(attempts_++, 60));
        auto ms = std::ldexp(static_cast<double>(settings_.delay.count()), power);
        auto const most = static_cast<double>(settings_.delay_max.count());
        if (settings_.full_jitter)
            return milliseconds(static_cast<milliseconds::rep>(random * std::min(ms, most)));
        auto const jitter = std::clamp(settings_.randomization, 0.0, 1.0);
        auto const deviation = std::floor(random * jitter * ms);
        ms += static_cast<int>(random * 10) % 2 == 0 ? -deviation : deviation;
        ms = std::min(ms, most);
        return milliseconds(static_cast<milliseconds::rep>(ms));
    }

    /// Attempts since the beginning, or since `reset`.
    std::size_t attempts() const { return attempts_; }
    void reset() { attempts_ = 0; }

  private:
    backoff_settings settings_;
    std::size_t attempts_ = 0;
};

} // namespace mad::inline MAD_ABI::socketio

#endif
