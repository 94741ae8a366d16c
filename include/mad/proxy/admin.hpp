#ifndef MAD_PROXY_ADMIN_HPP
#define MAD_PROXY_ADMIN_HPP

#include <mad/core/clock.hpp>
#include <mad/core/log.hpp>
#include <mad/net/http/router.hpp>
#include <mad/proxy/metrics.hpp>
#include <mad/proxy/server.hpp>

#include <memory>
#include <mutex>
#include <string>
#include <string_view>

namespace mad::inline MAD_ABI::proxy {

struct admin_settings {
    /// What `/health` and `/ready` say.
    std::string version = MAD_VERSION;
    /// What `Authorization: Bearer …` must say; empty: nothing is asked for, and who can connect is
    /// let in (a unix socket of mode 0600, or this machine).
    std::string token;

    /// Only a unix socket leads here, so no page of a browser can ask: `Host` and `Origin` are not
    /// looked at. Default: they are.
    bool unix_socket = false;

    /// Where time comes from.
    clock const* time = &system_clock::instance();
    logger log;
};

/// The admin interface of a proxy, for a listener of its own (`net::http::server`) on loopback or
/// on a unix socket:
///
/// | request | does |
/// | --- | --- |
/// | `GET /health` | `{"healthy":true,"version","uptime_s","upstreams","up","sessions","panic"}` |
/// | `GET /ready` | `{"ready":true,"version"}`; 503 with `{"ready":false,"reason":"upstreams",
/// "version"}` while no upstream takes sessions |
/// | `GET /upstreams` | all of them and the sums: see `upstreams_json` |
/// | `GET /upstreams/NAME` | one: see `append_upstream` |
/// | `PUT /upstreams/NAME` | adds or changes one:
/// `{"url":"http://10.0.0.5:3000","weight":1,"proxy_protocol":0}`, the last two with these
/// defaults. Another URL: the old server is drained | | `DELETE /upstreams/NAME` | removes one that
/// serves no session, else 409; `?force=true`: at once, its sessions are cut | | `POST
/// /upstreams/NAME/drain` | no new sessions; those it has are asked to go, a part each second | |
/// `POST /upstreams/NAME/undrain` | takes that back | | `POST /rebalance` | those with more
/// sessions than their part give the excess away slowly | | `GET /metrics` | OpenMetrics: see
/// `metrics_text` |
///
/// What changes one upstream answers with it as it is then (DELETE: `{"removed":NAME}`). Errors are
/// JSON: `{"error":"has_sessions","message":…,"remedy":…}`. On a port without a token, requests are
/// refused that a page in a browser on this machine could have sent: any with an `Origin`, and any
/// whose `Host` is not this machine.
class admin final : public net::http::route {
  public:
    /// The proxy outlives it. Any number of shards may serve it.
    admin(server& proxy, admin_settings = {});

    /// Another token from here on. From any thread.
    void set_token(std::string);

    /// Everything that can be seen now. From any thread.
    overview look() const;

    void on_head(net::shard&, net::http::request const&, net::http::exchange&,
                 std::size_t& max_body) override;
    void on_request(net::shard&, net::http::request const&, net::http::exchange) override;

  private:
    struct call;

    net::http::response serve(call const&, net::http::request const&);
    net::http::response put(std::string_view name, std::string_view body);
    net::http::response one(std::string_view name, int status = 200) const;
    bool may(net::http::request const&, net::http::response& no) const;

    server& proxy_;
    admin_settings settings_;
    time_point born_;
    mutable std::mutex mutex_; ///< for the token
};

/// A router with nothing but `a` on it.
net::http::router admin_router(std::shared_ptr<admin> a);

} // namespace mad::inline MAD_ABI::proxy

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/proxy/impl/admin.ipp>
#endif

#endif
