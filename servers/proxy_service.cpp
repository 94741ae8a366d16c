#include "proxy_service.hpp"

#include "service.hpp"

#include <mad/net/http/redirect.hpp>
#include <mad/net/wait.hpp>

#include <algorithm>
#include <csignal>
#include <stdexcept>
#include <thread>

#include <fcntl.h>
#include <unistd.h>

namespace programs {

using mad::milliseconds;

/// Names of the lists of upstreams, see `control::set_list`. The last one: what the process before
/// had, and this one has not heard of yet.
static constexpr char const *configured = "configuration", *discovered = "discovery",
                            *before = "handover";

static std::vector<mad::proxy::listed_upstream>
listed(std::vector<mad::proxy::upstream> const& all) {
    std::vector<mad::proxy::listed_upstream> out;
    out.reserve(all.size());
    for (auto const& u : all)
        out.push_back({u, false});
    return out;
}

/// Null: nobody is there, or nobody is to be asked.
static std::unique_ptr<mad::proxy::inheritance> ask_for_handover(proxy_config const& c) {
    if (c.handover.empty())
        return nullptr;
    auto got = mad::proxy::inheritance::claim(c.handover, c.proxy.log);
    if (got)
        return std::move(*got);
    if (got.error().nobody())
        return nullptr;
    throw std::runtime_error("--handover: " + got.error().message);
}

proxy_service::proxy_service(proxy_config c, std::vector<int> passed)
    : config_(std::move(c))
    , asked_(config_.listen)
    , passed_(std::move(passed))
    , pool_(config_.threads, config_.proxy.log) {
    heritage_ = ask_for_handover(config_);
    if (heritage_ && !config_.own_secret)
        config_.proxy.cookies = mad::proxy::cookie_signer(heritage_->cookie_secret());
    proxy_ = std::make_unique<mad::proxy::server>(pool_.shards(), config_.proxy);
    set_list(configured, listed(config_.upstreams));
}

proxy_service::~proxy_service() {
    stop(milliseconds(0));
    for (auto const& [use, fd] : side_listeners_)
        ::close(fd);
}

void proxy_service::set_list(std::string const& source,
                             std::vector<mad::proxy::listed_upstream> all) {
    {
        std::lock_guard const lock(mutex_);
        auto& names = listed_[source];
        names.clear();
        for (auto const& u : all)
            names.insert(u.to.name);
    }
    proxy_->pool().set_list(source, std::move(all));
}

/// Once another process has let go there is no way back: then it is only said.
void proxy_service::check(char const* flag, mad::error_code e) const {
    if (!e)
        return;
    auto const why = std::string(flag) + ": cannot listen: " + e.message();
    if (!heritage_)
        throw std::runtime_error(why);
    config_.proxy.log.error("proxy.handover.incomplete", {{"what", why}});
}

/// What the process before has told; then it accepts no more.
void proxy_service::inherit() {
    std::vector<mad::proxy::listed_upstream> unknown;
    for (auto const& u : heritage_->upstreams()) {
        if (u.by_hand)
            (void)proxy_->pool().put(u.to);
        else if (!listed_[configured].contains(u.to.name))
            unknown.push_back({u.to, false});
    }
    set_list(before, std::move(unknown));
    heritage_->restore(*proxy_);
    pool_.start();
    running_ = true;
    if (auto const done = heritage_->commit(*proxy_, pool_.shards()); !done)
        throw std::runtime_error("--handover: " + done.error().message);
    // Sessions that begin there in this moment are told to us as they do; who comes meanwhile waits
    // in the queue of the socket.
    std::this_thread::sleep_for(milliseconds(50));
    if (!config_.discover) // nobody will name them: they leave when they are drained
        set_list(before, {});
}

/// Keeps those that are bound to that address; any, when its port is the kernel's choice.
static std::vector<int> fitting(std::vector<int> all, boost::asio::ip::tcp::endpoint const& at) {
    std::erase_if(all, [&](int fd) {
        auto const bound = mad::net::local_endpoint(fd);
        bool const fits = bound && bound->address() == at.address() &&
                          (at.port() == 0 || bound->port() == at.port());
        if (!fits)
            ::close(fd);
        return !fits;
    });
    return all;
}

void proxy_service::listen() {
    auto fds = std::move(passed_);
    if (heritage_ && fds.empty())
        fds = fitting(heritage_->take_listeners(listener_use::proxy), config_.listen);
    auto const at = fds.empty() ? proxy_->listen(config_.listen) : proxy_->adopt(std::move(fds));
    if (!at)
        throw std::runtime_error("cannot listen: " + at.error().message());
    config_.listen = *at;
    url_ = mad::net::http::url_of(*at, config_.proxy.tls != nullptr);
}

/// What neither forwards nor is for the world needs few connections.
static mad::net::http::server_settings side_settings(mad::logger log, std::size_t most) {
    mad::net::http::server_settings s;
    s.max_connections = most;
    s.log = std::move(log);
    return s;
}

/// A listening socket, of which a duplicate is kept for the next process; -1: cannot be.
int proxy_service::side_listener(listener_use use, endpoint const& at) {
    int fd = -1;
    if (heritage_)
        for (int const one : fitting(heritage_->take_listeners(use), at)) {
            if (fd >= 0)
                ::close(fd);
            fd = one;
        }
    if (fd < 0) {
        auto const made = mad::net::open_listener(at, false);
        if (made)
            fd = *made;
        else
            check(use == listener_use::admin ? "--admin" : "--redirect", made.error());
    }
    if (fd >= 0 && !config_.handover.empty())
        side_listeners_[use] = ::fcntl(fd, F_DUPFD_CLOEXEC, 0);
    return fd;
}

void proxy_service::serve_admin() {
    mad::proxy::admin_settings s;
    s.token = config_.admin_token;
    s.version = release_version();
    s.unix_socket = !config_.admin_socket.empty();
    s.log = config_.proxy.log;
    admin_ = std::make_shared<mad::proxy::admin>(*proxy_, std::move(s));
    if (config_.admin_socket.empty() && !config_.admin)
        return;
    admin_http_ = std::make_unique<mad::net::http::server>(std::vector{&pool_[0]},
                                                           mad::proxy::admin_router(admin_),
                                                           side_settings(config_.proxy.log, 64));
    if (!config_.admin)
        return check("--admin", admin_http_->listen_unix(config_.admin_socket,
                                                         heritage_ ? mad::net::unix_taken::replace
                                                                   : mad::net::unix_taken::refuse));
    if (int const fd = side_listener(listener_use::admin, *config_.admin); fd >= 0)
        (void)admin_http_->adopt(fd);
}

void proxy_service::serve_redirect(std::uint16_t https_port) {
    if (!config_.redirect)
        return;
    mad::net::http::router to_https;
    to_https.otherwise(mad::net::http::redirect_to_https(https_port));
    redirect_http_ = std::make_unique<mad::net::http::server>(
        std::vector{&pool_[0]}, std::move(to_https), side_settings(config_.proxy.log, 4'096));
    if (int const fd = side_listener(listener_use::redirect, *config_.redirect); fd >= 0)
        (void)redirect_http_->adopt(fd);
}

void proxy_service::follow_nodes() {
    if (!config_.discover)
        return;
    discovery_ = std::make_unique<mad::fleet::discovery>(*config_.discover);
    discovery_->start(pool_[0], [this](std::vector<mad::fleet::announced_node> const& nodes) {
        std::vector<mad::proxy::listed_upstream> all;
        for (auto const& n : nodes)
            if (auto u = mad::fleet::upstream_of(n))
                all.push_back({std::move(*u), n.draining});
        set_list(discovered, std::move(all));
        set_list(before, {});
    });
}

void proxy_service::offer() {
    if (config_.handover.empty())
        return;
    mad::proxy::handover_settings h;
    h.path = config_.handover;
    h.log = config_.proxy.log;
    h.listeners = [this](listener_use use) {
        auto const it = side_listeners_.find(use);
        return it == side_listeners_.end() ? std::vector<int>{} : std::vector{it->second};
    };
    h.by_hand = [this](std::string const& name) {
        std::lock_guard const lock(mutex_);
        return std::none_of(listed_.begin(), listed_.end(),
                            [&](auto const& list) { return list.second.contains(name); });
    };
    h.given = [this] {
        given_ = true;
        ::kill(::getpid(), SIGTERM); // to the program's own loop, which stops it
    };
    offer_ = std::make_unique<mad::proxy::handover_offer>(*proxy_, std::move(h));
    check("--handover",
          offer_->start(heritage_ ? mad::net::unix_taken::replace : mad::net::unix_taken::refuse));
}

void proxy_service::start() {
    if (heritage_)
        inherit();
    listen();
    serve_admin();
    serve_redirect(config_.listen.port());
    follow_nodes();
    if (!heritage_) {
        pool_.start();
        running_ = true;
    }
    offer();
    // Who is told that we are ready finds the nodes that are; one that hangs is not waited for.
    proxy_->wait_until_known(milliseconds(1'500));
    config_.proxy.log.info("proxy.started", {{"url", url_},
                                             {"upstreams", config_.upstreams.size()},
                                             {"inherited", heritage_ != nullptr}});
}

/// What a running process cannot change.
void proxy_service::name_fixed(proxy_config const& next) const {
    auto const& log = config_.proxy.log;
    auto const say = [&](char const* flag) {
        log.warn("proxy.reload.ignored",
                 {{"flag", flag},
                  {"remedy", config_.handover.empty()
                                 ? "restart it (with --handover it could be replaced unnoticed)"
                                 : "start a second one: it takes over by --handover"}});
    };
    auto const fixed = [&](auto const& now, auto const& then, char const* flag) {
        if (now != then)
            say(flag);
    };
    auto const least = [](mad::logger const& l) {
        using enum mad::log_level;
        return l.wants(debug) ? debug : l.wants(info) ? info : l.wants(warn) ? warn : error;
    };
    fixed(asked_, next.listen, "--listen");
    fixed(config_.threads, next.threads, "--threads");
    fixed(config_.redirect, next.redirect, "--redirect");
    if (config_.admin != next.admin || config_.admin_socket != next.admin_socket)
        say("--admin");
    fixed(config_.handover, next.handover, "--handover");
    fixed(config_.discover_url, next.discover_url, "--discover");
    if (config_.discover && next.discover) {
        fixed(config_.discover->redis.password_file, next.discover->redis.password_file,
              "--redis-password-file");
        fixed(config_.discover->redis.ca_file, next.discover->redis.ca_file,
              "--ca-file (for --discover)");
    }
    fixed(least(log), least(next.proxy.log), "--log-level");
}

void proxy_service::reload(proxy_config next) {
    if (auto const done = proxy_->reload(next.proxy); !done)
        throw std::runtime_error("refused: " + done.error().message());
    proxy_->set_tls(next.proxy.tls);
    set_list(configured, listed(next.upstreams));
    admin_->set_token(next.admin_token);
    if (!next.own_secret)
        next.proxy.cookies = proxy_->pool().cookies();
    else if (next.proxy.cookies.secret() != proxy_->pool().cookies().secret())
        proxy_->pool().set_cookies(next.proxy.cookies);
    name_fixed(next);
    next.proxy.log = config_.proxy.log;
    config_.own_secret = next.own_secret;
    config_.proxy = std::move(next.proxy);
    config_.upstreams = std::move(next.upstreams);
}

/// When the next process has taken over, what is left here is left alone: polls until they are
/// answered, and go there then; what cannot go there (TLS) as long as there is still time to ask it
/// to go.
void proxy_service::drain(milliseconds most) {
    auto const empty = [this] { return proxy_->connections() == 0; };
    if (given_) {
        auto const& p = config_.proxy;
        auto const alone = std::max(milliseconds(0), most - p.drain.over);
        if (mad::net::wait_until(empty, alone))
            return;
        // Plain tunnels that are still here are on their way, and no reason to ask anybody to go.
        auto const stays = [&] { return p.tls || proxy_->staying() > 0; };
        mad::net::wait_until([&] { return empty() || stays(); }, p.timeouts.poll_answer - alone);
        if (empty())
            return;
        most -= alone;
    }
    // All are asked to go in the time that there is.
    config_.proxy.drain = config_.proxy.drain.within(most);
    static_cast<void>(proxy_->reload(config_.proxy));
    proxy_->drain();
    mad::net::wait_until(empty, most);
}

void proxy_service::stop(milliseconds most) {
    if (!std::exchange(running_, false))
        return;
    if (!given_)
        offer_.reset(); // nobody is to begin with what ends
    for (auto& [use, fd] : side_listeners_)
        ::close(fd);
    side_listeners_.clear();
    for (auto* const side : {admin_http_.get(), redirect_http_.get()})
        if (side && given_)
            side->drain();
    if (most.count() > 0)
        drain(most);
    for (auto* const side : {admin_http_.get(), redirect_http_.get()})
        if (side)
            side->close();
    proxy_->close();
    mad::net::wait_until([this] { return proxy_->connections() == 0; }, milliseconds(500));
    offer_.reset();
    heritage_.reset();
    pool_.stop();
    discovery_.reset();
}

} // namespace programs
