#ifndef MAD_FLEET_DETAIL_DEADLINES_HPP
#define MAD_FLEET_DETAIL_DEADLINES_HPP

#include <mad/core/clock.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace mad::inline MAD_ABI::fleet::detail {

/// At most one time for each of many things, numbered densely; the earliest is at hand. A heap in
/// which each knows its place, so nothing is left behind when a time moves.
class deadlines {
  public:
    /// Not later than `at`: an earlier time stays. Who moves a time back with every sample pays
    /// nothing, and sets it anew when it comes up too early.
    void set(std::uint32_t which, time_point at) {
        if (which >= place_.size())
            place_.resize(which + 1, none);
        auto i = place_[which];
        if (i == none) {
            i = static_cast<std::uint32_t>(heap_.size());
            heap_.push_back({at, which});
            place_[which] = i;
        } else if (at < heap_[i].at) {
            heap_[i].at = at;
        } else {
            return;
        }
        up(i);
    }

    void clear(std::uint32_t which) {
        if (which >= place_.size() || place_[which] == none)
            return;
        auto const i = std::exchange(place_[which], none);
        auto const last = heap_.back();
        heap_.pop_back();
        if (i == heap_.size())
            return;
        put(i, last);
        down(up(i));
    }

    struct entry {
        time_point at;
        std::uint32_t which;
    };

    /// The earliest.
    std::optional<entry> first() const {
        return heap_.empty() ? std::nullopt : std::optional(heap_.front());
    }

    std::size_t size() const { return heap_.size(); }

  private:
    static constexpr std::uint32_t none = ~std::uint32_t(0);

    void put(std::size_t i, entry e) {
        heap_[i] = e;
        place_[e.which] = static_cast<std::uint32_t>(i);
    }

    std::size_t up(std::size_t i) {
        auto const e = heap_[i];
        for (; i > 0 && e.at < heap_[(i - 1) / 2].at; i = (i - 1) / 2)
            put(i, heap_[(i - 1) / 2]);
        put(i, e);
        return i;
    }

    void down(std::size_t i) {
        auto const e = heap_[i];
        for (;;) {
            auto next = 2 * i + 1;
            if (next >= heap_.size())
                break;
            if (next + 1 < heap_.size() && heap_[next + 1].at < heap_[next].at)
                ++next;
            if (!(heap_[next].at < e.at))
                break;
            put(i, heap_[next]);
            i = next;
        }
        put(i, e);
    }

    std::vector<entry> heap_;
    std::vector<std::uint32_t> place_;
};

} // namespace mad::inline MAD_ABI::fleet::detail

#endif
