#ifndef MAD_ENGINE_IMPL_CORS_IPP
#define MAD_ENGINE_IMPL_CORS_IPP

#include <mad/engine/cors.hpp>

#include <algorithm>

namespace mad::inline MAD_ABI::engine {

MAD_DECL bool lists_origin(cors_settings const& c, std::string_view origin) {
    return c.any_origin() ||
           std::find(c.origins.begin(), c.origins.end(), origin) != c.origins.end() ||
           (c.allow_origin && c.allow_origin(origin));
}

MAD_DECL std::string cors_fields(cors_settings const& c, net::http::request const& r) {
    net::http::response fields;
    if (!c.enabled())
        return {};
    if (c.any_origin()) {
        fields.set("Access-Control-Allow-Origin", "*");
    } else {
        auto const origin = r.header("Origin");
        if (!origin.empty() && lists_origin(c, origin)) {
            fields.set("Access-Control-Allow-Origin", origin);
            if (c.credentials)
                fields.set("Access-Control-Allow-Credentials", "true");
        }
        fields.set("Vary", "Origin");
    }
    if (!c.exposed_headers.empty())
        fields.set("Access-Control-Expose-Headers", c.exposed_headers);
    return std::move(fields.fields);
}

MAD_DECL net::http::response preflight_answer(cors_settings const& c, net::http::request const& r) {
    net::http::response out;
    out.status = 204;
    out.fields = cors_fields(c, r);
    out.set("Access-Control-Allow-Methods", c.methods);
    auto const asked = r.header("Access-Control-Request-Headers");
    if (!c.allowed_headers.empty()) {
        out.set("Access-Control-Allow-Headers", c.allowed_headers);
    } else if (!asked.empty()) {
        out.set("Vary", "Access-Control-Request-Headers");
        out.set("Access-Control-Allow-Headers", asked);
    }
    if (c.max_age >= 0)
        out.set("Access-Control-Max-Age", std::to_string(c.max_age));
    out.set("Content-Length", "0");
    return out;
}

MAD_DECL bool origin_allowed(cors_settings const& c, std::string_view origin, std::string_view host,
                             bool secure) {
    if (origin.empty() || (c.enabled() && lists_origin(c, origin)))
        return true;
    auto const scheme = secure ? std::string_view("https://") : std::string_view("http://");
    if (!origin.starts_with(scheme))
        return false;
    auto const strip = [&](std::string_view h) {
        auto const port = secure ? std::string_view(":443") : std::string_view(":80");
        return h.ends_with(port) ? h.substr(0, h.size() - port.size()) : h;
    };
    return net::http::iequals(strip(origin.substr(scheme.size())), strip(host));
}

} // namespace mad::inline MAD_ABI::engine

#endif
