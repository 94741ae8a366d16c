#ifndef MAD_PROXY_IMPL_PROXY_PROTOCOL_IPP
#define MAD_PROXY_IMPL_PROXY_PROTOCOL_IPP

#include <mad/net/trust.hpp>
#include <mad/proxy/proxy_protocol.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

namespace mad::inline MAD_ABI::proxy {

namespace detail {

using boost::asio::ip::tcp;

inline constexpr std::string_view proxy_v1_begin = "PROXY ";
inline constexpr std::string_view proxy_v2_begin{"\r\n\r\n\0\r\nQUIT\n", 12};
inline constexpr std::size_t max_proxy_v1_bytes = 107;

inline unsigned byte_at(std::string_view s, std::size_t i) {
    return static_cast<unsigned char>(s[i]);
}

inline std::size_t word_at(std::string_view s, std::size_t i) {
    return byte_at(s, i) << 8 | byte_at(s, i + 1);
}

inline std::optional<tcp::endpoint> read_end(std::string_view address, std::string_view port,
                                             bool v6) {
    std::array<char, 64> buffer{};
    unsigned number = 0;
    auto const* const end = port.data() + port.size();
    auto const r = std::from_chars(port.data(), end, number);
    if (port.empty() || r.ec != std::errc() || r.ptr != end || number > 65535 ||
        (port.front() == '0' && port.size() > 1) || address.size() >= buffer.size() ||
        address.find('%') != address.npos || address.find('\0') != address.npos)
        return std::nullopt;
    std::copy(address.begin(), address.end(), buffer.begin());
    boost::system::error_code ec;
    auto const a = boost::asio::ip::make_address(buffer.data(), ec);
    if (ec || a.is_v6() != v6)
        return std::nullopt;
    return tcp::endpoint(a, static_cast<std::uint16_t>(number));
}

inline proxy_header_state parse_proxy_v1(std::string_view text, proxy_header& out) {
    auto const line_end = text.substr(0, max_proxy_v1_bytes).find("\r\n");
    if (line_end == text.npos) {
        // A line feed can only stand behind its carriage return.
        bool const hopeless =
            text.size() >= max_proxy_v1_bytes || text.find('\n') != text.npos ||
            std::count(text.begin(), text.end(), '\r') > (text.back() == '\r' ? 1 : 0);
        return hopeless ? proxy_header_state::bad : proxy_header_state::more;
    }
    auto line = text.substr(0, line_end);
    if (line.find_first_of("\r\n") != line.npos)
        return proxy_header_state::bad;
    out.bytes = line_end + 2;
    out.version = 1;
    line.remove_prefix(proxy_v1_begin.size());
    if (line == "UNKNOWN" || line.starts_with("UNKNOWN "))
        return proxy_header_state::done;
    std::array<std::string_view, 5> words;
    for (std::size_t i = 0; i < words.size(); ++i) {
        auto const blank = line.find(' ');
        if ((blank == line.npos) != (i + 1 == words.size()))
            return proxy_header_state::bad;
        words[i] = line.substr(0, blank);
        line.remove_prefix(std::min(words[i].size() + 1, line.size()));
    }
    bool const v6 = words[0] == "TCP6";
    if (!v6 && words[0] != "TCP4")
        return proxy_header_state::bad;
    out.source = read_end(words[1], words[3], v6);
    out.destination = read_end(words[2], words[4], v6);
    return out.source && out.destination ? proxy_header_state::done : proxy_header_state::bad;
}

/// CRC-32C (Castagnoli) of a header whose checksum at `hole` counts as zeros.
inline std::uint32_t proxy_checksum(std::string_view header, std::size_t hole) {
    std::uint32_t crc = ~std::uint32_t{0};
    for (std::size_t i = 0; i < header.size(); ++i) {
        crc ^= i >= hole && i < hole + 4 ? 0u : byte_at(header, i);
        for (int bit = 0; bit < 8; ++bit)
            crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78u : 0u);
    }
    return ~crc;
}

/// The values behind the addresses: false when one is not whole, or the checksum wrong. Of them
/// all, only whether the client spoke TLS counts.
inline bool read_proxy_values(std::string_view header, std::size_t at, bool& secure) {
    while (at < header.size()) {
        if (header.size() - at < 3)
            return false;
        auto const type = byte_at(header, at);
        auto const size = word_at(header, at + 1);
        at += 3;
        if (size > header.size() - at)
            return false;
        if (type == 0x03) { // PP2_TYPE_CRC32C
            if (size != 4 ||
                (word_at(header, at) << 16 | word_at(header, at + 2)) != proxy_checksum(header, at))
                return false;
        } else if (type == 0x20) { // PP2_TYPE_SSL: flags, a result in four bytes, further values
            if (size < 5)
                return false;
            secure = (byte_at(header, at) & 0x01) != 0; // PP2_CLIENT_SSL
        }
        at += size;
    }
    return true;
}

template <class Address>
Address address_at(std::string_view text, std::size_t at) {
    typename Address::bytes_type bytes;
    std::memcpy(bytes.data(), text.data() + at, bytes.size());
    return Address(bytes);
}

inline proxy_header_state parse_proxy_v2(std::string_view text, proxy_header& out) {
    constexpr std::size_t fixed = 16;
    if (text.size() > 12 && byte_at(text, 12) != 0x20 && byte_at(text, 12) != 0x21)
        return proxy_header_state::bad;
    if (text.size() < fixed)
        return proxy_header_state::more;
    auto const length = word_at(text, 14);
    if (fixed + length > max_proxy_header_bytes)
        return proxy_header_state::bad;
    if (text.size() < fixed + length)
        return proxy_header_state::more;
    out.bytes = fixed + length;
    out.version = 2;
    if (byte_at(text, 12) == 0x20) // LOCAL: what else it says is to be skipped
        return proxy_header_state::done;
    auto const header = text.substr(0, out.bytes);
    using boost::asio::ip::address_v4, boost::asio::ip::address_v6;
    auto const values = [&](std::size_t at) {
        return read_proxy_values(header, at, out.secure) ? proxy_header_state::done
                                                         : proxy_header_state::bad;
    };
    auto const port = [&](std::size_t at) {
        return static_cast<std::uint16_t>(word_at(header, at));
    };
    switch (byte_at(text, 13)) {
    case 0x00: // UNSPEC
        return proxy_header_state::done;
    case 0x11: // TCP over IPv4
        if (length < 12)
            return proxy_header_state::bad;
        out.source.emplace(address_at<address_v4>(header, 16), port(24));
        out.destination.emplace(address_at<address_v4>(header, 20), port(26));
        return values(fixed + 12);
    case 0x21: // TCP over IPv6
        if (length < 36)
            return proxy_header_state::bad;
        out.source.emplace(address_at<address_v6>(header, 16), port(48));
        out.destination.emplace(address_at<address_v6>(header, 32), port(50));
        return values(fixed + 36);
    case 0x31: // a stream of the UNIX family: its paths say nothing about a client
        return length >= 216 ? values(fixed + 216) : proxy_header_state::bad;
    default:
        return proxy_header_state::bad;
    }
}

/// Both ends in one family.
inline void align_families(boost::asio::ip::address& a, boost::asio::ip::address& b) {
    using boost::asio::ip::make_address_v6, boost::asio::ip::v4_mapped;
    a = net::plain_address(a);
    b = net::plain_address(b);
    if (a.is_v4() != b.is_v4())
        for (auto* const x : {&a, &b})
            if (x->is_v4())
                *x = make_address_v6(v4_mapped, x->to_v4());
}

} // namespace detail

