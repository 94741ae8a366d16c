#ifndef MAD_NET_IMPL_WS_DECODER_IPP
#define MAD_NET_IMPL_WS_DECODER_IPP

#include <mad/net/impl/ws_frame.ipp>

#include <algorithm>

namespace mad::inline MAD_ABI::net {

namespace detail {

constexpr bool is_ws_control(ws_opcode o) {
    return (static_cast<unsigned>(o) & 8) != 0;
}

/// Bytes of a whole header, told by its second byte.
constexpr std::size_t ws_head_size(char second) {
    auto const length = static_cast<unsigned char>(second) & 0x7f;
    auto const masked = (static_cast<unsigned char>(second) & 0x80) != 0;
    return (length < 126 ? 2 : length == 126 ? 4 : 10) + (masked ? 4 : 0);
}

} // namespace detail

MAD_DECL error_code ws_decoder::fail(ws_error e, ws_message& out) {
    failed_ = e;
    out = {};
    partial_.reset();
    return e;
}

MAD_DECL ws_decoder::partial& ws_decoder::kept() {
    if (!partial_)
        partial_ = std::make_unique<partial>();
    return *partial_;
}

/// What the first byte alone tells, so that nobody waits for more of a frame that is wrong.
MAD_DECL ws_error ws_decoder::judge_first(std::uint8_t byte) const {
    auto const opcode = byte & 0x0f;
    bool const begins = opcode == 1 || opcode == 2;
    if (byte & (may_compress_ && begins ? 0x30 : 0x70))
        return ws_error::reserved_bits;
    if ((opcode > 2 && opcode < 8) || opcode > 10)
        return ws_error::unknown_opcode;
    if (opcode >= 8)
        return byte & 0x80 ? ws_error::none : ws_error::control_fragmented;
    bool const open = type_ != ws_opcode::continuation;
    if (opcode == 0)
        return open ? ws_error::none : ws_error::unexpected_continuation;
    return open ? ws_error::expected_continuation : ws_error::none;
}

/// What the second byte adds.
MAD_DECL ws_error ws_decoder::judge_second(std::uint8_t first, std::uint8_t second) const {
    bool const masked = second & 0x80;
    if (masked != (role_ == ws_role::server))
        return masked ? ws_error::masked : ws_error::not_masked;
    if ((first & 8) && (second & 0x7f) > 125)
        return ws_error::control_too_long;
    return ws_error::none;
}

MAD_DECL ws_error ws_decoder::read_head(char const* head) {
    auto const first = static_cast<std::uint8_t>(head[0]);
    auto const second = static_cast<std::uint8_t>(head[1]);
    if (auto const e = judge_first(first); e != ws_error::none)
        return e;
    if (auto const e = judge_second(first, second); e != ws_error::none)
        return e;
    char const* p = head + 2;
    std::uint64_t size = second & 0x7f;
    if (size == 126) {
        size = detail::ws_load_big<std::uint16_t>(p);
        p += 2;
        if (size < 126)
            return ws_error::length_not_minimal;
    } else if (size == 127) {
        size = detail::ws_load_big<std::uint64_t>(p);
        p += 8;
        if (size >> 63)
            return ws_error::length_out_of_range;
        if (size < 65536)
            return ws_error::length_not_minimal;
    }
    mask_ = role_ == ws_role::server ? detail::ws_load_big<std::uint32_t>(p) : 0;
    opcode_ = static_cast<ws_opcode>(first & 0x0f);
    fin_ = (first & 0x80) != 0;
    if (opcode_ == ws_opcode::text || opcode_ == ws_opcode::binary)
        compressed_ = (first & 0x40) != 0;
    left_ = size;
    in_frame_ = true;
    return detail::is_ws_control(opcode_) ? ws_error::none : begin_data_frame(size);
}

/// Judges what a frame adds to its message, before a byte of it is kept.
MAD_DECL ws_error ws_decoder::begin_data_frame(std::uint64_t size) {
    if (opcode_ != ws_opcode::continuation) {
        type_ = opcode_;
        fragments_ = 0;
    }
    std::size_t const have = partial_ ? partial_->message.size() : 0;
    // Settings may shrink while a message is under way.
    if (have > limits_->max_message_bytes || size > limits_->max_message_bytes - have)
        return ws_error::message_too_big;
    if (fragments_ >= limits_->max_fragments)
        return ws_error::too_many_fragments;
    ++fragments_;
    return ws_error::none;
}

/// Takes a header off `in`; false when some of it has yet to come.
MAD_DECL bool ws_decoder::take_head(std::span<char>& in, ws_error& error) {
    if (held_ == 0 && in.size() >= 2) {
        auto const size = detail::ws_head_size(in[1]);
        if (in.size() >= size) {
            error = read_head(in.data());
            in = in.subspan(size);
            return true;
        }
    }
    // It came in pieces, which is rare: byte by byte, so that a wrong one is seen when it comes.
    while (!in.empty()) {
        head_[held_++] = in.front();
        in = in.subspan(1);
        auto const first = static_cast<std::uint8_t>(head_[0]);
        error = held_ == 1   ? judge_first(first)
                : held_ == 2 ? judge_second(first, static_cast<std::uint8_t>(head_[1]))
                             : ws_error::none;
        if (error != ws_error::none)
            return true;
        if (held_ >= 2 && held_ == detail::ws_head_size(head_[1])) {
            held_ = 0;
            error = read_head(head_.data());
            return true;
        }
    }
    return false;
}

/// Appends to the message. Capacity doubles, but not past what the message can still become.
MAD_DECL void ws_decoder::keep(std::span<char> piece) {
    if (piece.empty())
        return;
    auto& message = kept().message;
    auto const needed = message.size() + piece.size();
    if (needed > message.capacity()) {
        auto const most =
            fin_ ? needed + static_cast<std::size_t>(left_) : limits_->max_message_bytes;
        message.reserve(
            std::max(needed, std::min(most, std::max<std::size_t>(256, 2 * message.capacity()))));
    }
    message.insert(message.end(), piece.begin(), piece.end());
}

/// `whole` is the payload once all of it has arrived: true then.
MAD_DECL bool ws_decoder::take_control(std::span<char> piece, std::span<char>& whole) {
    bool const held = partial_ && partial_->control_size != 0;
    if (left_ == 0 && !held) {
        whole = piece;
        return true;
    }
    if (!piece.empty()) {
        auto& k = kept();
        std::copy(piece.begin(), piece.end(), k.control.begin() + k.control_size);
        k.control_size = static_cast<std::uint8_t>(k.control_size + piece.size());
    }
    if (left_ != 0)
        return false;
    whole = std::span(partial_->control).first(partial_->control_size);
    partial_->control_size = 0;
    return true;
}

/// `whole` is the message once all of it has arrived: true then.
MAD_DECL bool ws_decoder::take_data(std::span<char> piece, std::span<char>& whole) {
    bool const last = fin_ && left_ == 0;
    if (last && (!partial_ || partial_->message.empty())) {
        whole = piece;
        return true;
    }
    keep(piece);
    if (last)
        whole = partial_->message;
    return last;
}

MAD_DECL ws_error ws_decoder::read_close(ws_message& out) const {
    out.close_code = 1005;
    if (out.data.empty())
        return ws_error::none;
    if (out.data.size() == 1)
        return ws_error::close_payload_too_short;
    out.close_code = detail::ws_load_big<std::uint16_t>(out.data.data());
    if (!is_ws_close_code(out.close_code))
        return ws_error::bad_close_code;
    out.data = out.data.subspan(2);
    if (!is_utf8({out.data.data(), out.data.size()}))
        return ws_error::bad_utf8;
    return ws_error::none;
}

MAD_DECL result<ws_status> ws_decoder::next(std::span<char>& in, ws_message& out) {
    if (failed_ != ws_error::none)
        return error_code(failed_);
    // What the last call delivered has been used.
    if (partial_ && idle())
        partial_.reset();
    if (closed_) {
        in = in.last(0);
        return ws_status::need_more;
    }
    for (;;) {
        if (!in_frame_) {
            auto error = ws_error::none;
            if (!take_head(in, error))
                return ws_status::need_more;
            if (error != ws_error::none)
                return fail(error, out);
        }
        auto const piece =
            in.first(static_cast<std::size_t>(std::min<std::uint64_t>(left_, in.size())));
        in = in.subspan(piece.size());
        left_ -= piece.size();
        if (role_ == ws_role::server) {
            ws_mask(piece, mask_);
            mask_ = detail::ws_turn_mask(mask_, piece.size());
        }

        if (detail::is_ws_control(opcode_)) {
            if (!take_control(piece, out.data))
                return ws_status::need_more;
            in_frame_ = false;
            out.type = opcode_;
            out.compressed = false;
            if (opcode_ == ws_opcode::close) {
                if (auto const e = read_close(out); e != ws_error::none)
                    return fail(e, out);
                closed_ = true;
                type_ = ws_opcode::continuation; // a message left open will not be finished
            }
            return ws_status::message;
        }

        if (type_ == ws_opcode::text && !compressed_) {
            bool const good = utf8_.feed({piece.data(), piece.size()});
            if (!good || (fin_ && left_ == 0 && !utf8_.complete()))
                return fail(ws_error::bad_utf8, out);
        }
        if (take_data(piece, out.data)) {
            in_frame_ = false;
            out.type = type_;
            out.compressed = compressed_;
            type_ = ws_opcode::continuation;
            return ws_status::message;
        }
        if (left_ != 0)
            return ws_status::need_more;
        in_frame_ = false;
    }
}

} // namespace mad::inline MAD_ABI::net

#endif
