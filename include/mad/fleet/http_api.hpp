#ifndef MAD_FLEET_HTTP_API_HPP
#define MAD_FLEET_HTTP_API_HPP

#include <mad/engine/cors.hpp>
#include <mad/fleet/fleet_view.hpp>
#include <mad/fleet/host_gauges.hpp>
#include <mad/net/http/router.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace mad::inline MAD_ABI::fleet {

/// What somebody may do here. Each may also do what those before it may, but for an agent, which
/// may see nothing.
enum class http_role : std::uint8_t { nobody, agent, viewer, admin };

/// Example: `viewer`
std::string_view to_string(http_role);

/// Who asks.
struct http_caller {
    std::string name;
    http_role role = http_role::nobody;
    bool anonymous = false;                 ///< nobody has asked who it is
    std::optional<std::int64_t> expires_ms; ///< wall clock
    std::string filter;                     ///< a search: sees no other hosts; empty: all
};

/// Whether a request is heard: who asks, or the answer that refuses it.
struct http_admission {
    http_caller caller;
    std::optional<net::http::response> refusal{};
};

struct http_api_settings {
    /// Judges a request by its head; `least` is what it takes. On any shard: must be safe to call
    /// from several threads. Who comes in with less is refused all the same. By default everybody
    /// may do everything.
    std::function<http_admission(net::http::request const&, http_role least)> admit;

    /// Whether callers must have a token: what the OpenAPI document says.
    bool tokens = false;

    /// Pages of other origins that may ask; by default none.
    engine::cors_settings cors;

    host_gauge_settings gauges;

    /// Longest body in bytes. Ours: what a rule with a long search takes, several times.
    std::size_t max_body = 16 * 1024;

    std::string version = MAD_VERSION;
};

/// The fleet for programs: JSON over HTTP under `/api/v1/`, see docs/http-api.md. Mount it there.
///
/// Requests are judged on the shard of their connection and answered on the home shard; one table
/// of operations says what is dispatched and what `/api/v1/openapi.json` describes.
class http_api final : public net::http::route {
  public:
    static constexpr std::string_view prefix = "/api/v1/";

    http_api(net::shard& home, std::shared_ptr<fleet_view>, http_api_settings = {});
    ~http_api() override;

    void on_head(net::shard&, net::http::request const&, net::http::exchange&,
                 std::size_t& max_body) override;
    void on_request(net::shard&, net::http::request const&, net::http::exchange) override;

    /// The OpenAPI 3.1 document.
    std::string const& document() const;

  private:
    class core;
    std::shared_ptr<core> core_;
};

} // namespace mad::inline MAD_ABI::fleet

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/fleet/impl/http_answers.ipp>
#include <mad/fleet/impl/http_api.ipp>
#include <mad/fleet/impl/http_changes.ipp>
#include <mad/fleet/impl/http_hosts.ipp>
#include <mad/fleet/impl/http_operations.ipp>
#include <mad/fleet/impl/http_parameters.ipp>
#endif

#endif
