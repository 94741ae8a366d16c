#ifndef MAD_CORE_COOKIE_HPP
#define MAD_CORE_COOKIE_HPP

#include <mad/config.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mad::inline MAD_ABI {

/// The cookies of a request, over the text of its `Cookie` field. Holds a view: the text must
/// outlive it.
class cookie_view {
  public:
    cookie_view() = default;
    explicit cookie_view(std::string_view header)
        : header_(header) {}

    /// The first value of `name` (case counts) as it was sent, without blanks and double quotes
    /// around it; one that `set_cookie` escaped needs `percent_decode(value, false)`.
    std::optional<std::string_view> get(std::string_view name) const;

  private:
    std::string_view header_;
};

/// What `SameSite` says; `unset` leaves it out.
enum class cookie_same_site : std::uint8_t { unset, lax, strict, none };

/// One cookie to set. Defaults are those of `cookie: true` in Socket.IO 4.x.
struct set_cookie {
    std::string name = "io";
    /// Written percent-encoded where a cookie cannot hold a character.
    std::string value{};
    /// Empty leaves the attribute out, here and in `domain`.
    std::string path = "/";
    std::string domain{};
    bool http_only = true;
    bool secure = false;
    /// Browsers take `none` only together with `secure`.
    cookie_same_site same_site = cookie_same_site::lax;
    /// Without one the cookie ends with the browser.
    std::optional<std::chrono::seconds> max_age{};

    /// The text of a `Set-Cookie` field: `io=abc; Path=/; HttpOnly; SameSite=Lax`. Throws
    /// std::invalid_argument when name, path or domain hold what a field cannot carry: they come
    /// from settings.
    std::string header() const;
};

} // namespace mad::inline MAD_ABI

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/core/impl/cookie.ipp>
#endif

#endif
