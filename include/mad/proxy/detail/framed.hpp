#ifndef MAD_PROXY_DETAIL_FRAMED_HPP
#define MAD_PROXY_DETAIL_FRAMED_HPP

#include <mad/proxy/body.hpp>

#include <array>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

#include <sys/uio.h>

namespace mad::inline MAD_ABI::proxy::detail {

/// Most that is read at a time of what may have to wait for the other side: with a head in front it
/// stays under 64 KB.
inline constexpr std::size_t relay_read_bytes = 48 * 1024;

/// What one read has brought of a body, without its framing.
struct unframed {
    std::string_view data;
    body_reader::state state = body_reader::state::more;
};

/// Takes the framing off. Sized bodies are given as they lie; the pieces of a chunked one are moved
/// together in `scratch`, so that many small chunks cost one copy instead of many parts. Takes no
/// more of `in` than fits.
inline unframed unframe(body_reader& body, std::string_view& in, std::span<char> scratch) {
    unframed out;
    if (body.form() != framing::chunked) {
        std::string_view piece;
        while ((out.state = body.next(in, piece)) == body_reader::state::piece)
            out.data = piece;
        return out;
    }
    auto now = in.substr(0, scratch.size());
    std::size_t n = 0;
    std::string_view piece;
    while ((out.state = body.next(now, piece)) == body_reader::state::piece) {
        std::memcpy(scratch.data() + n, piece.data(), piece.size());
        n += piece.size();
    }
    auto const used = std::min(in.size(), scratch.size()) - now.size();
    in.remove_prefix(used);
    out.data = {scratch.data(), n};
    return out;
}

inline void append_parts(std::string& out, std::span<iovec const> parts) {
    for (auto const& p : parts)
        out.append(static_cast<char const*>(p.iov_base), p.iov_len);
}

/// What leaves in one write: a head, and a piece of a body framed for whoever gets it.
class framed_piece {
  public:
    framed_piece() = default;
    framed_piece(framed_piece const&) = delete;
    framed_piece& operator=(framed_piece const&) = delete;

    void add(std::string_view text) {
        if (text.empty())
            return;
        parts_[n_++] = {const_cast<char*>(text.data()), text.size()};
        bytes_ += text.size();
    }

    void body(std::string_view data, framing f, bool over) {
        if (f != framing::chunked)
            return add(data);
        if (!data.empty()) {
            line_ = chunk_line(data.size());
            add(line_.text());
            add(data);
            add(chunk_end);
        }
        if (over)
            add(last_chunk);
    }

    std::span<iovec const> parts() const { return {parts_.data(), n_}; }
    std::size_t bytes() const { return bytes_; }
    void append_to(std::string& out) const { append_parts(out, parts()); }
    void clear() { n_ = bytes_ = 0; }

  private:
    std::array<iovec, 5> parts_;
    std::size_t n_ = 0, bytes_ = 0;
    chunk_line line_{1};
};

/// The session id in an open packet, also one within a script (`\"sid\":\"`): empty when there is
/// none, or not all of it yet.
inline std::string_view sid_of_open(std::string_view text) {
    for (std::string_view const mark : {"\"sid\":\"", "\\\"sid\\\":\\\""}) {
        auto const at = text.find(mark);
        if (at == text.npos)
            continue;
        auto const rest = text.substr(at + mark.size());
        auto const end = rest.find_first_of("\"\\");
        return end == rest.npos ? std::string_view{} : rest.substr(0, end);
    }
    return {};
}

} // namespace mad::inline MAD_ABI::proxy::detail

#endif
