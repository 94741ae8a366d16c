#ifndef MAD_HOST_IMPL_PSI_IPP
#define MAD_HOST_IMPL_PSI_IPP

#include <mad/host/delta.hpp>
#include <mad/host/psi.hpp>
#include <mad/host/scan.hpp>

namespace mad::inline MAD_ABI::host {

namespace detail {

inline std::optional<psi_line> read_psi_line(std::string_view words) {
    std::optional<double> avg60;
    std::optional<std::uint64_t> total;
    for (auto word = next_word(words); !word.empty(); word = next_word(words)) {
        if (word.starts_with("avg60="))
            avg60 = fraction_of(word.substr(6));
        else if (word.starts_with("total="))
            total = number_of(word.substr(6));
    }
    if (!avg60 || !total)
        return std::nullopt;
    return psi_line{percent(*avg60, 100), *total};
}

} // namespace detail

MAD_DECL bool parse_psi(std::string_view text, psi_text& out) {
    out = {};
    while (!text.empty()) {
        auto line = next_line(text);
        auto const kind = next_word(line);
        if (kind == "some")
            out.some = detail::read_psi_line(line);
        else if (kind == "full")
            out.full = detail::read_psi_line(line);
    }
    return out.some || out.full;
}

} // namespace mad::inline MAD_ABI::host

#endif
