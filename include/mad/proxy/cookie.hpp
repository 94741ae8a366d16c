#ifndef MAD_PROXY_COOKIE_HPP
#define MAD_PROXY_COOKIE_HPP

#include <mad/config.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace mad::inline MAD_ABI::proxy {

/// Makes and checks the values of the affinity cookie: 9 bytes that stand for an upstream and 15
/// of an HMAC-SHA256 over them, as 32 characters of base64url. Neither address nor name can be
/// read from them. Proxies that share a secret take each other's.
class cookie_signer {
  public:
    static constexpr std::size_t id_size = 9, mac_size = 15, text_size = 32;

    /// The least length of a secret, in bytes.
    static constexpr std::size_t least_secret = 16;

    /// A secret of 32 random bytes: cookies end with the process, and clients go by the hash then.
    cookie_signer();

    /// Throws std::invalid_argument for a secret of less than 16 bytes.
    explicit cookie_signer(std::string secret);

    /// The 9 bytes that stand for the upstream of that name.
    std::string id_of(std::string_view name) const;

    /// The cookie's value for these 9 bytes.
    std::string sign(std::string_view id) const;

    /// The 9 bytes, when they were signed with this secret; nothing for any other text.
    std::optional<std::string> open(std::string_view text) const;

    /// To be handed to the next process.
    std::string const& secret() const { return secret_; }

  private:
    std::string secret_;
};

} // namespace mad::inline MAD_ABI::proxy

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/proxy/impl/cookie.ipp>
#endif

#endif
