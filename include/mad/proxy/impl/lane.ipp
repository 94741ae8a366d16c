#ifndef MAD_PROXY_IMPL_LANE_IPP
#define MAD_PROXY_IMPL_LANE_IPP

#include <mad/proxy/detail/lane.hpp>
#include <mad/proxy/detail/part.hpp>
#include <mad/proxy/detail/table.hpp>

#include <algorithm>
#include <cerrno>
#include <utility>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

namespace mad::inline MAD_ABI::proxy::detail {

MAD_DECL lane::~lane() = default;

MAD_DECL upstream_connection* lane::take_idle() {
    while (!idle.empty()) {
        auto* const c = idle.back();
        idle.pop_back();
        shard_part.count.idle_ended.add();
        if (c->fresh())
            return c;
        c->close();
    }
    return nullptr;
}

MAD_DECL upstream_connection* lane::connect(std::size_t address) {
    exhausted = false;
    if (address >= to->addresses.size())
        return nullptr;
    auto const& at = to->addresses[address];
    int const fd = ::socket(at.protocol().family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        exhausted = true; // of descriptors or memory: no fault of the upstream
        return nullptr;
    }
    net::stream plain(fd);
    int const on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    ::setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    if (::connect(fd, reinterpret_cast<sockaddr const*>(at.data()),
                  static_cast<socklen_t>(at.size())) != 0 &&
        errno != EINPROGRESS)
        return nullptr;
    std::unique_ptr<net::cipher> c;
    if (to->to.secure) {
        auto const& tls = shard_part.set().upstream_tls;
        if (!tls || !(c = tls->connect(to->to.host)))
            return nullptr;
    }
    ++recent.connects;
    shard_part.count.connects.add();
    return &enter(connections, std::make_unique<upstream_connection>(
                                   *this, std::move(plain).with(std::move(c))));
}

MAD_DECL void lane::keep_idle(upstream_connection& c) {
    constexpr std::size_t most = 512;
    idle.push_back(&c);
    shard_part.count.idle_begun.add();
    if (idle.size() > most)
        idle.front()->close();
}

MAD_DECL void lane::forget_idle(upstream_connection& c) {
    auto const at = std::find(idle.begin(), idle.end(), &c);
    if (at == idle.end())
        return;
    idle.erase(at);
    shard_part.count.idle_ended.add();
}

MAD_DECL void lane::release(upstream_connection& c) {
    release_from(connections, c, shard_part.shard);
}

MAD_DECL void lane::release(tunnel& t) {
    release_from(tunnels, t, shard_part.shard);
}

MAD_DECL tunnel& lane::add(std::unique_ptr<tunnel> t) {
    return enter(tunnels, std::move(t));
}

MAD_DECL std::size_t lane::sheddable() const {
    auto const open =
        std::count_if(tunnels.begin(), tunnels.end(), [](auto const& t) { return !t->shedding(); });
    auto const polls = std::count_if(connections.begin(), connections.end(), [](auto const& c) {
        return c->user() && c->user()->waits_in_poll();
    });
    return static_cast<std::size_t>(open + polls);
}

MAD_DECL std::size_t lane::shed(std::size_t sessions) {
    std::size_t found = 0;
    for (std::size_t i = tunnels.size(); i-- > 0 && found < sessions;) {
        if (i >= tunnels.size() || tunnels[i]->shedding())
            continue;
        tunnels[i]->shed();
        ++found;
    }
    for (std::size_t i = connections.size(); i-- > 0 && found < sessions;) {
        auto* const u = i < connections.size() ? connections[i]->user() : nullptr;
        if (!u || !u->waits_in_poll())
            continue;
        u->shed_poll();
        ++found;
    }
    return found;
}

MAD_DECL void lane::cut() {
    for (std::size_t i = tunnels.size(); i-- > 0;)
        if (i < tunnels.size())
            tunnels[i]->cut();
    close_idle();
    for (std::size_t i = connections.size(); i-- > 0;)
        if (auto* const u = i < connections.size() ? connections[i]->user() : nullptr)
            u->on_upstream_cut();
}

MAD_DECL void lane::close_idle() {
    while (!idle.empty())
        idle.back()->close();
}

MAD_DECL void lane::close() {
    for (std::size_t i = tunnels.size(); i-- > 0;)
        if (i < tunnels.size())
            tunnels[i]->close();
    close_idle();
}

MAD_DECL void lane::settle() {
    auto& c = *to->count;
    auto const move = [](std::atomic<std::uint64_t>& all, std::uint64_t& mine) {
        if (mine > 0)
            all.fetch_add(std::exchange(mine, 0), std::memory_order_relaxed);
    };
    move(c.requests, recent.requests);
    move(c.handshakes, recent.handshakes);
    move(c.by_sid, recent.by_sid);
    move(c.by_cookie, recent.by_cookie);
    move(c.by_hash, recent.by_hash);
    move(c.connects, recent.connects);
    move(c.bytes_in, recent.bytes_in);
    move(c.bytes_out, recent.bytes_out);
}

} // namespace mad::inline MAD_ABI::proxy::detail

#endif
