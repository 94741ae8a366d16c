#ifndef MAD_PROXY_IMPL_SERVER_IPP
#define MAD_PROXY_IMPL_SERVER_IPP

#include <mad/net/listener.hpp>
#include <mad/net/wait.hpp>
#include <mad/proxy/detail/part.hpp>
#include <mad/proxy/server.hpp>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <utility>

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

namespace mad::inline MAD_ABI::proxy {

struct server::state {
    state(std::vector<net::shard*> const& shards, settings const& s)
        : shared(s, *shards.front())
        , conf(std::make_shared<detail::config const>(s)) {
        for (auto* const sh : shards)
            parts.push_back(std::make_unique<detail::part>(shared, *sh, conf));
    }

    template <class Fn>
    void each(Fn fn) {
        for (auto& p : parts)
            p->shard.dispatch([&p = *p, fn] { fn(p); });
    }

    /// One shard after the other sheds what it can; what none has found goes when it asks again.
    void shed(std::uint32_t id, std::size_t sessions, std::size_t from, std::size_t turn) {
        if (turn == parts.size()) {
            auto const owed = (sessions + parts.size() - 1) / parts.size();
            return each([id, owed](detail::part& p) { p.owe_sheds(id, owed); });
        }
        auto& p = *parts[(from + turn) % parts.size()];
        p.shard.dispatch([this, &p, id, sessions, from, turn] {
            auto const found = p.shed(id, sessions);
            shed(id, sessions - std::min(found, sessions), from, turn + 1);
        });
    }

    void set_web(std::optional<upstream> const& wanted) {
        for (auto const& u : shared.web->status())
            if (!wanted || u.at->to.name != wanted->name)
                (void)shared.web->remove(u.at->to.name, removal::at_once);
        if (wanted)
            if (auto const r = shared.web->put(*wanted); !r)
                shared.log.error("proxy.web.refused", {{"error", r.error().message()}});
    }

    void start() {
        control::events of_pool;
        of_pool.view = [this](control::view_ptr v) {
            each([v](detail::part& p) { p.set_view(v); });
        };
        of_pool.shed = [this](shed_order o) {
            shed(o.id, o.sessions, next_shed++ % parts.size(), 0);
        };
        of_pool.cut = [this](std::uint32_t id) {
            shared.sids.release(id);
            each([id](detail::part& p) { p.cut(id); });
        };
        control::events of_web;
        of_web.view = [this](control::view_ptr v) { each([v](detail::part& p) { p.set_web(v); }); };
        each([](detail::part& p) { p.open(); });
        shared.pool.start(std::move(of_pool));
        shared.web->start(std::move(of_web));
    }

