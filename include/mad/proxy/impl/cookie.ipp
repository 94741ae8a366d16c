#ifndef MAD_PROXY_IMPL_COOKIE_IPP
#define MAD_PROXY_IMPL_COOKIE_IPP

#include <mad/core/base64.hpp>
#include <mad/core/ids.hpp>
#include <mad/core/sha256.hpp>
#include <mad/proxy/cookie.hpp>

#include <array>
#include <cstdint>
#include <stdexcept>
#include <utility>

namespace mad::inline MAD_ABI::proxy {

namespace detail {

/// The purpose goes before what is signed, so that an id is never the signature of anything.
inline std::string cookie_mac(std::string const& secret, char purpose, std::string_view text,
                              std::size_t size) {
    std::string said(1, purpose);
    said.append(text);
    auto const mac = hmac_sha256(secret, said);
    return {reinterpret_cast<char const*>(mac.data()), size};
}

} // namespace detail

MAD_DECL cookie_signer::cookie_signer() {
    std::array<std::uint8_t, 32> raw;
    fill_random(raw);
    secret_.assign(reinterpret_cast<char const*>(raw.data()), raw.size());
}

MAD_DECL cookie_signer::cookie_signer(std::string secret)
    : secret_(std::move(secret)) {
    if (secret_.size() < least_secret)
        throw std::invalid_argument("the secret of the affinity cookie has less than 16 bytes");
}

MAD_DECL std::string cookie_signer::id_of(std::string_view name) const {
    return detail::cookie_mac(secret_, 'n', name, id_size);
}

MAD_DECL std::string cookie_signer::sign(std::string_view id) const {
    std::string raw(id.substr(0, id_size));
    raw.resize(id_size, '\0');
    raw += detail::cookie_mac(secret_, 'c', raw, mac_size);
    std::string out;
    append_base64url(out, raw);
    return out;
}

MAD_DECL std::optional<std::string> cookie_signer::open(std::string_view text) const {
    std::string raw;
    if (text.size() != text_size || !base64_decode(text, raw) || raw.size() != id_size + mac_size)
        return std::nullopt;
    raw.resize(id_size);
    // Only what we write counts: the other alphabet of base64 would be another text for the same.
    if (!equal_secret(sign(raw), text))
        return std::nullopt;
    return raw;
}

} // namespace mad::inline MAD_ABI::proxy

#endif
