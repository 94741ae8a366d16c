#ifndef MAD_HOST_PSI_HPP
#define MAD_HOST_PSI_HPP

#include <mad/config.hpp>

#include <cstdint>
#include <optional>
#include <string_view>

namespace mad::inline MAD_ABI::host {

/// One line of a pressure file.
struct psi_line {
    /// Percent of the last 60 s, 0 to 100.
    double avg60 = 0;

    /// Time lost since the start, in microseconds.
    std::uint64_t total_us = 0;
};

/// A pressure file: /proc/pressure/io, or io.pressure of a control group.
struct psi_text {
    std::optional<psi_line> some, full;
};

/// Fills `out`; false when there is no usable line. Words that newer kernels add are not read.
/// Example: `some avg10=0.53 avg60=0.37 avg300=0.29 total=331096650`
bool parse_psi(std::string_view text, psi_text& out);

} // namespace mad::inline MAD_ABI::host

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/host/impl/psi.ipp>
#endif

#endif
