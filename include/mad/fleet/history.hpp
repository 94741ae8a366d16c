#ifndef MAD_FLEET_HISTORY_HPP
#define MAD_FLEET_HISTORY_HPP

#include <mad/fleet/reading.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace mad::inline MAD_ABI::fleet {

/// A number that is not negative in 16 bits, to 0.025 % from 0.001 up to 2,000,000. NaN is the gap.
std::uint16_t pack_number(float);
float unpack_number(std::uint16_t);

enum class history_window : std::uint8_t { all, quarter_hour, six_hours };

/// What was measured of one host: storage, network, cpu, mem, load and psi of the last 15 minutes
/// as they came, and of the last 6 hours the mean and the greatest of each minute. Samples that did
/// not come are gaps. Takes about 13 KB once it is full (with samples each 2.5 s), less before.
class history {
  public:
    static constexpr std::size_t metrics = history_metrics;
    static constexpr std::int64_t native_ms = 15 * 60'000, minute_ms = 60'000;
    static constexpr std::size_t max_minutes = 6 * 60;

    /// `now_ms`: wall clock of the node. A sample that is not younger than the last is ignored.
    void add(std::int64_t now_ms, reading const&);

    bool empty() const { return native_.empty() && minutes_.empty(); }

    /// `{"interval_ms":2500,"t0":MS,"cols":["storage",...],"native":[[37.4,...],...],"minutes":
    /// {"t0":MS,"mean":[[...]],"max":[[...]]}}`: rows follow each other by the interval, minutes by
    /// the minute; unknown is null. What the window leaves out is empty.
    std::string json(history_window = history_window::all) const;

    /// The same as lines: `time_ms,storage,...`; of six hours
    /// `time_ms,storage_mean,storage_max,...`. `all` is 15 minutes.
    std::string csv(history_window = history_window::all) const;

    /// For another node, in bytes; `merge` there fills what it has not seen itself. False: that was
    /// no history.
    std::string pack() const;
    bool merge(std::string_view packed);

    std::size_t memory() const;

  private:
    template <std::size_t Width>
    class ring {
      public:
        using cell = std::array<std::uint16_t, Width>;

        std::size_t size() const { return cells_.size(); }
        bool empty() const { return cells_.empty(); }
        /// 0: the oldest.
        cell const& at(std::size_t i) const { return cells_[(first_ + i) % cells_.size()]; }
        cell& at(std::size_t i) { return cells_[(first_ + i) % cells_.size()]; }
        void push(cell const& c, std::size_t most);
        void clear();
        /// That many gaps before the oldest.
        void extend(std::size_t n);
        std::size_t memory() const { return cells_.capacity() * sizeof(cell); }

      private:
        std::vector<cell> cells_;
        std::size_t first_ = 0;
    };

    /// Of the minute that is not over.
    struct open_minute {
        std::int64_t number = 0;
        std::array<float, metrics> sum{}, most{};
        std::array<std::uint16_t, metrics> count{};
    };

    std::size_t max_native() const;
    void close_minute();
    void push_minute(std::int64_t number, ring<2 * metrics>::cell const&);

    ring<metrics> native_;
    ring<2 * metrics> minutes_; ///< mean, then the greatest
    open_minute open_;
    std::int64_t last_ms_ = 0;     ///< of the newest in `native_`
    std::int64_t last_minute_ = 0; ///< of the newest in `minutes_`
    std::uint32_t interval_ms_ = 0;
};

} // namespace mad::inline MAD_ABI::fleet

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/fleet/impl/history.ipp>
#endif

#endif
