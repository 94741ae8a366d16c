#ifndef MAD_PROXY_IMPL_UPSTREAM_CONNECTION_IPP
#define MAD_PROXY_IMPL_UPSTREAM_CONNECTION_IPP

#include <mad/proxy/detail/part.hpp>
#include <mad/proxy/detail/upstream_connection.hpp>
#include <mad/proxy/proxy_protocol.hpp>

#include <sys/epoll.h>

namespace mad::inline MAD_ABI::proxy::detail {

MAD_DECL upstream_connection::upstream_connection(lane& l, net::stream s)
    : lane_(l)
    , end_(std::make_unique<end>(l.shard_part.shard, std::move(s), this))
    , deadline_([](void* p) { static_cast<upstream_connection*>(p)->on_deadline(); }, this) {
    lane_.shard_part.count.upstream_opened.add();
}

MAD_DECL upstream_connection::~upstream_connection() {
    if (phase_ != phase::closed)
        lane_.shard_part.count.upstream_closed.add();
}

MAD_DECL void upstream_connection::set_user(client_connection* u) {
    auto& open = lane_.to->count->requests_open;
    if (u && !user_)
        open.fetch_add(1, std::memory_order_relaxed);
    else if (!u && user_)
        open.fetch_sub(1, std::memory_order_relaxed);
    user_ = u;
}

MAD_DECL bool upstream_connection::fresh() const {
    // Whoever asks again within milliseconds is not closed upon; others cost one look.
    return part::now_ms() - idle_since_ms_ < 8 || !end_->stream.has_input();
}

MAD_DECL upstream_connection::sent upstream_connection::begin(client_connection& user,
                                                              std::span<iovec const> parts) {
    set_user(&user);
    deadline_.cancel();
    if (phase_ == phase::ready)
        return end_->send(parts) ? sent::yes : sent::failed;
    auto& p = lane_.shard_part;
    // A connect on this machine, or to one that is near enough, is often done by now: then the
    // request leaves without a turn of waiting.
    if (!end_->stream.secure() && lane_.to->to.proxy_protocol == 0) {
        auto const r = end_->stream.write(parts);
        if (r.status == net::io_status::failed)
            return sent::failed;
        if (r.status == net::io_status::ok) {
            if (!end_->watch())
                return sent::failed;
            phase_ = phase::ready;
            end_->keep(parts, r.bytes);
            end_->want_input(true);
            return sent::yes;
        }
    }
    end_->await_connect();
    p.shard.deadlines().arm(deadline_, p.set().timeouts.connect);
    return sent::later;
}

MAD_DECL bool upstream_connection::send(std::span<iovec const> parts) {
    return end_->send(parts);
}

MAD_DECL void upstream_connection::done(bool keep) {
    auto& p = lane_.shard_part;
    set_user(nullptr);
    // Who was told of one client must not hear another.
    if (lane_.to->to.proxy_protocol != 0)
        keep = false;
    if (!keep || p.draining() || end_->blocked() || !lane_.to->serves)
        return close();
    reused_ = true;
    idle_since_ms_ = part::now_ms();
    end_->want_input(true);
    p.shard.deadlines().arm(deadline_, p.set().timeouts.upstream_idle);
    lane_.keep_idle(*this);
}

MAD_DECL void upstream_connection::close() {
    if (phase_ == phase::closed)
        return;
    phase_ = phase::closed;
    deadline_.cancel();
    if (!user_)
        lane_.forget_idle(*this);
    set_user(nullptr);
    auto& p = lane_.shard_part;
    p.count.upstream_closed.add();
    end_->close();
    p.shard.reap(std::move(end_));
    lane_.release(*this);
}

MAD_DECL std::unique_ptr<end> upstream_connection::take_end() {
    phase_ = phase::closed;
    deadline_.cancel();
    set_user(nullptr);
    lane_.shard_part.count.upstream_closed.add();
    end_->owner = nullptr;
    auto e = std::move(end_);
    lane_.release(*this);
    return e;
}

MAD_DECL void upstream_connection::on_end_fault(end&) {
    if (user_)
        user_->on_upstream_lost();
    else
        close();
}

MAD_DECL void upstream_connection::on_end(end&, std::uint32_t events) {
    if (phase_ != phase::ready)
        return on_connect_event(events);
    if (!user_)
        return close(); // its end, or words that nobody asked for
    if (events & EPOLLOUT) {
        if (!end_->flush())
            return user_->on_upstream_deaf();
        end_->want_input(end_->reads());
        if (!end_->blocked())
            user_->on_upstream_drained();
        if (phase_ == phase::closed || !user_)
            return;
    }
    if (end_->reads() ? (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0
                      : (events & (EPOLLHUP | EPOLLERR)) != 0)
        user_->on_upstream_input();
}

MAD_DECL void upstream_connection::on_connect_event(std::uint32_t events) {
    auto& p = lane_.shard_part;
    if (events & (EPOLLERR | EPOLLHUP))
        return failed();
    if (phase_ == phase::connecting) {
        if (!introduce())
            return failed();
        if (!end_->stream.secure())
            return opened();
        phase_ = phase::shaking_hands;
    }
    auto const scratch = p.shard.read_scratch();
    auto const half = scratch.size() / 2;
    auto const r = end_->read(scratch.first(half), scratch.subspan(half));
    // Nothing is to be said to us before we have asked.
    if (r.status != net::io_status::blocked)
        return failed();
    if (end_->stream.established())
        return opened();
    end_->want_input(true);
}

MAD_DECL bool upstream_connection::introduce() {
    auto const version = lane_.to->to.proxy_protocol;
    if (version == 0 || !user_)
        return true;
    std::string text;
    auto const facts = user_->endpoints();
    (version == 1 ? append_proxy_header_v1 : append_proxy_header_v2)(text, facts.first,
                                                                     facts.second);
    // A fresh connection takes some hundred bytes; before TLS they must not wait in its queue.
    return end_->send_plain(text);
}

MAD_DECL void upstream_connection::opened() {
    phase_ = phase::ready;
    deadline_.cancel();
    end_->want_input(true);
    user_->on_connected();
}

MAD_DECL void upstream_connection::failed() {
    auto* const u = user_;
    close();
    if (u)
        u->on_connect_failed(lane_);
}

MAD_DECL void upstream_connection::on_deadline() {
    auto* const u = user_;
    bool const connecting = phase_ != phase::ready;
    close();
    if (connecting && u)
        u->on_connect_failed(lane_);
}

} // namespace mad::inline MAD_ABI::proxy::detail

#endif