    detail::core shared;
    std::shared_ptr<detail::config const> conf;
    std::vector<std::unique_ptr<detail::part>> parts;
    std::size_t next_shed = 0;
    std::atomic<std::size_t> next_part{0};
    std::atomic<bool> web_stays{false}; ///< the heir takes no tunnels to the web upstream
    mutable std::mutex mutex;           ///< for what follows
    std::vector<int> listening;
    bool stopped = false;
};

MAD_DECL server::server(std::vector<net::shard*> shards, settings s)
    : state_(std::make_unique<state>(shards, s)) {
    for (auto const& u : s.upstreams)
        if (auto const r = state_->shared.pool.put(u); !r)
            throw std::invalid_argument("upstream " + u.name + ": " + r.error().message());
    state_->set_web(s.web);
    state_->start();
}

MAD_DECL server::~server() {
    state_->shared.pool.stop();
    state_->shared.web->stop();
    for (int const fd : state_->listening)
        ::close(fd);
}

MAD_DECL result<boost::asio::ip::tcp::endpoint>
server::listen(boost::asio::ip::tcp::endpoint const& wanted) {
    if (auto const busy = net::probe_listener(wanted))
        return busy;
    auto at = wanted;
    std::vector<int> fds;
    auto const fail = [&](error_code e) {
        for (int const fd : fds)
            ::close(fd);
        return e;
    };
    for (std::size_t i = 0; i < state_->parts.size(); ++i) {
        auto const fd = net::open_listener(at, state_->parts.size() > 1);
        if (!fd)
            return fail(fd.error());
        fds.push_back(*fd);
        auto const bound = net::local_endpoint(*fd);
        if (!bound)
            return fail(bound.error());
        at = *bound; // the others join the port that the first was given
    }
    return adopt(std::move(fds));
}

MAD_DECL result<boost::asio::ip::tcp::endpoint> server::adopt(int fd) {
    return adopt(std::vector<int>{fd});
}

MAD_DECL result<boost::asio::ip::tcp::endpoint> server::adopt(std::vector<int> fds) {
    auto& s = *state_;
    if (fds.empty())
        return error_code(boost::asio::error::invalid_argument);
    auto at = net::local_endpoint(fds.front());
    if (!at) {
        for (int const fd : fds)
            ::close(fd);
        return at.error();
    }
    for (std::size_t i = 0; i < fds.size(); ++i) {
        auto& p = *s.parts[i % s.parts.size()];
        {
            std::lock_guard const lock(s.mutex);
            if (int const copy = ::fcntl(fds[i], F_DUPFD_CLOEXEC, 0); copy >= 0)
                s.listening.push_back(copy);
        }
        // With a socket for each, every shard accepts for itself; else who accepts hands on.
        bool const alone = fds.size() >= s.parts.size();
        p.shard.dispatch([&s, &p, fd = fds[i], alone] {
            p.listen(fd, [&s, &p, alone](int c, boost::asio::ip::address const& peer) {
                if (alone)
                    return p.accepted(c, peer);
                auto& to =
                    *s.parts[s.next_part.fetch_add(1, std::memory_order_relaxed) % s.parts.size()];
                to.shard.dispatch([&to, c, peer] { to.accepted(c, peer); });
            });
        });
    }
    return at;
}

MAD_DECL control& server::pool() {
    return state_->shared.pool;
}

MAD_DECL sid_table& server::sids() {
    return state_->shared.sids;
}

MAD_DECL void server::set_tls(std::shared_ptr<net::cipher_factory> f) {
    state_->each([f](detail::part& p) { p.tls = f; });
}

MAD_DECL result<void> server::reload(settings const& s) {
    if (s.engine_path.size() < 3 || !s.engine_path.starts_with('/') ||
        !s.engine_path.ends_with('/'))
        return error_code(boost::asio::error::invalid_argument);
    auto const conf = std::make_shared<detail::config const>(s);
    state_->each([conf](detail::part& p) { p.set_config(conf); });
    state_->shared.addresses.set(s.addresses);
    for (auto* const c : {&state_->shared.pool, state_->shared.web.get()}) {
        c->set(s.health, s.drain, s.upstream_tls);
        c->set_engine_path(s.engine_path);
    }
    state_->set_web(s.web);
    return {};
}

MAD_DECL std::vector<int> server::listeners() const {
    std::lock_guard const lock(state_->mutex);
    std::vector<int> out;
    for (int const fd : state_->listening)
        if (int const copy = ::fcntl(fd, F_DUPFD_CLOEXEC, 0); copy >= 0)
            out.push_back(copy);
    return out;
}

MAD_DECL counters_snapshot server::count() const {
    counters_snapshot s;
    for (auto const& p : state_->parts)
        p->count.add_to(s);
    return s;
}

MAD_DECL void server::drain() {
    std::lock_guard const lock(state_->mutex);
    for (int const fd : std::exchange(state_->listening, {}))
        ::close(fd);
    state_->each([](detail::part& p) { p.drain(); });
}

MAD_DECL void server::release_to(std::shared_ptr<heir> h) {
    std::lock_guard const lock(state_->mutex);
    for (int const fd : std::exchange(state_->listening, {}))
        ::close(fd);
    state_->web_stays = !h->takes_web();
    state_->each([h](detail::part& p) { p.release_to(h); });
}

MAD_DECL std::size_t server::staying() const {
    auto const& all = state_->shared;
    return all.secure_tunnels.load(std::memory_order_relaxed) +
           (state_->web_stays ? all.web_tunnels.load(std::memory_order_relaxed) : 0);
}

MAD_DECL void server::adopt(passed_client c) {
    auto& p = *state_->parts[state_->next_part.fetch_add(1) % state_->parts.size()];
    p.shard.dispatch([&p, c = std::move(c)] { p.adopt(c); });
}

MAD_DECL void server::adopt(passed_tunnel t) {
    auto& p = *state_->parts[state_->next_part.fetch_add(1) % state_->parts.size()];
    p.shard.dispatch([&p, t = std::move(t)] { p.adopt(t); });
}

MAD_DECL bool server::wait_until_known(milliseconds most) {
    auto const knows = [](control const& c) {
        auto const all = c.status();
        return std::none_of(all.begin(), all.end(), [](upstream_status const& u) {
            return u.at->state == upstream_state::unknown;
        });
    };
    auto& shared = state_->shared;
    bool const known =
        net::wait_until([&] { return knows(shared.pool) && knows(*shared.web); }, most);
    auto const left = std::make_shared<std::atomic<std::size_t>>(state_->parts.size());
    state_->each([left](detail::part& p) {
        p.set_view(p.all.pool.view());
        p.set_web(p.all.web->view());
        left->fetch_sub(1);
    });
    return net::wait_until([&] { return left->load() == 0; }, milliseconds(1'000)) && known;
}

MAD_DECL void server::close() {
    {
        std::lock_guard const lock(state_->mutex);
        for (int const fd : std::exchange(state_->listening, {}))
            ::close(fd);
        if (!std::exchange(state_->stopped, true))
            state_->shared.home.dispatch([s = state_.get()] {
                s->shared.pool.stop();
                s->shared.web->stop();
            });
    }
    state_->each([](detail::part& p) { p.close(); });
}

MAD_DECL std::size_t server::connections() const {
    return state_->shared.open.load(std::memory_order_relaxed);
}

} // namespace mad::inline MAD_ABI::proxy

#endif
