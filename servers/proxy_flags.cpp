#include "proxy_flags.hpp"

#include <mad/net/tls_dialer.hpp>
#include <mad/redis/tls.hpp>

#include <algorithm>
#include <set>
#include <thread>

namespace programs {

proxy_flags::proxy_flags()
    : common("mad-proxy", "keeps each client of Socket.IO on its node, and moves it off gently") {
    using mad::milliseconds;
    auto& o = common;
    auto& p = proxy_;
    milliseconds const one(1), hour(3'600'000);
    o.max_connections = p.max_connections; // a proxied one needs two descriptors
    o.add_server(8080);
    o.add("threads", threads_, "shards; 0: one for each core")->check(CLI::Range(0, 256));
    o.add_list(
        "upstream", upstreams_,
        "[NAME=]http://HOST[:PORT][?weight=N&proxy_protocol=1|2] of a node, https:// too; may "
        "come several times");
    o.add("discover", discover_,
          "redis://… in which mad nodes announce themselves (mad-api --advertise)");
    o.add("redis-password-file", discover_password_file_, "file with the password for --discover");
    o.add("web", web_,
          "http://HOST[:PORT] of what serves everything but the engine path and /api/");
    o.add("path", p.engine_path, "engine path");
    o.add("affinity", affinity_,
          "what keeps a client on its node: sid,cookie,hash, or the end of that list");
    o.add("cookie-secret-file", cookie_secret_file_,
          "file with a secret of 16 characters or more for the affinity cookie, the same for "
          "several proxies; default: random");
    o.add_switch("cross-site-cookie", p.cross_site_cookie,
                 "pages of other sites bring the affinity cookie too (SameSite=None; needs TLS)");
    o.add_list(
        "trust", trust_,
        "CIDR of proxies in front whose X-Forwarded-For is believed; may come several times; "
        "default: loopback");
    o.add_switch("proxy-protocol", p.accept_proxy_protocol,
                 "each connection begins with a PROXY header from a peer of --trust");
    o.add("health", p.health.path, "path to probe; default: /ready, else /health, else connecting");
    o.add_duration("health-interval", p.health.interval, milliseconds(100), hour,
                   "time between two probes of a node");
    o.add_duration("health-timeout", p.health.timeout, milliseconds(10), hour, "time for a probe");
    o.add_duration("slow-start", p.health.slow_start, milliseconds(0), hour,
                   "how long the share of a node grows that has come up");
    o.add_duration("connect-timeout", p.timeouts.connect, one, hour,
                   "time for a connect to a node");
    o.add_duration("poll-timeout", p.timeouts.poll_answer, one, hour,
                   "time for a node's answer to a poll: more than its ping interval and timeout");
    o.add_duration("answer-timeout", p.timeouts.answer, one, hour,
                   "time for any other answer of a node");
    o.add_duration("tunnel-timeout", p.timeouts.tunnel_idle, one, hour,
                   "a websocket in which nothing moves for so long is closed");
    o.add("max-payload", p.max_body_bytes, "longest request body in bytes")
        ->check(CLI::Range(std::uint64_t(1024), std::uint64_t(100'000'000)));
    o.add_duration("drain-grace", p.drain.grace, milliseconds(0), hour,
                   "from the order to drain a node to the first session that is asked to go");
    o.add_duration("drain-over", p.drain.over, milliseconds(0), hour,
                   "how long it takes to ask all of them");
    o.add("redirect", redirect_, "[HOST:]PORT where HTTP is sent on to HTTPS");
    o.add("admin", admin_, "unix:PATH, or HOST:PORT on this machine, for the admin interface");
    o.add("admin-token-file", admin_token_file_, "file with the token that --admin asks for");
    o.add("handover", handover_,
          "path of a socket at which the next process takes over from this one");
}

std::optional<int> proxy_flags::parse(int argc, char** argv) {
    auto const code = common.parse(argc, argv);
    if (!common.instance.empty() && admin_.empty()) // there it is asked how it is
        admin_ = "unix:" + common.instance_folder() + '/' + common.instance + ".sock";
    password_in_arguments_ = std::any_of(argv + 1, argv + argc, [](std::string_view a) {
        return a.starts_with("--discover=") || a == "--discover";
    });
    return code;
}

static mad::proxy::upstream read_upstream(std::string const& flag, std::string const& text) {
    auto u = mad::proxy::parse_upstream(text);
    if (!u)
        throw usage_error(flag + ": '" + text + "': " + u.error().message);
    return std::move(*u);
}

std::optional<mad::fleet::discovery_settings> proxy_flags::discovery() const {
    if (discover_.empty()) {
        if (!discover_password_file_.empty())
            throw usage_error("--redis-password-file: there is no Redis: give --discover URL");
        return std::nullopt;
    }
    auto parsed = mad::redis::parse_url(discover_);
    if (!parsed)
        throw usage_error("--discover: " + parsed.error().message);
    mad::fleet::discovery_settings d;
    d.log = d.connection.log = common.make_logger();
    d.redis = std::move(*parsed);
    if (!d.redis.password.empty() && password_in_arguments_)
        d.log.warn("redis.password_in_arguments",
                   {{"remedy", "--redis-password-file, or MAD_PROXY_DISCOVER in the environment"}});
    if (!discover_password_file_.empty())
        d.redis.password_file = discover_password_file_;
    if (d.redis.ca_file.empty())
        d.redis.ca_file = common.ca_file();
    if (auto const password = mad::redis::current_password(d.redis); !password)
        throw usage_error("--redis-password-file: " + password.error().message);
    if (d.redis.tls) {
        auto tls = mad::redis::make_tls(d.redis);
        if (!tls)
            throw usage_error("--discover, --ca-file: " + tls.error().message);
        d.connection.tls = *tls;
    }
    return d;
}

proxy_config proxy_flags::config() const {
    using boost::asio::ip::address_v4;
    proxy_config c;
    c.proxy = proxy_;
    auto& p = c.proxy;
    p.log = common.make_logger();
    p.max_connections = common.max_connections;
    p.addresses = common.addresses;
    p.tls = common.load_tls();
    c.listen = common.endpoint();
    c.threads = threads_ ? threads_ : std::max(1u, std::thread::hardware_concurrency());

    std::set<std::string> names;
    bool secure = false;
    for (auto const& text : upstreams_) {
        c.upstreams.push_back(read_upstream("--upstream", text));
        secure |= c.upstreams.back().secure;
        if (!names.insert(c.upstreams.back().name).second)
            throw usage_error("--upstream: two are called '" + c.upstreams.back().name +
                              "': give them names of their own, NAME=URL");
    }
    c.discover = discovery();
    c.discover_url = discover_;
    if (c.upstreams.empty() && !c.discover && admin_.empty())
        throw usage_error("--upstream: there is nothing to stand in front of: name the nodes, or "
                          "give --discover redis://…, or --admin to add them later");
    if (!web_.empty()) {
        p.web = read_upstream("--web", web_);
        secure |= p.web->secure;
    }
    // Discovered nodes and those of the admin interface may be secure, too.
    auto trusted = mad::net::tls_client_context::load({common.ca_file()});
    if (trusted)
        p.upstream_tls = std::make_shared<mad::net::tls_dialer>(*trusted);
    else if (secure || !common.ca_file().empty())
        throw usage_error("--ca-file: " + trusted.error().message);

    auto affinity = mad::proxy::parse_affinity(affinity_);
    if (!affinity)
        throw usage_error("--affinity: '" + affinity_ +
                          "' is none of sid,cookie,hash; sid,hash; cookie,hash; hash");
    p.affinity = std::move(*affinity);
    if (!p.engine_path.starts_with('/') || !p.engine_path.ends_with('/'))
        throw usage_error("--path: '" + p.engine_path +
                          "' does not begin and end with a slash, as /socket.io/ does");
    if (!p.health.path.empty() && !p.health.path.starts_with('/'))
        throw usage_error("--health: '" + p.health.path + "' does not begin with a slash");
    if (!trust_.empty()) {
        p.trust = {};
        for (auto const& t : trust_)
            if (!p.trust.add(t))
                throw usage_error("--trust: '" + t +
                                  "' is no network such as 10.0.0.0/8, fd00::/8, 127.0.0.1 or "
                                  "loopback");
    }
    if (!cookie_secret_file_.empty()) {
        auto const secret = read_secret("--cookie-secret-file", cookie_secret_file_);
        if (secret.size() < mad::proxy::cookie_signer::least_secret)
            throw usage_error("--cookie-secret-file: the secret in " + cookie_secret_file_ +
                              " has less than 16 characters");
        p.cookies = mad::proxy::cookie_signer(secret);
        c.own_secret = true;
    }

    if (!redirect_.empty()) {
        if (!p.tls)
            throw usage_error("--redirect: there is no HTTPS to send anybody to: give --tls-cert "
                              "and --tls-key");
        c.redirect = parse_listen("--redirect", redirect_, c.listen.address());
        if (!c.redirect->address().is_loopback() && !common.anonymous)
            throw usage_error("--redirect: '" + redirect_ +
                              "' is not loopback: give --anonymous, as for --listen");
    }
    if (admin_.starts_with("unix:")) {
        c.admin_socket = admin_.substr(5);
        if (c.admin_socket.empty())
            throw usage_error("--admin: there is no path behind unix:");
    } else if (!admin_.empty()) {
        c.admin = parse_listen("--admin", admin_, address_v4::loopback());
        if (!c.admin->address().is_loopback())
            throw usage_error("--admin: '" + admin_ +
                              "' is not on this machine: give unix:PATH or 127.0.0.1:PORT");
    }
    if (!admin_token_file_.empty()) {
        if (admin_.empty())
            throw usage_error("--admin-token-file: there is nothing to guard: give --admin");
        c.admin_token = read_secret("--admin-token-file", admin_token_file_);
    }
    c.handover = handover_;
    return c;
}

} // namespace programs
