// mad-api: the node that agents push to and consoles look at.

#include "rules_file.hpp"
#include "service.hpp"
#include "tls.hpp"
#include "tokens_file.hpp"

#include <mad/fleet/api.hpp>
#include <mad/fleet/host_gauges.hpp>
#include <mad/fleet/redis_ledger.hpp>
#include <mad/fleet/redis_store.hpp>
#include <mad/fleet/token_file.hpp>
#include <mad/net/http/url.hpp>
#include <mad/net/listener.hpp>
#include <mad/proxy/upstream.hpp>
#include <mad/redis/tls.hpp>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <iostream>

/// What `--redis` and its companions say.
struct redis_options {
    std::string url, password_file;
    bool legacy_keys = false;
};

/// The names of the original: REDIS_HOST, and REDIS_PORT where it is another port. The port alone
/// says nothing: orchestrators set one for every service that they call redis.
static std::string redis_url_of_the_original() {
    char const* const host = std::getenv("REDIS_HOST");
    char const* const port = std::getenv("REDIS_PORT");
    if (!host || !*host)
        return {};
    auto const name = std::string(host).find(':') == std::string::npos
                          ? std::string(host)
                          : "[" + std::string(host) + "]";
    auto url = "redis://" + name + (port && *port ? ":" + std::string(port) : "");
    if (auto const parsed = mad::redis::parse_url(url); !parsed)
        throw programs::usage_error("REDIS_HOST, REDIS_PORT: " + parsed.error().message);
    return url;
}

static std::optional<mad::fleet::redis_store_settings> redis_settings(redis_options o,
                                                                      programs::options const& all,
                                                                      mad::logger const& log,
                                                                      bool in_arguments) {
    if (o.url.empty())
        o.url = redis_url_of_the_original();
    if (o.url.empty()) {
        if (!o.password_file.empty() || o.legacy_keys)
            throw programs::usage_error(
                std::string(o.legacy_keys ? "--legacy-keys" : "--redis-password-file") +
                ": there is no Redis: give --redis URL");
        return std::nullopt;
    }
    auto parsed = mad::redis::parse_url(o.url);
    if (!parsed)
        throw programs::usage_error("--redis: " + parsed.error().message);
    mad::fleet::redis_store_settings s;
    s.redis = std::move(*parsed);
    if (!s.redis.password.empty() && in_arguments)
        log.warn("redis.password_in_arguments",
                 {{"remedy", "--redis-password-file, or MAD_API_REDIS in the environment"}});
    if (!o.password_file.empty())
        s.redis.password_file = o.password_file;
    if (s.redis.ca_file.empty())
        s.redis.ca_file = all.ca_file();
    if (auto const password = mad::redis::current_password(s.redis); !password)
        throw programs::usage_error("--redis-password-file: " + password.error().message);
    if (s.redis.tls) {
        auto tls = mad::redis::make_tls(s.redis);
        if (!tls)
            throw programs::usage_error("--redis, --ca-file: " + tls.error().message);
        s.connection.tls = *tls;
    }
    if (o.legacy_keys && s.redis.topology == mad::redis::topology::cluster)
        throw programs::usage_error("--legacy-keys: nodes of the original know no Cluster: give a "
                                    "single Redis, or sentinels");
    s.legacy_keys = o.legacy_keys;
    s.connection.log = s.sharing.log = log;
    return s;
}

/// Where changes of state are posted.
struct webhook_options {
    std::string url, secret_file;
};

/// A file that others can read holds no secret.
static std::string secret_of(webhook_options const& w) {
    std::string secret;
    if (!w.secret_file.empty())
        if (auto const wrong = mad::fleet::read_token_file(w.secret_file, secret); !wrong.empty())
            throw programs::usage_error("--webhook-secret-file: " + wrong);
    return secret;
}

static void use_webhook(webhook_options const& w, programs::options const& all,
                        mad::fleet::api_settings& s) {
    if (w.url.empty()) {
        if (!w.secret_file.empty())
            throw programs::usage_error("--webhook-secret-file: there is no webhook: give "
                                        "--webhook URL");
        return;
    }
    auto const u = mad::net::http::parse_url(w.url);
    if (!u || u->scheme.starts_with("ws")) // who has it may post there: it stays unsaid
        throw programs::usage_error("--webhook: that is no URL: write http://HOST/PATH or "
                                    "https://HOST/PATH, without a name and a password");
    s.webhook = w.url;
    if (u->secure)
        s.webhook_tls = programs::load_client_tls(all.ca_file());
    s.webhook_secret = secret_of(w);
}

