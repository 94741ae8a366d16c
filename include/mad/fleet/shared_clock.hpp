#ifndef MAD_FLEET_SHARED_CLOCK_HPP
#define MAD_FLEET_SHARED_CLOCK_HPP

#include <mad/core/clock.hpp>

#include <cstdint>
#include <cstdlib>
#include <optional>

namespace mad::inline MAD_ABI::fleet {

/// The clock of a Redis, told from this machine's monotonic clock and a few looks at it. The wall
/// clock of this machine, which steps, has no part in it.
class shared_clock {
  public:
    /// A look: asked at `sent`, answered at `received` with `shared_ms`.
    void look(time_point sent, time_point received, std::int64_t shared_ms) {
        auto const trip = received - sent;
        auto const offset = shared_ms - ms(sent + trip / 2);
        auto const off_by = offset_ ? std::abs(offset - *offset_) : 0;
        // The quicker the answer the better the look. A slow one counts only when it proves that
        // the other clock was set, or is another one after a failover.
        auto const doubt =
            std::chrono::duration_cast<milliseconds>((trip + trip_) / 2).count() + 10;
        if (offset_ && trip > 2 * trip_ && off_by <= doubt)
            return;
        offset_ = offset;
        trip_ = trip;
    }

    bool known() const { return offset_.has_value(); }

    /// In ms; 0 while it is unknown.
    std::int64_t at(time_point t) const { return offset_ ? ms(t) + *offset_ : 0; }

  private:
    static std::int64_t ms(time_point t) {
        return std::chrono::duration_cast<milliseconds>(t.time_since_epoch()).count();
    }

    std::optional<std::int64_t> offset_;
    duration trip_{};
};

} // namespace mad::inline MAD_ABI::fleet

#endif
