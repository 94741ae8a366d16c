#ifndef MAD_FLEET_FLAPPING_HPP
#define MAD_FLEET_FLAPPING_HPP

#include <mad/core/clock.hpp>

#include <array>
#include <cstddef>

namespace mad::inline MAD_ABI::fleet {

/// When a host changes too often: more than 6 times in 5 minutes, until it has been quiet for 5.
class flapping {
  public:
    static constexpr std::size_t most = 6;
    static constexpr std::chrono::minutes window{5}, quiet{5};

    /// A change of state. True: with this one it begins.
    bool changed(time_point now) {
        auto const before = times_[next_]; // as many changes ago as may be
        bool const full = count_ == times_.size();
        times_[next_] = now;
        next_ = (next_ + 1) % times_.size();
        count_ += !full;
        last_ = now;
        if (on_ || !full || now - before > window)
            return false;
        return on_ = true;
    }

    bool on() const { return on_; }

    /// When it ends unless there is another change; also when nothing of it need be remembered.
    time_point over() const { return last_ + quiet; }

  private:
    std::array<time_point, most> times_{};
    std::size_t next_ = 0, count_ = 0;
    time_point last_{};
    bool on_ = false;
};

} // namespace mad::inline MAD_ABI::fleet

#endif
