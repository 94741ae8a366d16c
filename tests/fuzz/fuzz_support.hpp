#ifndef MAD_TESTS_FUZZ_FUZZ_SUPPORT_HPP
#define MAD_TESTS_FUZZ_FUZZ_SUPPORT_HPP

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

/// What must hold for every input; ends the target where it does not.
#define FUZZ_CHECK(condition)                                                                      \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            std::fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);           \
            std::abort();                                                                          \
        }                                                                                          \
    } while (false)

namespace mad_fuzz {

/// The input: some bytes off its front to steer by, the rest as the text under test.
class input {
  public:
    input(std::uint8_t const* data, std::size_t size)
        : rest_(reinterpret_cast<char const*>(data), size) {}

    /// The next byte, 0 at the end.
    std::uint8_t byte() {
        if (rest_.empty())
            return 0;
        auto const b = static_cast<std::uint8_t>(rest_.front());
        rest_.remove_prefix(1);
        return b;
    }

    /// The next `n` bytes, or what is left.
    std::string_view take(std::size_t n) {
        auto const text = rest_.substr(0, n);
        rest_.remove_prefix(text.size());
        return text;
    }

    std::string_view rest() const { return rest_; }

  private:
    std::string_view rest_;
};

} // namespace mad_fuzz

#endif
