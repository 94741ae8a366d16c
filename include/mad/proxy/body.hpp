#ifndef MAD_PROXY_BODY_HPP
#define MAD_PROXY_BODY_HPP

#include <mad/net/http/chunked.hpp>
#include <mad/net/http/head.hpp>

#include <array>
#include <charconv>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

namespace mad::inline MAD_ABI::proxy {

/// How the end of a body is told.
enum class framing : std::uint8_t { none, sized, chunked, until_close };

/// Takes the framing off a body that streams through: gives its data piece by piece, keeps none of
/// it. Whatever is framed in a way that two readers could read in two ways is `bad`.
class body_reader {
  public:
    enum class state : std::uint8_t {
        more,  ///< `in` is used up
        piece, ///< some data; call again
        done,  ///< the body is over; `in` begins with what follows it
        bad,   ///< no framing to rely on, or too much beside the data
    };

    /// Nothing: done at once.
    body_reader() = default;

    /// `length` counts for `sized`; `max_overhead_bytes` bounds chunk extensions and trailers
    /// together (hardening: 4 KB).
    explicit body_reader(
        framing f, std::uint64_t length = 0,
        std::size_t max_overhead_bytes = net::http::limits{}.max_chunk_overhead_bytes)
        : chunks_(max_overhead_bytes)
        , left_(length)
        , form_(f) {}

    framing form() const { return form_; }

    /// Takes bytes off the front of `in`; `data` is a view into it.
    state next(std::string_view& in, std::string_view& data) {
        data = {};
        if (form_ == framing::chunked)
            return next_chunked(in, data);
        if (form_ == framing::none || (form_ == framing::sized && left_ == 0))
            return state::done;
        if (in.empty())
            return state::more;
        auto n = in.size();
        if (form_ == framing::sized) {
            n = static_cast<std::size_t>(std::min<std::uint64_t>(left_, n));
            left_ -= n;
        }
        data = in.substr(0, n);
        in.remove_prefix(n);
        return state::piece;
    }

    /// The sender has closed its side: whether the body is whole all the same.
    bool ends_with_close() const {
        return form_ == framing::until_close || form_ == framing::none ||
               (form_ == framing::sized && left_ == 0) || (form_ == framing::chunked && over_);
    }

  private:
    state next_chunked(std::string_view& in, std::string_view& data) {
        using decoder = net::http::chunk_decoder;
        switch (chunks_.next(in, data, std::numeric_limits<std::uint64_t>::max())) {
        case decoder::state::more:
            return state::more;
        case decoder::state::piece:
            return state::piece;
        case decoder::state::done:
            over_ = true;
            return state::done;
        case decoder::state::bad:
        case decoder::state::too_large:
            break;
        }
        return state::bad;
    }

    net::http::chunk_decoder chunks_{0};
    std::uint64_t left_ = 0;
    framing form_ = framing::none;
    bool over_ = false;
};

/// The line in front of a chunk of `n` bytes, n > 0; behind its data comes `chunk_end`.
class chunk_line {
  public:
    explicit chunk_line(std::size_t n) {
        auto* const end = std::to_chars(text_.data(), text_.data() + 16, n, 16).ptr;
        end[0] = '\r';
        end[1] = '\n';
        size_ = static_cast<std::uint8_t>(end - text_.data() + 2);
    }

    std::string_view text() const { return {text_.data(), size_}; }

  private:
    std::array<char, 18> text_;
    std::uint8_t size_ = 0;
};

inline constexpr std::string_view chunk_end = "\r\n";
inline constexpr std::string_view last_chunk = "0\r\n\r\n";

/// One chunk; nothing for empty data, which would end the body.
inline void append_chunk(std::string& out, std::string_view data) {
    if (!data.empty())
        out.append(chunk_line(data.size()).text()).append(data).append(chunk_end);
}

} // namespace mad::inline MAD_ABI::proxy

#endif
