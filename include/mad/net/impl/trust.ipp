#ifndef MAD_NET_IMPL_TRUST_IPP
#define MAD_NET_IMPL_TRUST_IPP

#include <mad/net/trust.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

namespace mad::inline MAD_ABI::net {

namespace detail {

template <class Bytes>
bool same_bits(Bytes const& a, Bytes const& b, unsigned bits) {
    for (std::size_t i = 0; i < a.size() && bits > 0; ++i) {
        auto const n = std::min(bits, 8u);
        auto const mask = static_cast<unsigned char>(0xff00u >> n);
        if ((a[i] & mask) != (b[i] & mask))
            return false;
        bits -= n;
    }
    return true;
}

/// `10.0.0.1`, `10.0.0.1:4711`, `::1`, `[::1]:4711`.
inline std::optional<boost::asio::ip::address> read_address(std::string_view text) {
    text = http::trim(text);
    if (text.starts_with('[')) {
        auto const end = text.find(']');
        if (end == text.npos)
            return std::nullopt;
        text = text.substr(1, end - 1);
    } else if (std::count(text.begin(), text.end(), ':') == 1) {
        text = text.substr(0, text.find(':'));
    }
    std::array<char, 64> buffer{}; // longer than any address; it must end in a NUL
    if (text.size() >= buffer.size() || text.find('\0') != text.npos)
        return std::nullopt;
    std::copy(text.begin(), text.end(), buffer.begin());
    error_code ec;
    auto const a = boost::asio::ip::make_address(buffer.data(), ec);
    if (ec)
        return std::nullopt;
    return plain_address(a);
}

} // namespace detail

MAD_DECL result<void> trust_list::add(std::string_view text) {
    if (text == "loopback") {
        networks_.push_back({boost::asio::ip::address_v4::loopback(), 8});
        networks_.push_back({boost::asio::ip::address_v6::loopback(), 128});
        return {};
    }
    auto const slash = text.find('/');
    error_code ec;
    auto const at = boost::asio::ip::make_address(std::string(text.substr(0, slash)), ec);
    if (ec)
        return ec;
    unsigned const most = at.is_v4() ? 32 : 128;
    unsigned bits = most;
    if (slash != text.npos) {
        auto const digits = text.substr(slash + 1);
        auto const [end, bad] = std::from_chars(digits.data(), digits.data() + digits.size(), bits);
        if (bad != std::errc() || end != digits.data() + digits.size() || bits > most)
            return make_error_code(boost::system::errc::invalid_argument);
    }
    networks_.push_back({at, bits});
    return {};
}

MAD_DECL result<trust_list> trust_list::parse(std::span<std::string const> networks) {
    trust_list out;
    for (auto const& n : networks)
        if (auto const added = out.add(n); !added)
            return added.error();
    return out;
}

MAD_DECL trust_list trust_list::loopback() {
    trust_list out;
    (void)out.add("loopback");
    return out;
}

MAD_DECL bool trust_list::has(boost::asio::ip::address const& peer) const {
    auto const a = plain_address(peer);
    return std::any_of(networks_.begin(), networks_.end(), [&](network const& n) {
        if (n.at.is_v4() != a.is_v4())
            return false;
        return a.is_v4() ? detail::same_bits(n.at.to_v4().to_bytes(), a.to_v4().to_bytes(), n.bits)
                         : detail::same_bits(n.at.to_v6().to_bytes(), a.to_v6().to_bytes(), n.bits);
    });
}

MAD_DECL forwarded_peer trust_list::peer_of(boost::asio::ip::address const& peer, bool secure,
                                            std::span<http::field const> fields) const {
    forwarded_peer out{peer, secure};
    if (networks_.empty() || !has(peer))
        return out;
    bool proto_found = false, address_found = false;
    // From the right: each hop has added the one that it saw.
    for (auto i = fields.size(); i-- > 0;) {
        auto const& f = fields[i];
        if (f.name.size() == 17 && !proto_found && http::iequals(f.name, "X-Forwarded-Proto")) {
            auto const last = http::trim(f.value.substr(f.value.rfind(',') + 1));
            if (last.empty())
                continue;
            proto_found = true;
            out.secure = http::iequals(last, "https") || http::iequals(last, "wss");
            continue;
        }
        if (f.name.size() != 15 || address_found || !http::iequals(f.name, "X-Forwarded-For"))
            continue;
        auto rest = f.value;
        while (!rest.empty() && !address_found) {
            auto const comma = rest.rfind(',');
            auto const item = comma == rest.npos ? rest : rest.substr(comma + 1);
            rest = comma == rest.npos ? std::string_view{} : rest.substr(0, comma);
            auto const a = detail::read_address(item);
            if (a)
                out.address = *a;
            address_found = !a || !has(*a);
        }
    }
    return out;
}

} // namespace mad::inline MAD_ABI::net

#endif
