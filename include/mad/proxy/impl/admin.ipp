#ifndef MAD_PROXY_IMPL_ADMIN_IPP
#define MAD_PROXY_IMPL_ADMIN_IPP

#include <mad/core/ids.hpp>
#include <mad/core/json.hpp>
#include <mad/core/json_parse.hpp>
#include <mad/core/json_text.hpp>
#include <mad/core/query.hpp>
#include <mad/net/address_limits.hpp>
#include <mad/proxy/admin.hpp>
#include <mad/proxy/impl/metrics.ipp>

#include <algorithm>

#include <sys/resource.h>

namespace mad::inline MAD_ABI::proxy {

namespace detail {

/// Longest body of a PUT: a URL and two numbers.
inline constexpr std::size_t most_admin_body = 4'096;

inline net::http::response admin_answer(int status, std::string body) {
    auto r = net::http::json_answer(status, std::move(body));
    r.set("Cache-Control", "no-store");
    return r;
}

inline net::http::response admin_error(int status, std::string_view error, std::string_view message,
                                       std::string_view remedy) {
    std::string body = "{\"error\":";
    append_json_string(body, error);
    append_json_string(body += ",\"message\":", message);
    append_json_string(body += ",\"remedy\":", remedy);
    return admin_answer(status, body += '}');
}

inline net::http::response no_such_upstream() {
    return admin_error(404, "unknown_upstream", "no upstream has that name",
                       "GET /upstreams lists them, PUT /upstreams/NAME adds one");
}

} // namespace detail

/// What a request asks for.
struct admin::call {
    enum class verb : std::uint8_t {
        nothing,
        health,
        ready,
        metrics,
        list,
        get,
        put,
        remove,
        drain,
        undrain,
        rebalance
    };

    verb what = verb::nothing;
    std::string_view name;  ///< of the upstream
    std::string_view allow; ///< what the path knows, when the method is another

