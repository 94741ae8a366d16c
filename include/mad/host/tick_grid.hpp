#ifndef MAD_HOST_TICK_GRID_HPP
#define MAD_HOST_TICK_GRID_HPP

#include <mad/core/clock.hpp>

#include <cstdint>

namespace mad::inline MAD_ABI::host {

/// When readings are due: at a first time and every interval after it, wherever the work in between
/// has got to. Deadlines that were missed are left out, never made up for.
class tick_grid {
  public:
    /// `interval` must be > 0.
    tick_grid(time_point first, duration interval)
        : due_(first)
        , interval_(interval) {}

    /// A grid whose first deadline is at random within one interval after `now`: of many that start
    /// together, each has a time of its own.
    static tick_grid at_random(time_point now, duration interval);

    /// The deadline that is waited for.
    time_point due() const { return due_; }

    /// Goes on to the first deadline after `now`, at least one further. How many were left out.
    std::uint64_t advance(time_point now);

  private:
    time_point due_;
    duration interval_;
};

} // namespace mad::inline MAD_ABI::host

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/host/impl/tick_grid.ipp>
#endif

#endif
