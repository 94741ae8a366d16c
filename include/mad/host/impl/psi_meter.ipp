#ifndef MAD_HOST_IMPL_PSI_METER_IPP
#define MAD_HOST_IMPL_PSI_METER_IPP

#include <mad/host/psi_meter.hpp>

#include <string_view>

namespace mad::inline MAD_ABI::host {

namespace detail {

/// Steps one counter of microseconds; percent of `elapsed`, nothing without a baseline.
inline std::optional<double> psi_share(std::optional<counter>& mine,
                                       std::optional<psi_line> const& line,
                                       std::optional<duration> const& elapsed) {
    if (!line) {
        mine.reset();
        return std::nullopt;
    }
    if (!mine || !elapsed) {
        mine = counter(line->total_us);
        return std::nullopt;
    }
    auto const d = mine->step(line->total_us);
    if (!d)
        return std::nullopt;
    return percent(static_cast<double>(*d), seconds_of(*elapsed) * 1e6);
}

} // namespace detail

MAD_DECL psi_meter psi_meter::of_machine(std::string const& proc) {
    auto const dir = proc + "/pressure/";
    return {false, dir + "cpu", dir + "memory", dir + "io"};
}

MAD_DECL psi_meter psi_meter::of_group(std::string const& directory) {
    return {true, directory + "/cpu.pressure", directory + "/memory.pressure",
            directory + "/io.pressure"};
}

MAD_DECL std::optional<pressure> psi_meter::one::update(clock const& time, read_buffer& buffer,
                                                        bool with_full, source_set& failed) {
    std::string_view text;
    auto const is = file.read(time.now(), buffer, text);
    if (is == optional_file::state::missing)
        return std::nullopt;
    psi_text now;
    if (!parse_psi(text, now)) {
        failed.add(source::psi);
        return std::nullopt;
    }
    pressure out;
    if (now.some)
        out.some_60s = now.some->avg60;
    if (now.full && with_full)
        out.full_60s = now.full->avg60;
    auto const step = window.next(time.now());
    if (step.advance) {
        out.some = detail::psi_share(some, now.some, step.elapsed);
        auto const share = detail::psi_share(full, now.full, step.elapsed);
        if (with_full)
            out.full = share;
    }
    return out;
}

MAD_DECL void psi_meter::update(clock const& time, read_buffer& buffer, sample& out) {
    auto& [cpu, memory, io] = files_;
    out.psi.cpu = cpu.update(time, buffer, group_, out.failed);
    out.psi.memory = memory.update(time, buffer, true, out.failed);
    out.psi.io = io.update(time, buffer, true, out.failed);
}

MAD_DECL void psi_meter::reset() {
    for (auto& f : files_)
        f.window.reset();
}

} // namespace mad::inline MAD_ABI::host

#endif