    static call of(std::string_view method, std::string_view path) {
        auto const get = method == "GET" || method == "HEAD";
        auto const post = method == "POST";
        if (path == "/health")
            return get ? call{verb::health, {}, {}} : call{{}, {}, "GET, HEAD"};
        if (path == "/ready")
            return get ? call{verb::ready, {}, {}} : call{{}, {}, "GET, HEAD"};
        if (path == "/metrics")
            return get ? call{verb::metrics, {}, {}} : call{{}, {}, "GET, HEAD"};
        if (path == "/rebalance")
            return post ? call{verb::rebalance, {}, {}} : call{{}, {}, "POST"};
        if (path == "/upstreams" || path == "/upstreams/")
            return get ? call{verb::list, {}, {}} : call{{}, {}, "GET, HEAD"};
        constexpr std::string_view folder = "/upstreams/";
        if (!path.starts_with(folder))
            return {};
        auto const rest = path.substr(folder.size());
        auto const slash = rest.find('/');
        auto const name = rest.substr(0, slash);
        if (!is_upstream_name(name))
            return {};
        if (slash == rest.npos) {
            if (get || method == "PUT" || method == "DELETE")
                return {get ? verb::get : method == "PUT" ? verb::put : verb::remove, name, {}};
            return {{}, {}, "GET, HEAD, PUT, DELETE"};
        }
        auto const action = rest.substr(slash + 1);
        if (action != "drain" && action != "undrain")
            return {};
        if (!post)
            return {{}, {}, "POST"};
        return {action == "drain" ? verb::drain : verb::undrain, name, {}};
    }
};

MAD_DECL admin::admin(server& proxy, admin_settings s)
    : proxy_(proxy)
    , settings_(std::move(s))
    , born_(settings_.time->now()) {}

MAD_DECL void admin::set_token(std::string token) {
    std::lock_guard const lock(mutex_);
    settings_.token = std::move(token);
}

MAD_DECL overview admin::look() const {
    overview o;
    o.version = settings_.version;
    o.now = settings_.time->now();
    o.uptime = std::chrono::duration_cast<milliseconds>(o.now - born_);
    o.upstreams = proxy_.pool().status();
    o.panic = proxy_.pool().view()->panic();
    o.count = proxy_.count();
    o.known_sessions = proxy_.sids().size();
    o.open_descriptors = open_descriptors();
    rlimit most{};
    if (::getrlimit(RLIMIT_NOFILE, &most) == 0)
        o.max_descriptors = static_cast<std::size_t>(most.rlim_cur);
    return o;
}

/// False: `no` says why.
MAD_DECL bool admin::may(net::http::request const& r, net::http::response& no) const {
    std::string token;
    {
        std::lock_guard const lock(mutex_);
        token = settings_.token;
    }
    if (!token.empty()) {
        auto const said = r.header("Authorization");
        constexpr std::string_view scheme = "Bearer ";
        if (said.size() > scheme.size() &&
            net::http::iequals(said.substr(0, scheme.size()), scheme) &&
            equal_secret(net::http::trim(said.substr(scheme.size())), token))
            return true;
        no = detail::admin_error(401, "unauthorized", "the token is missing or wrong",
                                 "send Authorization: Bearer with the text of --admin-token-file");
        no.set("WWW-Authenticate", "Bearer");
        return false;
    }
    if (settings_.unix_socket)
        return true;
    if (!r.has("Origin") && net::http::is_loopback_host(r.header("Host")))
        return true;
    no = detail::admin_error(403, "forbidden", "pages of browsers are not served here",
                             "ask with Host: localhost and without Origin, or set a token "
                             "(--admin-token-file)");
    return false;
}

MAD_DECL void admin::on_head(net::shard&, net::http::request const& r, net::http::exchange& x,
                             std::size_t& max_body) {
    net::http::response no;
    if (!may(r, no))
        return x.respond(std::move(no));
    auto const c = call::of(r.method, r.path);
    if (c.what == call::verb::put)
        max_body = detail::most_admin_body;
    if (c.what != call::verb::nothing)
        return;
    if (c.allow.empty())
        return x.respond(detail::admin_error(
            404, "not_found", "there is nothing at that path",
            "/health, /ready, /metrics, /upstreams, /upstreams/NAME, /upstreams/NAME/drain, "
            "/upstreams/NAME/undrain, /rebalance; names have letters, digits, dots, dashes"));
    no = detail::admin_error(405, "method_not_allowed", "that path knows other methods",
                             "use " + std::string(c.allow));
    no.set("Allow", c.allow);
    x.respond(std::move(no));
}

MAD_DECL void admin::on_request(net::shard&, net::http::request const& r, net::http::exchange x) {
    x.respond(serve(call::of(r.method, r.path), r));
}

MAD_DECL net::http::response admin::serve(call const& c, net::http::request const& r) {
    auto& pool = proxy_.pool();
    auto const name = std::string(c.name);
    auto const changed = [&](std::string_view what, result<void> const& done) {
        if (!done)
            return detail::no_such_upstream();
        settings_.log.info("proxy.admin.changed", {{"what", what}, {"upstream", name}});
        return one(name);
    };
    using enum call::verb;
    switch (c.what) {
    case health:
        return detail::admin_answer(200, health_json(look()));
    case ready: {
        auto const now = look();
        return detail::admin_answer(is_ready(now) ? 200 : 503, ready_json(now));
    }
    case list:
        return detail::admin_answer(200, upstreams_json(look()));
    case get:
        return one(name);
    case put:
        return this->put(name, r.body);
    case drain:
        return changed("drain", pool.drain(name));
    case undrain:
        return changed("undrain", pool.undrain(name));
    case rebalance:
        pool.rebalance();
        settings_.log.info("proxy.admin.changed", {{"what", "rebalance"}});
        return detail::admin_answer(200, upstreams_json(look()));
    case metrics: {
        net::http::response a;
        a.set("Content-Type", "application/openmetrics-text; version=1.0.0; charset=utf-8");
        a.set("Cache-Control", "no-store");
        a.body = metrics_text(look());
        return a;
    }
    case remove: {
        auto const force = query_view(r.query).get("force");
        auto const at_once = force && *force != "false" && *force != "0";
        auto const gone = pool.remove(name, at_once ? removal::at_once : removal::if_empty);
        if (gone) {
            settings_.log.info(
                "proxy.admin.changed",
                {{"what", at_once ? "remove by force" : "remove"}, {"upstream", name}});
            std::string body = "{\"removed\":";
            append_json_string(body, name);
            return detail::admin_answer(200, body += '}');
        }
        if (gone.error() != make_error_code(pool_error::has_sessions))
            return detail::no_such_upstream();
        return detail::admin_error(409, "has_sessions", "it serves sessions",
                                   "POST /upstreams/" + name +
                                       "/drain and wait until its state is drained, or DELETE "
                                       "with ?force=true, which cuts them");
    }
    case nothing:
        break;
    }
    return net::http::text_answer(404, "Not Found\n"); // on_head has answered these
}

MAD_DECL net::http::response admin::put(std::string_view name, std::string_view body) {
    auto const bad = [](std::string_view why, std::string_view remedy) {
        return detail::admin_error(400, "bad_upstream", why, remedy);
    };
    constexpr std::string_view shape =
        "send {\"url\":\"http://10.0.0.5:3000\",\"weight\":1,\"proxy_protocol\":0}; weight and "
        "proxy_protocol may be left out";
    auto const told = parse_json(body);
    if (!told || !told->is_object())
        return bad("the body is no JSON object", shape);
    std::string url;
    std::int64_t weight = 1, version = 0;
    for (auto const& [key, value] : told->items()) {
        if (key == "url" && value.is_string())
            url = value.get<std::string>();
        else if (key == "weight" && value.is_number_integer())
            weight = value.get<std::int64_t>();
        else if (key == "proxy_protocol" && value.is_number_integer())
            version = value.get<std::int64_t>();
        else
            return bad("'" + key.substr(0, 64) + "' is not known, or not of that kind", shape);
    }
    if (url.empty())
        return bad("there is no url", shape);
    if (weight < 1 || weight > 1'000)
        return bad("weight is not between 1 and 1000", shape);
    if (version < 0 || version > 2)
        return bad("proxy_protocol is not 0, 1 or 2", shape);
    auto wanted = parse_upstream(std::string(name) + "=" + url);
    if (!wanted)
        return bad(wanted.error().message, shape);
    wanted->weight = static_cast<unsigned>(weight);
    wanted->proxy_protocol = static_cast<unsigned>(version);
    bool const is_new = !proxy_.pool().view()->by_name(name);
    if (auto const done = proxy_.pool().put(std::move(*wanted)); !done)
        return bad(done.error().message(), shape);
    settings_.log.info("proxy.admin.changed", {{"what", "put"}, {"upstream", name}});
    return one(name, is_new ? 201 : 200);
}

MAD_DECL net::http::response admin::one(std::string_view name, int status) const {
    // Of two of one name (an old server on its way out) the newer, which comes later.
    auto const all = proxy_.pool().status();
    auto const it = std::find_if(all.rbegin(), all.rend(),
                                 [&](upstream_status const& u) { return u.at->to.name == name; });
    if (it == all.rend())
        return detail::no_such_upstream();
    std::string body;
    append_upstream(body, *it, settings_.time->now());
    return detail::admin_answer(status, std::move(body));
}

MAD_DECL net::http::router admin_router(std::shared_ptr<admin> a) {
    net::http::router r;
    r.mount("/", a);
    r.otherwise(std::move(a)); // targets that are no paths
    return r;
}

} // namespace mad::inline MAD_ABI::proxy

#endif
