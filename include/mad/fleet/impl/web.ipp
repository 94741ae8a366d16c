#ifndef MAD_FLEET_IMPL_WEB_IPP
#define MAD_FLEET_IMPL_WEB_IPP

#include <mad/core/json_text.hpp>
#include <mad/fleet/page.hpp>
#include <mad/fleet/web.hpp>
#include <mad/net/wait.hpp>

#include <stdexcept>

namespace mad::inline MAD_ABI::fleet {

MAD_DECL web::web(web_settings s)
    : settings_(std::move(s))
    , pool_(1, settings_.log) {
    if (!settings_.api_url.empty() && !parse_origin(settings_.api_url))
        throw std::runtime_error("'" + settings_.api_url +
                                 "' is no URL of an API node (http://host:port)");
    for (auto const& url : settings_.frame_ancestors)
        if (!parse_origin(url))
            throw std::runtime_error("'" + url + "' is no origin (https://host[:port])");
    net::http::router routes;
    auto const guard = [open = settings_.anonymous](net::http::request const& r) {
        return open || net::http::is_loopback_host(r.header("Host"));
    };
    std::string config = "{\"api_url\":";
    append_json_string(config, settings_.api_url);
    config += ",\"path\":";
    append_json_string(config, settings_.path);
    config += ",\"version\":";
    append_json_string(config, settings_.version);
    config += '}';
    routes.get("/config.json", [config, guard](net::http::request const& r) {
        return guard(r) ? net::http::json_answer(200, config)
                        : net::http::text_answer(403, "Forbidden\n");
    });
    routes.get("/health", [](net::http::request const&) {
        return net::http::json_answer(200, "{\"healthy\":true}");
    });
    std::string ready = "{\"ready\":true,\"version\":";
    append_json_string(ready, settings_.version);
    ready += '}';
    routes.get("/ready",
               [ready](net::http::request const&) { return net::http::json_answer(200, ready); });
    routes.otherwise(
        std::make_shared<page>(settings_.root, settings_.api_url, settings_.frame_ancestors));
    settings_.http.log = settings_.log;
    http_ = std::make_unique<net::http::server>(pool_.shards(), std::move(routes), settings_.http);
}

MAD_DECL web::~web() {
    stop();
}

MAD_DECL result<boost::asio::ip::tcp::endpoint> web::start() {
    auto at = result<boost::asio::ip::tcp::endpoint>(settings_.listen);
    if (!settings_.instance_socket.empty())
        if (auto const e = http_->listen_unix(settings_.instance_socket, net::unix_taken::replace))
            return e;
    if (settings_.passed_listeners.empty())
        at = http_->listen(settings_.listen);
    for (int const fd : settings_.passed_listeners)
        at = http_->adopt(fd);
    if (!at)
        return at;
    url_ = net::http::url_of(*at, settings_.http.tls != nullptr);
    pool_.start();
    running_ = true;
    settings_.log.info("fleet.web.started", {{"url", url_}});
    return at;
}

MAD_DECL void web::stop(milliseconds drain) {
    if (!std::exchange(running_, false))
        return;
    if (drain.count() > 0) {
        http_->drain();
        net::wait_until([this] { return http_->connections() == 0; }, drain);
    }
    pool_.stop();
}

} // namespace mad::inline MAD_ABI::fleet

#endif
