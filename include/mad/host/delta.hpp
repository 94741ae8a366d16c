#ifndef MAD_HOST_DELTA_HPP
#define MAD_HOST_DELTA_HPP

#include <mad/core/clock.hpp>

#include <cmath>
#include <cstdint>
#include <optional>

namespace mad::inline MAD_ABI::host {

/// Time that must lie between two readings before a rate is formed.
inline constexpr milliseconds min_rate_time{100};

/// How often devices and mounts are asked again what they are.
inline constexpr seconds recheck_time{60};

/// First value that does not fit in 32 bits.
inline constexpr std::uint64_t beyond_32_bits = std::uint64_t{1} << 32;

/// One of the kernel's counters and its baseline.
class counter {
  public:
    counter() = default;
    explicit counter(std::uint64_t value)
        : value_(value)
        , wide_(value >= beyond_32_bits) {}

    /// How far the counter went since the last call; `now` becomes the baseline. A fall is a reset
    /// and gives nothing, unless it can be told from the wrap of a 32-bit counter: it has never
    /// been beyond 32 bits, stood above three quarters of them, and went no more than `wrap_limit`
    /// (0: this counter is never taken for a 32-bit one).
    std::optional<std::uint64_t> step(std::uint64_t now, std::uint64_t wrap_limit = 0) {
        auto const before = value_;
        value_ = now;
        wide_ = wide_ || now >= beyond_32_bits;
        if (now >= before)
            return now - before;
        if (wide_ || before <= beyond_32_bits / 4 * 3)
            return std::nullopt;
        auto const wrapped = beyond_32_bits - before + now;
        return wrapped <= wrap_limit ? std::optional(wrapped) : std::nullopt;
    }

    std::uint64_t value() const { return value_; }

  private:
    std::uint64_t value_ = 0;
    bool wide_ = false;
};

/// Seconds as a fraction.
inline double seconds_of(duration d) {
    return std::chrono::duration<double>(d).count();
}

/// What flows per second when `amount` came in `elapsed`; nothing in no time or above `ceiling`
/// (such a number is a broken counter, not a fast machine).
inline std::optional<double> rate(double amount, duration elapsed, double ceiling) {
    if (elapsed <= duration::zero())
        return std::nullopt;
    auto const r = amount / seconds_of(elapsed);
    if (!std::isfinite(r) || r < 0 || r > ceiling)
        return std::nullopt;
    return r;
}

/// Adds to a total that exists once one part of it is known.
inline void add_to(std::optional<double>& total, std::optional<double> const& part) {
    if (part)
        total = total.value_or(0) + *part;
}

/// The most a counter may have gone in `elapsed` at `per_second`, as a whole number.
inline std::uint64_t most_in(double per_second, duration elapsed) {
    auto const most = per_second * seconds_of(elapsed);
    return most > 0 && most < 9e18 ? static_cast<std::uint64_t>(most) : 0;
}

/// A percentage that a reader may rely on: 0 to 100.
inline double percent(double part, double whole) {
    if (!(whole > 0))
        return 0;
    auto const p = 100 * part / whole;
    return p < 0 ? 0 : p > 100 ? 100 : p;
}

/// When one source was read for the last time that counted.
class rate_window {
  public:
    /// What to do with a reading.
    struct step {
        /// Take the counters over as the new baseline. False when too little time has passed: the
        /// old baseline stays, so that frequent readers get their rate all the same.
        bool advance = false;

        /// Time since the baseline; nothing when there is none.
        std::optional<duration> elapsed;
    };

    step next(time_point now) {
        if (!since_ || now < *since_) {
            since_ = now;
            return {true, std::nullopt};
        }
        auto const elapsed = now - *since_;
        if (elapsed < min_rate_time)
            return {false, std::nullopt};
        since_ = now;
        return {true, elapsed};
    }

    /// Forgets the baseline: the machine slept, or the source could not be read.
    void reset() { since_.reset(); }

  private:
    std::optional<time_point> since_;
};

} // namespace mad::inline MAD_ABI::host

#endif
