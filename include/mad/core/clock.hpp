#ifndef MAD_CORE_CLOCK_HPP
#define MAD_CORE_CLOCK_HPP

#include <mad/config.hpp>

#include <chrono>
#include <cstdint>

namespace mad::inline MAD_ABI {

/// Monotonic time: every deadline, rate and timeout uses it.
using time_point = std::chrono::steady_clock::time_point;
using duration = std::chrono::steady_clock::duration;
using std::chrono::milliseconds;
using std::chrono::seconds;

/// Where time comes from. Settings carry a pointer to one; tests pass a `manual_clock`.
class clock {
  public:
    virtual ~clock() = default;

    /// Monotonic now.
    virtual time_point now() const = 0;

    /// Wall clock in milliseconds since 1970 (informational only: it steps).
    virtual std::int64_t wall_ms() const = 0;
};

/// The clocks of this machine.
class system_clock final : public clock {
  public:
    time_point now() const override { return std::chrono::steady_clock::now(); }

    std::int64_t wall_ms() const override {
        auto const t = std::chrono::system_clock::now().time_since_epoch();
        return std::chrono::duration_cast<milliseconds>(t).count();
    }

    /// The one instance that settings point to by default.
    static system_clock const& instance() {
        static system_clock const it;
        return it;
    }
};

} // namespace mad::inline MAD_ABI

#endif