static void check_advertised(std::string const& url) {
    if (url.empty() || url == "off")
        return;
    auto const u = mad::proxy::parse_upstream(url);
    if (!u || url.find_first_of("=?") != url.npos)
        throw programs::usage_error("--advertise: " + url +
                                    ": write http://HOST:PORT or https://HOST:PORT, or off");
}

/// What is said of people who are signed in at a proxy.
struct identity_options {
    std::string header, role_header;
};

static void check_identity(identity_options const& o, bool trusts) {
    auto const is_name = [](std::string const& s) {
        return std::all_of(s.begin(), s.end(),
                           [](unsigned char c) { return std::isalnum(c) || c == '-' || c == '_'; });
    };
    if (!is_name(o.header))
        throw programs::usage_error("--identity-header: '" + o.header + "' is no field name");
    if (!is_name(o.role_header))
        throw programs::usage_error("--identity-role-header: '" + o.role_header +
                                    "' is no field name");
    if (o.header.empty() && !o.role_header.empty())
        throw programs::usage_error("--identity-role-header: needs --identity-header");
    if (!o.header.empty() && !trusts)
        throw programs::usage_error(
            "--identity-header: nobody is named who may say it: give --trust NETWORK of the proxy "
            "that signs people in, also when that is loopback");
}

int main(int argc, char** argv) {
    auto const signals = programs::prepare();
    programs::options o("mad-api", "API node: agents push their health, consoles see it live");
    return programs::run(o, [&] {
        mad::fleet::api_settings s;
        auto& engine = s.sockets.engine;
        using mad::milliseconds;
        o.add_server(3000, true);
        o.add("threads", s.threads, "shards; 0: one for each core")->check(CLI::Range(0, 256));
        o.add("node-id", s.node_id, "name of this node; default: random");
        o.add("path", engine.path, "engine path");
        o.add_duration("ping-interval", engine.ping_interval, milliseconds(10),
                       milliseconds(3'600'000), "time between pings");
        o.add_duration("ping-timeout", engine.ping_timeout, milliseconds(10),
                       milliseconds(3'600'000), "time for a pong");
        o.add("max-payload", engine.max_payload, "longest message in bytes")
            ->check(CLI::Range(std::size_t(1024), std::size_t(100'000'000)));
        o.add("eio3", engine.handshake.allow_eio3,
              "serve clients of Socket.IO 2.x too (Engine.IO revision 3)")
            ->type_name("on|off")
            ->default_str("off");
        o.add("max-packets-per-session", s.sockets.max_packet_rate,
              "packets a second of one connection; 0: no limit")
            ->check(CLI::Range(0.0, 1e6));
        o.add("cors-origin", engine.cors.origins, "origin of pages that may connect, or *");
        std::vector<std::string> trust{"loopback"};
        auto* const trust_flag =
            o.add("trust", trust,
                  "network of proxies whose X-Forwarded-For and -Proto count, as 10.0.0.0/8; "
                  "loopback is this machine, none nobody")
                ->delimiter(',');
        identity_options identity;
        o.add("identity-header", identity.header,
              "field in which a proxy of --trust says who is signed in, as X-Forwarded-User")
            ->type_name("NAME");
        o.add("identity-role-header", identity.role_header,
              "field with the roles of that person, as X-Forwarded-Groups: a list with commas in "
              "which viewer and admin count; without one of them: viewer")
            ->type_name("NAME");
        redis_options redis;
        o.add(
            "redis", redis.url,
            "share agents with the other nodes on this Redis: redis://, rediss://, "
            "redis+sentinel://, unix://; default: REDIS_HOST and REDIS_PORT, else one node alone");
        o.add("redis-password-file", redis.password_file, "file with the password for Redis");
        o.add_switch("legacy-keys", redis.legacy_keys,
                     "nodes of the original share this Redis: exchange agents with them too");
        o.add("advertise", s.advertise,
              "URL at which proxies reach this node, told to those with --discover; default: the "
              "listening address, unless it is loopback or every address; off: nothing is told")
            ->type_name("URL");
        std::string rules;
        o.add("rules", rules, "what makes hosts warn and crit, and mutes (TOML); read on SIGHUP")
            ->type_name("FILE");
        o.add_duration("offline-keep", s.offline_keep, milliseconds(0),
                       milliseconds(36'000'000'000),
                       "how long a host is listed once it is offline");
        o.add_list("metrics-tags", s.metrics_tags,
                   "key of tags that becomes a label of the gauges of hosts, as role; repeat");
        webhook_options webhook;
        o.add("webhook", webhook.url, "URL that changes of state are posted to, as JSON")
            ->type_name("URL");
        o.add("webhook-secret-file", webhook.secret_file,
              "file with the secret that signs them (chmod 600); read on SIGHUP")
            ->type_name("FILE");
        if (auto const code = o.parse(argc, argv))
            return *code;
        check_advertised(s.advertise);
        if (auto const wrong = mad::fleet::judge_label_keys(s.metrics_tags); !wrong.empty())
            throw programs::usage_error("--metrics-tags: " + wrong);

        for (auto const& network : trust)
            if (network != "none" && !engine.trust.add(network))
                throw programs::usage_error("--trust: '" + network +
                                            "' is no network such as 10.0.0.0/8, 127.0.0.1, "
                                            "fd00::/8 or loopback");
        bool const explicit_trust = trust_flag->count() > 0;
        check_identity(identity, explicit_trust && trust != std::vector<std::string>{"none"});
        s.access.identity_header = identity.header;
        s.access.identity_role_header = identity.role_header;
        if (!identity.header.empty())
            s.access.identity_trust = engine.trust;
        s.access.attempts = {0, o.addresses.max_rate, o.addresses.burst};
        if (!o.tokens_file.empty())
            s.access.access.rules = programs::read_tokens(o.tokens_file);
        if (o.anonymous_agents)
            s.access.access.open = mad::fleet::open_to::agents;
        s.anonymous = o.anonymous;
        s.listen = o.endpoint();
        s.version = programs::release_version();
        s.instance_name = o.instance;
        s.instance_folder = o.instance_folder();
        if (!o.instance.empty() && !s.node_id.empty())
            s.node_id += '-' + o.instance; // for a while both are in the fleet
        if (!rules.empty()) {
            auto file = programs::read_rules_file(rules);
            s.rules = std::move(file.rules);
            s.mutes = std::move(file.mutes);
        }
        s.log = o.make_logger();
        bool const in_arguments = std::any_of(argv + 1, argv + argc, [](std::string_view a) {
            return a.starts_with("--redis=") || a == "--redis";
        });
        auto const shared = redis_settings(redis, o, s.log, in_arguments);
        if (!shared && !s.advertise.empty() && s.advertise != "off")
            throw programs::usage_error("--advertise: there is no Redis: give --redis URL");
        if (shared) {
            s.make_adapters = [shared](mad::net::shard& home) {
                return mad::fleet::make_fleet_adapters(home, shared->redis, shared->connection,
                                                       shared->legacy_keys);
            };
            s.make_store = [shared](std::string const& node) {
                auto own = *shared;
                own.sharing.node = node;
                return mad::fleet::make_redis_store(std::move(own));
            };
        }
        if (shared)
            s.make_ledger = [shared, log = s.log](std::string const& node) {
                mad::fleet::redis_ledger_settings l;
                l.node = node;
                l.redis = shared->redis;
                l.connection = shared->connection;
                l.prefix = shared->prefix;
                l.log = log;
                return mad::fleet::make_redis_ledger(std::move(l));
            };
        use_webhook(webhook, o, s);
        s.sockets.http.max_connections = o.max_connections;
        s.sockets.http.addresses = o.addresses;
        s.sockets.http.tls = o.load_tls();
        if (shared && !s.node_id.empty())
            try {
                (void)s.make_store(s.node_id);
            } catch (std::invalid_argument const& e) {
                throw programs::usage_error("--node-id: " + std::string(e.what()));
            }
        if (o.check)
            return 0;
        s.passed_listeners = mad::net::passed_listeners();
        mad::fleet::api node(std::move(s));
        if (auto const at = node.start(); !at)
            throw std::runtime_error("cannot listen: " + at.error().message());
        auto const reload = [&] {
            auto tls = o.load_tls(); // all is read before any is changed
            auto const secret = secret_of(webhook);
            if (!rules.empty()) {
                auto file = programs::read_rules_file(rules);
                node.set_rules(std::move(file.rules), std::move(file.mutes));
            }
            if (!o.tokens_file.empty())
                node.set_access(programs::read_tokens(o.tokens_file));
            node.set_webhook_secret(secret);
            node.set_tls(std::move(tls));
        };
        programs::service self{node.url(), reload, [&](milliseconds drain) { node.stop(drain); }};
        self.probe = [&](std::function<void()> alive) { node.probe(std::move(alive)); };
        return programs::serve(signals, o, std::move(self));
    });
}
