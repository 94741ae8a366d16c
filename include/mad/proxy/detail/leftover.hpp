#ifndef MAD_PROXY_DETAIL_LEFTOVER_HPP
#define MAD_PROXY_DETAIL_LEFTOVER_HPP

#include <mad/config.hpp>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>
#include <span>
#include <string_view>
#include <utility>

#include <sys/uio.h>

namespace mad::inline MAD_ABI::proxy::detail {

/// What a peer has not taken yet. Holds no memory while it is empty, and exactly what it needs
/// otherwise: whoever fills it stops reading until it is empty again, so it is written once.
class leftover {
  public:
    leftover() = default;
    leftover(leftover const&) = delete;
    leftover& operator=(leftover const&) = delete;
    ~leftover() { std::free(data_); }

    bool empty() const { return begin_ == end_; }
    std::size_t size() const { return end_ - begin_; }
    std::string_view text() const { return {data_ + begin_, size()}; }

    /// Appends what follows the first `skip` bytes of these.
    void keep(std::span<iovec const> parts, std::size_t skip) {
        std::size_t more = 0;
        for (auto const& p : parts)
            more += p.iov_len;
        if (more <= skip)
            return;
        more -= skip;
        auto* const grown = static_cast<char*>(std::malloc(size() + more));
        if (!grown)
            throw std::bad_alloc();
        if (!empty())
            std::memcpy(grown, data_ + begin_, size());
        auto at = static_cast<std::uint32_t>(size());
        std::free(std::exchange(data_, grown));
        begin_ = 0;
        for (auto const& p : parts) {
            auto const gone = skip < p.iov_len ? skip : p.iov_len;
            skip -= gone;
            if (p.iov_len > gone)
                std::memcpy(grown + at, static_cast<char const*>(p.iov_base) + gone,
                            p.iov_len - gone);
            at += static_cast<std::uint32_t>(p.iov_len - gone);
        }
        end_ = at;
    }

    void consume(std::size_t n) {
        begin_ += static_cast<std::uint32_t>(n);
        if (empty())
            clear();
    }

    void clear() {
        std::free(std::exchange(data_, nullptr));
        begin_ = end_ = 0;
    }

  private:
    char* data_ = nullptr;
    std::uint32_t begin_ = 0, end_ = 0;
};

} // namespace mad::inline MAD_ABI::proxy::detail

#endif
