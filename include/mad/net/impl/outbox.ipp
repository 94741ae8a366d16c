#ifndef MAD_NET_IMPL_OUTBOX_IPP
#define MAD_NET_IMPL_OUTBOX_IPP

#include <mad/net/outbox.hpp>

#include <array>
#include <cstring>

namespace mad::inline MAD_ABI::net {

MAD_DECL io_status outbox::write_to(stream& s, std::span<char> scratch) {
    constexpr std::size_t small = 2048, most_parts = 64, most_bytes = 1024 * 1024;
    while (size() > 0) {
        std::array<iovec, most_parts> parts;
        std::size_t n = 0, used = 0, total = 0, skip = offset_;
        char* gathered = nullptr; // end of the part that is being gathered, if the last one is
        for (auto i = first_; i < blocks_.size() && total < most_bytes; ++i) {
            auto const f = blocks_[i].frame().substr(skip);
            skip = 0;
            if (f.size() <= small && used + f.size() <= scratch.size()) {
                char* const at = scratch.data() + used;
                if (gathered != at) {
                    if (n == most_parts)
                        break;
                    parts[n++] = {at, 0};
                }
                std::memcpy(at, f.data(), f.size());
                used += f.size();
                parts[n - 1].iov_len += f.size();
                gathered = at + f.size();
            } else {
                if (n == most_parts)
                    break;
                parts[n++] = {const_cast<char*>(f.data()), f.size()};
                gathered = nullptr;
            }
            total += f.size();
        }
        auto const r = s.write({parts.data(), n});
        if (r.status != io_status::ok)
            return r.status;
        consume(r.bytes);
        if (r.bytes < total)
            return io_status::blocked;
    }
    // Nothing left here, but encrypted bytes may be: they leave with the same readiness.
    return s.owes() ? s.flush().status : io_status::ok;
}

MAD_DECL void outbox::consume(std::size_t n) {
    bytes_ -= n;
    offset_ += n;
    while (first_ < blocks_.size() && offset_ >= blocks_[first_].frame().size()) {
        offset_ -= blocks_[first_].frame().size();
        blocks_[first_++] = {};
    }
    if (first_ == blocks_.size()) {
        first_ = 0;
        blocks_.clear();
        // An idle connection should not keep what a burst needed.
        if (blocks_.capacity() > 8)
            blocks_.shrink_to_fit();
    } else if (first_ >= 64 && first_ * 2 >= blocks_.size()) {
        blocks_.erase(blocks_.begin(), blocks_.begin() + static_cast<std::ptrdiff_t>(first_));
        first_ = 0;
    }
}

MAD_DECL void outbox::clear() {
    std::vector<wire_block>().swap(blocks_);
    first_ = offset_ = bytes_ = 0;
}

} // namespace mad::inline MAD_ABI::net

#endif
