#ifndef MAD_HOST_IMPL_TICK_GRID_IPP
#define MAD_HOST_IMPL_TICK_GRID_IPP

#include <mad/core/ids.hpp>
#include <mad/host/tick_grid.hpp>

namespace mad::inline MAD_ABI::host {

MAD_DECL tick_grid tick_grid::at_random(time_point now, duration interval) {
    std::uint32_t dice = 0;
    fill_random({reinterpret_cast<std::uint8_t*>(&dice), sizeof dice});
    auto const share = (static_cast<double>(dice) + 1) / 4294967296.0; // never 0: not at once
    auto const phase = std::chrono::duration<double, duration::period>(interval) * share;
    return {now + std::chrono::ceil<duration>(phase), interval};
}

MAD_DECL std::uint64_t tick_grid::advance(time_point now) {
    due_ += interval_;
    if (due_ > now)
        return 0;
    auto const missed = (now - due_) / interval_ + 1;
    due_ += missed * interval_;
    return static_cast<std::uint64_t>(missed);
}

} // namespace mad::inline MAD_ABI::host

#endif
