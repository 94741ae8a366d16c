#ifndef MAD_FLEET_PAGE_HPP
#define MAD_FLEET_PAGE_HPP

#include <mad/core/error.hpp>
#include <mad/net/http/router.hpp>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mad::inline MAD_ABI::fleet {

/// An `http` or `https` origin taken apart: scheme, host and port as written.
struct origin {
    std::string scheme, authority;

    std::string http() const { return scheme + "://" + authority; }
    /// The same for websockets.
    std::string ws() const { return (scheme == "https" ? "wss://" : "ws://") + authority; }
};

/// From `https://host[:port][/]`. Nothing for all else: paths, users, other schemes, odd
/// characters.
std::optional<origin> parse_origin(std::string_view url);

/// The policy that the page runs under: only its own files, and connections to its own origin and
/// to that of the API. Pages of `frame_ancestors` (origins as `parse_origin` takes them; others are
/// left out) may show it in a frame, by default none may.
std::string content_policy(std::string_view api_url,
                           std::vector<std::string> const& frame_ancestors = {});

/// A folder of files in memory as a route: compressed forms, ETag, caching for names that carry
/// their hash, safe headers. Who asks for HTML at a path that names no file gets `index.html` (deep
/// links: `/host/ID`, `/rules`): below `/host/` at every path, since ids may hold dots, elsewhere
/// where the last part has no ending, never below `/assets/`. All else is a 404.
class page final : public net::http::route {
  public:
    /// Reads `root`, links to files included, links to folders not. Throws std::runtime_error
    /// naming what is missing.
    page(std::string const& root, std::string_view api_url,
         std::vector<std::string> const& frame_ancestors = {});

    void on_request(net::shard&, net::http::request const&, net::http::exchange) override;

    std::size_t files() const { return files_.size(); }

  private:
    struct file {
        net::wire_block plain, gzip, brotli;
        std::string type, etag;
        bool immutable = false;
    };

    net::http::response answer(file const&, net::http::request const&) const;

    std::map<std::string, file, std::less<>> files_;
    std::string fields_;
};

} // namespace mad::inline MAD_ABI::fleet

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/fleet/impl/page.ipp>
#endif

#endif
