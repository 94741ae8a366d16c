#ifndef MAD_NET_HTTP_CHUNKED_HPP
#define MAD_NET_HTTP_CHUNKED_HPP

#include <mad/config.hpp>

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

namespace mad::inline MAD_ABI::net::http {

/// Decodes a chunked body as it arrives. Strict: sizes are plain hex digits, lines end in CRLF,
/// extensions and trailers are read over and bounded together.
class chunk_decoder {
  public:
    /// `piece`: of `next` alone.
    enum class state : std::uint8_t { more, piece, done, bad, too_large };

    explicit chunk_decoder(std::size_t max_overhead_bytes)
        : overhead_left_(max_overhead_bytes) {}

    /// Takes bytes from the front of `in`, appends data to `body`, which may grow to `max_body`.
    state feed(std::string_view& in, std::string& body, std::size_t max_body) {
        for (std::string_view data;;) {
            auto const s = next(in, data, max_body - body.size());
            if (s != state::piece)
                return s;
            body.append(data);
        }
    }

    /// The same without keeping anything: takes bytes from the front of `in` until there is some
    /// data, which is then a view into what was `in`. A chunk of more than `most` bytes is too
    /// large.
    state next(std::string_view& in, std::string_view& data, std::uint64_t most) {
        data = {};
        while (step_ != step::end) {
            if (step_ == step::data) {
                auto const n = std::min<std::uint64_t>(size_, in.size());
                if (n == 0)
                    return state::more;
                data = in.substr(0, n);
                in.remove_prefix(n);
                if ((size_ -= n) == 0)
                    step_ = step::data_cr;
                return state::piece;
            }
            if (in.empty())
                return state::more;
            char const c = in.front();
            in.remove_prefix(1);
            switch (step_) {
            case step::size:
                if (int const d = digit(c); d >= 0) {
                    if (++digits_ > 8)
                        return state::bad;
                    size_ = size_ * 16 + static_cast<unsigned>(d);
                } else if (digits_ == 0) {
                    return state::bad;
                } else if (c == '\r') {
                    step_ = step::size_lf;
                } else if (c == ';') {
                    step_ = step::extension;
                } else if (c == ' ' || c == '\t') {
                    step_ = step::blank;
                } else {
                    return state::bad;
                }
                break;
            case step::blank: // RFC 9112 7.1.1: blanks may stand before an extension, no more
                if (c == ';')
                    step_ = step::extension;
                else if (c == '\r')
                    step_ = step::size_lf;
                else if ((c != ' ' && c != '\t') || overhead_left_-- == 0)
                    return state::bad;
                break;
            case step::extension:
                if (c == '\r')
                    step_ = step::size_lf;
                else if (c == '\n' || c == '\0' || overhead_left_-- == 0)
                    return state::bad;
                break;
            case step::size_lf:
                if (c != '\n')
                    return state::bad;
                if (size_ > most)
                    return state::too_large;
                digits_ = 0;
                step_ = size_ ? step::data : step::trailer;
                line_ = 0;
                break;
            case step::data_cr:
                if (c != '\r')
                    return state::bad;
                step_ = step::data_lf;
                break;
            case step::data_lf:
                if (c != '\n')
                    return state::bad;
                step_ = step::size;
                break;
            case step::trailer:
                if (c == '\r')
                    step_ = step::trailer_lf;
                else if (c == '\n' || c == '\0' || overhead_left_-- == 0)
                    return state::bad;
                else
                    ++line_;
                break;
            case step::trailer_lf:
                if (c != '\n')
                    return state::bad;
                step_ = line_ == 0 ? step::end : step::trailer;
                line_ = 0;
                break;
            case step::data:
            case step::end:
                break;
            }
        }
        return state::done;
    }

  private:
    enum class step : std::uint8_t {
        size,
        blank,
        extension,
        size_lf,
        data,
        data_cr,
        data_lf,
        trailer,
        trailer_lf,
        end
    };

    static int digit(char c) {
        if (c >= '0' && c <= '9')
            return c - '0';
        if (c >= 'a' && c <= 'f')
            return c - 'a' + 10;
        if (c >= 'A' && c <= 'F')
            return c - 'A' + 10;
        return -1;
    }

    std::uint64_t size_ = 0;
    std::size_t overhead_left_, line_ = 0;
    int digits_ = 0;
    step step_ = step::size;
};

} // namespace mad::inline MAD_ABI::net::http

#endif
