#ifndef MAD_ENGINE_IMPL_FORWARDED_IPP
#define MAD_ENGINE_IMPL_FORWARDED_IPP

#include <mad/engine/forwarded.hpp>

#include <algorithm>
#include <charconv>
#include <optional>
#include <span>
#include <string>

namespace mad::inline MAD_ABI::engine {

namespace detail {

/// IPv4 behind an IPv6 socket is IPv4.
inline boost::asio::ip::address plain(boost::asio::ip::address const& a) {
    if (a.is_v6() && a.to_v6().is_v4_mapped())
        return boost::asio::ip::make_address_v4(boost::asio::ip::v4_mapped, a.to_v6());
    return a;
}

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
    text = net::http::trim(text);
    if (text.starts_with('[')) {
        auto const end = text.find(']');
        if (end == text.npos)
            return std::nullopt;
        text = text.substr(1, end - 1);
    } else if (std::count(text.begin(), text.end(), ':') == 1) {
        text = text.substr(0, text.find(':'));
    }
    error_code ec;
    auto const a = boost::asio::ip::make_address(std::string(text), ec);
    if (ec)
        return std::nullopt;
    return plain(a);
}

} // namespace detail

MAD_DECL result<void> trusted_proxies::add(std::string_view text) {
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

MAD_DECL bool trusted_proxies::contains(boost::asio::ip::address const& peer) const {
    auto const a = detail::plain(peer);
    return std::any_of(networks_.begin(), networks_.end(), [&](network const& n) {
        if (n.at.is_v4() != a.is_v4())
            return false;
        return a.is_v4() ? detail::same_bits(n.at.to_v4().to_bytes(), a.to_v4().to_bytes(), n.bits)
                         : detail::same_bits(n.at.to_v6().to_bytes(), a.to_v6().to_bytes(), n.bits);
    });
}

MAD_DECL forwarded_peer trusted_proxies::peer_of(net::http::request const& r) const {
    forwarded_peer out{r.peer, r.secure};
    if (!contains(r.peer))
        return out;
    if (auto const proto = r.header("X-Forwarded-Proto"); !proto.empty()) {
        auto const last = net::http::trim(proto.substr(proto.rfind(',') + 1));
        out.secure = net::http::iequals(last, "https") || net::http::iequals(last, "wss");
    }
    // From the right: each hop has added the one that it saw.
    for (auto i = r.fields.size(); i-- > 0;) {
        if (!net::http::iequals(r.fields[i].name, "X-Forwarded-For"))
            continue;
        auto rest = r.fields[i].value;
        while (!rest.empty()) {
            auto const comma = rest.rfind(',');
            auto const item = comma == rest.npos ? rest : rest.substr(comma + 1);
            rest = comma == rest.npos ? std::string_view{} : rest.substr(0, comma);
            auto const a = detail::read_address(item);
            if (!a)
                return out;
            out.address = *a;
            if (!contains(*a))
                return out;
        }
    }
    return out;
}

} // namespace mad::inline MAD_ABI::engine

#endif
