#ifndef MAD_HOST_SHORT_TEXT_HPP
#define MAD_HOST_SHORT_TEXT_HPP

#include <mad/config.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace mad::inline MAD_ABI::host {

/// A name held in place, at most `Capacity` bytes: lists of samples are refilled each tick without
/// touching the heap. A longer name is cut between two UTF-8 characters.
template <std::size_t Capacity>
class short_text {
    static_assert(Capacity > 0 && Capacity <= 255);

  public:
    short_text() = default;

    short_text(std::string_view s) {
        auto n = std::min(s.size(), Capacity);
        while (n < s.size() && n > 0 && (static_cast<unsigned char>(s[n]) & 0xc0) == 0x80)
            --n;
        std::copy_n(s.data(), n, data_);
        size_ = static_cast<std::uint8_t>(n);
    }

    operator std::string_view() const { return {data_, size_}; }
    std::string_view view() const { return {data_, size_}; }
    bool empty() const { return size_ == 0; }

    friend bool operator==(short_text const& a, std::string_view b) { return a.view() == b; }
    friend bool operator==(short_text const& a, short_text const& b) {
        return a.view() == b.view();
    }

  private:
    std::uint8_t size_ = 0;
    char data_[Capacity];
};

} // namespace mad::inline MAD_ABI::host

#endif