MAD_DECL proxy_header_state parse_proxy_header(std::string_view text, proxy_header& out) {
    out = {};
    auto const begins = [&](std::string_view with) {
        return text.substr(0, with.size()) == with.substr(0, text.size());
    };
    auto state = proxy_header_state::bad;
    if (begins(detail::proxy_v1_begin))
        state = text.size() < detail::proxy_v1_begin.size() ? proxy_header_state::more
                                                            : detail::parse_proxy_v1(text, out);
    else if (begins(detail::proxy_v2_begin))
        state = detail::parse_proxy_v2(text, out);
    if (state != proxy_header_state::done)
        out = {};
    return state;
}

MAD_DECL void append_proxy_header_v1(std::string& out, boost::asio::ip::tcp::endpoint const& source,
                                     boost::asio::ip::tcp::endpoint const& destination) {
    auto from = source.address(), to = destination.address();
    detail::align_families(from, to);
    out.append(from.is_v6() ? "PROXY TCP6 " : "PROXY TCP4 ");
    // Scopes are of this machine alone.
    auto const text = [](boost::asio::ip::address const& a) {
        auto s = a.to_string();
        return s.substr(0, s.find('%'));
    };
    out.append(text(from)).append(" ").append(text(to)).append(" ");
    out.append(std::to_string(source.port())).append(" ");
    out.append(std::to_string(destination.port())).append("\r\n");
}

MAD_DECL void append_proxy_header_v2(std::string& out, boost::asio::ip::tcp::endpoint const& source,
                                     boost::asio::ip::tcp::endpoint const& destination) {
    auto from = source.address(), to = destination.address();
    detail::align_families(from, to);
    auto const put = [&](auto const& bytes) {
        out.append(reinterpret_cast<char const*>(bytes.data()), bytes.size());
    };
    auto const put_word = [&](unsigned n) {
        out += static_cast<char>(n >> 8 & 0xff);
        out += static_cast<char>(n & 0xff);
    };
    out.append(detail::proxy_v2_begin).append(1, '\x21');
    out.append(1, from.is_v6() ? '\x21' : '\x11');
    put_word(from.is_v6() ? 36 : 12);
    for (auto const* const a : {&from, &to}) {
        if (a->is_v6())
            put(a->to_v6().to_bytes());
        else
            put(a->to_v4().to_bytes());
    }
    put_word(source.port());
    put_word(destination.port());
}

MAD_DECL void append_proxy_header_local(std::string& out, unsigned version) {
    if (version == 1)
        out.append("PROXY UNKNOWN\r\n");
    else
        out.append(detail::proxy_v2_begin).append("\x20\0\0\0", 4);
}

} // namespace mad::inline MAD_ABI::proxy

#endif
