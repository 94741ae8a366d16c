#ifndef MAD_PROXY_FRAME_SCAN_HPP
#define MAD_PROXY_FRAME_SCAN_HPP

#include <mad/config.hpp>

#include <algorithm>
#include <cstdint>
#include <string_view>

namespace mad::inline MAD_ABI::proxy {

/// Knows where the websocket frames of one direction end, looking at their headers only, so that a
/// frame of ours can be put between two of them. Judges nothing: both ends do.
class frame_scan {
  public:
    /// Takes the next bytes of the stream.
    void feed(std::string_view in) {
        while (!in.empty()) {
            if (payload_ > 0) {
                auto const n = std::min<std::uint64_t>(payload_, in.size());
                payload_ -= n;
                in.remove_prefix(static_cast<std::size_t>(n));
                continue;
            }
            // Most often the whole header is here.
            auto const c = static_cast<unsigned char>(in.front());
            in.remove_prefix(1);
            if (have_ == 0) {
                have_ = 1;
            } else if (have_ == 1) {
                have_ = 2;
                auto const size = c & 0x7fu;
                masked_ = (c & 0x80u) != 0;
                left_ = static_cast<std::uint8_t>((size == 127 ? 8u : size == 126 ? 2u : 0u));
                length_ = left_ ? 0 : size;
                if (left_ == 0)
                    header_read();
            } else {
                if (!in_mask_)
                    length_ = length_ << 8 | c;
                if (--left_ == 0)
                    header_read();
            }
        }
    }

    /// Takes the next bytes up to the end of the frame at hand, no more: how many.
    std::size_t feed_to_boundary(std::string_view in) {
        std::size_t used = 0;
        while (used < in.size() && !(used > 0 && at_boundary())) {
            auto const n =
                payload_ > 0
                    ? static_cast<std::size_t>(std::min<std::uint64_t>(payload_, in.size() - used))
                    : std::size_t{1};
            feed(in.substr(used, n));
            used += n;
        }
        return used;
    }

    /// Of the frame at hand, bytes that are nothing but payload and still to come.
    std::uint64_t payload_left() const { return payload_; }

    /// So many of them have gone by unseen.
    void skip(std::uint64_t n) { payload_ -= n; }

    /// True between two frames.
    bool at_boundary() const { return have_ == 0 && payload_ == 0; }

    /// The state as three numbers, for another process.
    struct state {
        std::uint64_t payload = 0, length = 0;
        std::uint8_t have = 0, left = 0;
        bool masked = false, in_mask = false;
    };
    state save() const { return {payload_, length_, have_, left_, masked_, in_mask_}; }
    static frame_scan from(state const& s) {
        frame_scan f;
        f.payload_ = s.payload;
        f.length_ = s.length;
        f.have_ = s.have;
        f.left_ = s.left;
        f.masked_ = s.masked;
        f.in_mask_ = s.in_mask;
        return f;
    }

  private:
    void header_read() {
        if (masked_ && !in_mask_) {
            in_mask_ = true;
            left_ = 4;
            return;
        }
        in_mask_ = false;
        masked_ = false;
        have_ = 0;
        payload_ = length_;
    }

    std::uint64_t payload_ = 0; // of the frame at hand, still to come
    std::uint64_t length_ = 0;  // as far as its bytes have come
    std::uint8_t have_ = 0;     // bytes of the header, up to 2
    std::uint8_t left_ = 0;     // of the long length, then of the mask
    bool masked_ = false, in_mask_ = false;
};

} // namespace mad::inline MAD_ABI::proxy

#endif
