#ifndef MAD_BENCH_LOAD_METRICS_HPP
#define MAD_BENCH_LOAD_METRICS_HPP

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

namespace bench {

/// Monotonic time in nanoseconds.
std::int64_t now_ns();

/// CPU time in nanoseconds of process `pid` with all its threads; 0 names this process.
/// -1 when the process cannot be read.
std::int64_t cpu_ns(pid_t pid);

/// Resident memory of process `pid` in bytes; -1 when it cannot be read.
std::int64_t rss_bytes(pid_t pid);

/// Descriptors that process `pid` has open; -1 when it cannot be read.
std::int64_t descriptors(pid_t pid);

/// Durations in nanoseconds, kept within 3 % from 1 ns to hours.
class histogram {
  public:
    void add(std::int64_t ns);
    [[nodiscard]] std::uint64_t count() const { return count_; }
    /// The value below which `share` (0 to 1) of the entries lie, in microseconds.
    [[nodiscard]] double percentile_us(double share) const;
    [[nodiscard]] double max_us() const { return static_cast<double>(max_) / 1e3; }

  private:
    static constexpr int sub_bits = 5;
    std::array<std::uint64_t, (64 - sub_bits + 1) << sub_bits> buckets_{};
    std::uint64_t count_ = 0;
    std::int64_t max_ = 0;
};

/// One flat JSON object, written field by field.
class json_line {
  public:
    json_line& text(std::string_view name, std::string_view value);
    json_line& number(std::string_view name, std::int64_t value);
    json_line& real(std::string_view name, double value, int digits);
    [[nodiscard]] std::string str() const { return body_ + "}"; }

  private:
    void name(std::string_view name);
    std::string body_ = "{";
};

/// How long a scenario warms up and measures. Ends with `seconds` or `count`, whichever is first.
struct extent {
    double warmup = 0.5;
    double seconds = 2.0;
    std::uint64_t count = UINT64_MAX; ///< units to measure at most
};

/// Counts units (acks, deliveries, handshakes) and closes the measured interval.
class meter {
  public:
    /// Reads the CPU time of `servers` in sum; of nobody when it is empty.
    meter(extent how_long, std::vector<pid_t> servers);

    /// Begins the warm-up.
    void start();
    /// Call once a turn of the loop: false as soon as the measured interval is over.
    bool tick();
    void unit(std::uint64_t n = 1) { all_ += n; }
    /// Notes how long one unit took; kept only while measuring.
    void latency(std::int64_t ns) {
        if (phase_ == phase::measuring)
            latencies_.add(ns);
    }
    [[nodiscard]] bool started() const { return phase_ != phase::waiting; }
    /// Writes units, rate, percentiles and the CPU of both sides.
    void report(json_line& out, std::string_view unit_name) const;

  private:
    enum class phase { waiting, warming, measuring, done };
    struct reading {
        std::int64_t at = 0, own_cpu = 0, server_cpu = 0;
        std::uint64_t units = 0;
    };
    [[nodiscard]] reading read() const;

    extent extent_;
    std::vector<pid_t> servers_;
    phase phase_ = phase::waiting;
    std::int64_t started_at_ = 0;
    std::uint64_t all_ = 0;
    reading first_, last_;
    histogram latencies_;
};

} // namespace bench

#endif
