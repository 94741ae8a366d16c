#ifndef MAD_ENGINE_IMPL_PAYLOAD_IPP
#define MAD_ENGINE_IMPL_PAYLOAD_IPP

#include <mad/core/base64.hpp>
#include <mad/core/json_text.hpp>
#include <mad/core/utf8.hpp>
#include <mad/engine/payload.hpp>

#include <charconv>

namespace mad::inline MAD_ABI::engine {

namespace detail {

/// More digits than any length of interest has.
inline constexpr std::size_t max_length_digits = 10;

inline std::size_t decimal_size(std::size_t n) {
    std::size_t digits = 1;
    while (n >= 10) {
        n /= 10;
        ++digits;
    }
    return digits;
}

inline result<bool> refuse(error e) {
    return result<bool>(boost::system::in_place_error, e); // Boost 1.81: no other way with bool
}

} // namespace detail

MAD_DECL result<bool> payload_reader::next(packet_view& out) {
    if (failed_ != error::none)
        return detail::refuse(failed_);
    if (done_)
        return false;
    auto const got = revision_ == revision::eio4 ? next_separated(out)
                     : binary_body_              ? next_binary(out)
                                                 : next_counted(out);
    if (!got)
        failed_ = static_cast<error>(got.error().value());
    return got;
}

MAD_DECL result<bool> payload_reader::next_separated(packet_view& out) {
    if (binary_body_)
        return detail::refuse(error::binary_body);
    // A separator at the end announces a packet, an empty one: so `done_` is not `rest_.empty()`.
    auto const end = rest_.find(payload_separator);
    auto const packet = decode_text(rest_.substr(0, end), scratch_, revision_);
    // A websocket checks its text itself; here nobody else does.
    if (!packet || (!packet->binary && !is_utf8(packet->data)))
        return detail::refuse(error::bad_packet);
    done_ = end == rest_.npos;
    rest_.remove_prefix(done_ ? rest_.size() : end + 1);
    out = *packet;
    return true;
}

MAD_DECL result<bool> payload_reader::next_counted(packet_view& out) {
    for (;;) {
        if (rest_.empty() && started_) {
            done_ = true;
            return false;
        }
        started_ = true;
        auto const colon = rest_.substr(0, detail::max_length_digits + 1).find(':');
        std::size_t units = 0;
        auto const* const end = rest_.data() + (colon == rest_.npos ? 0 : colon);
        if (auto const [p, ec] = std::from_chars(rest_.data(), end, units);
            ec != std::errc() || p != end)
            return detail::refuse(error::bad_packet);
        rest_.remove_prefix(colon + 1);
        if (units == 0)
            continue;
        // No character takes fewer bytes than units, so that a wild length is refused unread.
        auto const size = units > rest_.size() ? rest_.npos : utf16_prefix(rest_, units);
        if (size == rest_.npos)
            return detail::refuse(error::bad_packet);
        auto const packet = decode_text(rest_.substr(0, size), scratch_, revision_);
        if (!packet)
            return detail::refuse(error::bad_packet);
        rest_.remove_prefix(size);
        out = *packet;
        return true;
    }
}

MAD_DECL result<bool> payload_reader::next_binary(packet_view& out) {
    if (rest_.empty() && started_) {
        done_ = true;
        return false;
    }
    started_ = true;
    auto const mark = rest_.substr(0, detail::max_length_digits + 2).find('\xff');
    if (mark == rest_.npos || mark < 2 || (rest_[0] != 0 && rest_[0] != 1))
        return detail::refuse(error::bad_packet);
    bool const binary = rest_[0] == 1;
    std::size_t size = 0;
    for (char const digit : rest_.substr(1, mark - 1)) {
        if (static_cast<unsigned char>(digit) > 9)
            return detail::refuse(error::bad_packet);
        size = size * 10 + static_cast<unsigned char>(digit);
    }
    rest_.remove_prefix(mark + 1);
    if (size > rest_.size())
        return detail::refuse(error::bad_packet);
    auto const body = rest_.substr(0, size);
    auto const packet =
        binary ? decode_binary(body, revision_) : decode_text(body, scratch_, revision_);
    if (!packet || (!packet->binary && !is_utf8(packet->data)))
        return detail::refuse(error::bad_packet);
    rest_.remove_prefix(size);
    out = *packet;
    return true;
}

MAD_DECL void append_payload(revision rev, std::string& out, packet_view const& p, bool first) {
    bool const old = rev == revision::eio3;
    if (old) {
        append_json_number(out,
                           p.binary ? 2 + base64_size(p.data.size()) : 1 + utf16_length(p.data));
        out += ':';
    } else if (!first) {
        out += payload_separator;
    }
    append_frame(out, p, old ? binary_form::typed_base64 : binary_form::base64);
}

MAD_DECL void append_payload_text(revision rev, std::string& out, std::string_view packet,
                                  bool first) {
    if (rev == revision::eio3) {
        append_json_number(out, utf16_length(packet));
        out += ':';
    } else if (!first) {
        out += payload_separator;
    }
    out += packet;
}

MAD_DECL std::size_t payload_size(revision rev, packet_view const& p, bool first) {
    if (rev == revision::eio4)
        return (first ? 1 : 2) + (p.binary ? base64_size(p.data.size()) : p.data.size());
    if (p.binary) {
        auto const n = 2 + base64_size(p.data.size());
        return detail::decimal_size(n) + 1 + n;
    }
    return detail::decimal_size(1 + utf16_length(p.data)) + 2 + p.data.size();
}

MAD_DECL void append_payload_binary(std::string& out, std::string_view packet, bool binary) {
    out += binary ? '\1' : '\0';
    auto const at = out.size();
    append_json_number(out, packet.size());
    for (auto i = at; i < out.size(); ++i)
        out[i] = static_cast<char>(out[i] - '0');
    out += '\xff';
    out += packet;
}

} // namespace mad::inline MAD_ABI::engine

#endif
