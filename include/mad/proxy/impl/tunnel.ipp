#ifndef MAD_PROXY_IMPL_TUNNEL_IPP
#define MAD_PROXY_IMPL_TUNNEL_IPP

#include <mad/net/ws_frame.hpp>
#include <mad/proxy/detail/part.hpp>
#include <mad/proxy/detail/tunnel.hpp>

#include <algorithm>

#include <sys/epoll.h>

namespace mad::inline MAD_ABI::proxy::detail {

/// Close 1012 (service restart), unmasked: clients come again.
inline constexpr std::string_view close_1012{"\x88\x02\x03\xf4", 4};

MAD_DECL tunnel::tunnel(lane& l, std::unique_ptr<end> client, std::unique_ptr<end> upstream,
                        boost::asio::ip::address counted, frame_scan frames, bool session)
    : lane_(l)
    , client_(std::move(client))
    , upstream_(std::move(upstream))
    , deadline_([](void* p) { static_cast<tunnel*>(p)->on_deadline(); }, this)
    , frames_(frames)
    , counted_(std::move(counted))
    , active_ms_(part::now_ms())
    , secure_(client_->stream.secure() || upstream_->stream.secure())
    , session_(session) {
    client_->owner = upstream_->owner = this;
    auto& p = lane_.shard_part;
    p.count.tunnels_opened.add();
    lane_.to->count->tunnels.fetch_add(1, std::memory_order_relaxed);
    if (!session_)
        lane_.to->count->other_tunnels.fetch_add(1, std::memory_order_relaxed);
    if (secure_)
        p.all.secure_tunnels.fetch_add(1, std::memory_order_relaxed);
    else if (lane_.of_web)
        p.all.web_tunnels.fetch_add(1, std::memory_order_relaxed);
}

MAD_DECL tunnel::~tunnel() {
    let_go();
}

MAD_DECL void tunnel::let_go() {
    if (closed_)
        return;
    closed_ = true;
    deadline_.cancel();
    auto& p = lane_.shard_part;
    p.count.tunnels_closed.add();
    lane_.to->count->tunnels.fetch_sub(1, std::memory_order_relaxed);
    if (!session_)
        lane_.to->count->other_tunnels.fetch_sub(1, std::memory_order_relaxed);
    if (secure_)
        p.all.secure_tunnels.fetch_sub(1, std::memory_order_relaxed);
    else if (lane_.of_web)
        p.all.web_tunnels.fetch_sub(1, std::memory_order_relaxed);
    p.all.addresses.leave(counted_);
    p.all.open.fetch_sub(1, std::memory_order_relaxed);
}

MAD_DECL void tunnel::start(std::string_view head, std::string_view from_upstream,
                            std::string_view from_client) {
    lane_.shard_part.shard.deadlines().arm(deadline_, lane_.shard_part.set().timeouts.tunnel_idle);
    frames_.feed(from_upstream);
    iovec const parts[]{{const_cast<char*>(head.data()), head.size()},
                        {const_cast<char*>(from_upstream.data()), from_upstream.size()}};
    if (!client_->send(parts) || (!from_client.empty() && !upstream_->send(from_client)))
        return close();
    watch();
}

MAD_DECL void tunnel::adopted() {
    client_->came_from_elsewhere();
    upstream_->came_from_elsewhere();
    auto& p = lane_.shard_part;
    p.shard.deadlines().arm(deadline_, p.set().timeouts.tunnel_idle);
    if (!client_->watch() || !upstream_->watch())
        close();
}

MAD_DECL void tunnel::watch() {
    client_->want_input(!client_ended_ && !upstream_->blocked(), false);
    upstream_->want_input(!upstream_ended_ && !client_->blocked(), false);
}

MAD_DECL void tunnel::close() {
    if (closed_)
        return;
    let_go();
    auto& s = lane_.shard_part.shard;
    client_->close();
    upstream_->close();
    s.reap(std::move(client_));
    s.reap(std::move(upstream_));
    lane_.release(*this);
}

MAD_DECL void tunnel::on_end(end& e, std::uint32_t events) {
    auto& other = &e == client_.get() ? *upstream_ : *client_;
    bool const other_ended = &e == client_.get() ? upstream_ended_ : client_ended_;
    if (events & EPOLLOUT) {
        active_ms_ = part::now_ms();
        if (!e.flush())
            return close();
        if (!e.blocked() && other_ended) {
            if (client_ended_ && upstream_ended_)
                return close();
            e.stream.shutdown_send();
        }
        watch();
    }
    if (e.reads() && (events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
        pump(e, other);
    else if (events & (EPOLLHUP | EPOLLERR))
        close();
    else if (lane_.shard_part.releasing())
        lane_.shard_part.offer(*this);
}

MAD_DECL void tunnel::pump(end& from, end& to) {
    auto& p = lane_.shard_part;
    auto const scratch = p.shard.read_scratch();
    auto const into = scratch.first(64 * 1024);
    bool const to_client = &to == client_.get();
    for (int round = 0; round < 4; ++round) {
        auto const r = from.read(into, scratch.subspan(scratch.size() / 2));
        if (r.status == net::io_status::blocked)
            break;
        if (r.status == net::io_status::ended)
            return ended(from, to);
        if (r.status == net::io_status::failed)
            return close();
        count(to_client, r.bytes);
        if (!carry(to, {into.data(), r.bytes}))
            return close();
        if (to.blocked() || r.bytes < into.size())
            break;
        // More than one buffer at once: the rest of it need not pass through our memory.
        if (!carry_unseen(from, to))
            return close();
        if (to.blocked())
            break;
    }
    active_ms_ = part::now_ms();
    // TLS may owe its own messages to the side that was read.
    if (to.blocked() || from.blocked() || !from.reads())
        watch();
    else if (p.releasing())
        p.offer(*this);
}

MAD_DECL void tunnel::count(bool to_client, std::size_t bytes) {
    auto& c = lane_.shard_part.count;
    (to_client ? c.bytes_out : c.bytes_in).add(bytes);
    (to_client ? lane_.recent.bytes_out : lane_.recent.bytes_in) += bytes;
}

// A MB of a large one-way flow costs about 0.75 ms of CPU when it is copied, and 0.3 ms this way
// (Linux 6, loopback); small messages are cheaper copied, since a pipe costs a call more.
MAD_DECL bool tunnel::carry_unseen(end& from, end& to) {
    constexpr std::size_t worth_it = 32 * 1024;
    auto& p = lane_.shard_part;
    bool const to_client = &to == client_.get();
    if (from.stream.secure() || to.stream.secure() || shed_ != stage::open)
        return true;
    auto const scratch = p.shard.write_scratch();
    for (int round = 0; round < 8 && !to.blocked(); ++round) {
        // Of the upstream, only what is known to hold no header of a frame.
        std::size_t most = scratch.size();
        if (to_client)
            most = static_cast<std::size_t>(std::min<std::uint64_t>(most, frames_.payload_left()));
        if (most < worth_it)
            return true;
        auto const o = p.pipe.move(from.stream.fd(), to.stream.fd(), most, scratch);
        if (o.broken)
            return false;
        if (o.moved == 0)
            return true;
        count(to_client, o.moved);
        if (to_client)
            frames_.skip(o.moved);
        if (o.rest > 0) {
            iovec const v{scratch.data(), o.rest};
            to.keep({&v, 1}, 0);
        }
    }
    return true;
}

MAD_DECL bool tunnel::carry(end& to, std::string_view data) {
    if (&to != client_.get())
        return to.send(data);
    if (shed_ == stage::open) {
        frames_.feed(data);
        return to.send(data);
    }
    if (shed_ == stage::told)
        return true; // the upstream's last words come too late
    auto const n = frames_.feed_to_boundary(data);
    if (!to.send(data.substr(0, n)))
        return false;
    if (frames_.at_boundary())
        say_goodbye();
    return true;
}

MAD_DECL void tunnel::ended(end& from, end& to) {
    auto& p = lane_.shard_part;
    bool const client = &from == client_.get();
    (client ? client_ended_ : upstream_ended_) = true;
    if (client_ended_ && upstream_ended_ && !to.blocked())
        return close();
    if (!to.blocked())
        to.stream.shutdown_send();
    watch();
    p.shard.deadlines().arm(deadline_, p.set().timeouts.half_closed);
}

MAD_DECL void tunnel::shed() {
    if (closed_ || shed_ != stage::open)
        return;
    auto& p = lane_.shard_part;
    p.count.shed.add();
    shed_ = stage::asked;
    p.shard.deadlines().arm(deadline_, p.set().timeouts.half_closed);
    if (frames_.at_boundary() && !upstream_ended_) {
        say_goodbye();
        watch();
    }
}

MAD_DECL void tunnel::say_goodbye() {
    shed_ = stage::told;
    client_->send(close_1012); // a broken end is found out by its next event
}

MAD_DECL void tunnel::cut() {
    if (closed_)
        return;
    if (frames_.at_boundary() && shed_ != stage::told && !upstream_ended_ && !client_->blocked())
        client_->send(close_1012);
    close();
}

MAD_DECL void tunnel::on_deadline() {
    auto& p = lane_.shard_part;
    auto const most = p.set().timeouts.tunnel_idle;
    if (client_ended_ || upstream_ended_ || shed_ != stage::open)
        return close();
    milliseconds const quiet(part::now_ms() - active_ms_);
    if (quiet >= most)
        return close();
    // Messages do not touch the deadline. Lengths are few: eighths of the whole.
    auto const eighth = std::max(most / 8, milliseconds(1));
    auto const left = (most - quiet + eighth - milliseconds(1)) / eighth;
    p.shard.deadlines().arm(deadline_, eighth * left);
}

MAD_DECL bool tunnel::of_web() const {
    return lane_.of_web;
}

MAD_DECL bool tunnel::passable() const {
    return !closed_ && shed_ == stage::open && !client_ended_ && !upstream_ended_ && !secure_ &&
           !client_->blocked() && !upstream_->blocked();
}

MAD_DECL passed_tunnel tunnel::pass() {
    passed_tunnel t;
    t.client_fd = client_->take().release();
    t.upstream_fd = upstream_->take().release();
    t.frames = frames_;
    t.upstream = lane_.to->to.name;
    t.web = lane_.of_web;
    t.session = session_;
    t.counted = counted_;
    close();
    return t;
}

} // namespace mad::inline MAD_ABI::proxy::detail

#endif
