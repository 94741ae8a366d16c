#ifndef MAD_NET_HTTP_IMPL_CONNECTION_IPP
#define MAD_NET_HTTP_IMPL_CONNECTION_IPP

#include <mad/net/http/connection.hpp>

#include <algorithm>

#include <sys/epoll.h>
#include <sys/socket.h>

namespace mad::inline MAD_ABI::net::http {

MAD_DECL connection::connection(shard& s, connection_owner& o, stream st,
                                boost::asio::ip::address peer)
    : shard_(s)
    , owner_(o)
    , stream_(std::move(st))
    , deadline_(
          [](void* p) {
              auto& self = *static_cast<connection*>(p);
              try {
                  self.on_deadline();
              } catch (...) { // what a route is told of may throw
                  self.shard_.fault("net.connection.fault");
                  self.close();
              }
          },
          this)
    , peer_(std::move(peer)) {}

MAD_DECL connection::~connection() {
    shard_.unmark(*this);
    if (phase_ == phase::closed)
        return;
    // Destroyed with its server: an exchange may be waiting elsewhere and must not look for us.
    phase_ = phase::closed;
    shard_.unwatch(stream_.fd());
    try {
        if (current_)
            current_->end(0);
    } catch (...) {
        shard_.fault("net.connection.fault");
    }
}

MAD_DECL bool connection::start() {
    interest_ = EPOLLIN;
    if (shard_.watch(stream_.fd(), interest_, *this)) {
        phase_ = phase::closed;
        return false;
    }
    shard_.deadlines().arm(deadline_, owner_.http_limits().head_timeout);
    return true;
}

MAD_DECL void connection::close() {
    if (phase_ == phase::closed)
        return;
    phase_ = phase::closed;
    deadline_.cancel();
    if (stream_.is_open()) {
        shard_.unwatch(stream_.fd());
        stream_.close();
    }
    owner_.release(*this); // first: what is told next may throw; we live until the turn ends
    if (current_)
        current_->end(0);
}

MAD_DECL void connection::drain() {
    draining_ = true;
    // A request that has arrived but was not read yet is still answered.
    if (idle() && !stream_.has_input())
        close();
}

MAD_DECL void connection::on_ready(std::uint32_t events) {
    if (phase_ == phase::closed)
        return;
    if (events & EPOLLOUT)
        write();
    if (phase_ == phase::closed)
        return;
    if ((interest_ & EPOLLIN) && (events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
        read();
    else if (events & (EPOLLHUP | EPOLLERR))
        close(); // not wanted now and not maskable: the connection is broken
}

MAD_DECL bool connection::diverted() {
    auto const before = looked_at_;
    if (before > 0)
        look_after(0); // the other process has the same socket
    auto* const d = owner_.elsewhere();
    if (!d || !d->wanted() || stream_.secure() || !idle())
        return false;
    auto const& l = owner_.http_limits();
    auto const scratch = shard_.read_scratch();
    auto const start = scratch.first(std::min(scratch.size(), l.max_head_bytes));
    auto const got = ::recv(stream_.fd(), start.data(), start.size(), MSG_PEEK | MSG_DONTWAIT);
    if (got <= 0)
        return false;
    auto const n = static_cast<std::size_t>(got);
    switch (d->divert(stream_.fd(), {start.data(), n}, peer_)) {
    case diversion::stays:
        return false;
    case diversion::gone:
        close();
        return true;
    case diversion::unclear:
        break;
    }
    // Woken without more: the peer has ended.
    if (n <= before || n == start.size())
        return false;
    look_after(n);
    if (!head_begun_) {
        head_begun_ = true;
        shard_.deadlines().arm(deadline_, l.head_timeout);
    }
    return true;
}

MAD_DECL void connection::look_after(std::size_t bytes) {
    looked_at_ = static_cast<std::uint32_t>(bytes);
    int const wanted = static_cast<int>(bytes) + 1;
    ::setsockopt(stream_.fd(), SOL_SOCKET, SO_RCVLOWAT, &wanted, sizeof wanted);
}

MAD_DECL void connection::read() {
    if (diverted())
        return;
    auto const scratch = shard_.read_scratch();
    auto const half = scratch.size() / 2;
    auto const into = scratch.first(half);
    for (int round = 0; round < 4 && wants_input(); ++round) {
        auto const r = stream_.read(into, scratch.subspan(half));
        if (stream_.owes() && !blocked_)
            write();
        if (phase_ == phase::closed)
            return;
        if (r.status == io_status::failed) {
            if (shard_.log().wants(log_level::debug) && stream_.secure())
                shard_.log().debug("net.tls.failed",
                                   {{"peer", peer_.to_string()}, {"why", stream_.failure()}});
            return close();
        }
        if (r.status == io_status::ended)
            return peer_ended();
        if (r.status == io_status::ok)
            consume({into.data(), r.bytes});
        if (phase_ == phase::closed)
            return;
        if (r.bytes < into.size()) {
            if (draining_ && idle())
                return close();
            break;
        }
    }
    interest();
}

MAD_DECL void connection::peer_ended() {
    peer_ended_ = true;
    // An answer that is already on its way still goes out; one that is awaited does not.
    if (out_.empty() || phase_ == phase::lingering)
        return close();
    if (current_)
        current_->end(0);
    if (phase_ == phase::closed)
        return;
    partial_.reset();
    in_.clear();
    phase_ = phase::head;
    close_after_write_ = true;
    interest();
}

MAD_DECL bool connection::may_begin() const {
    return !close_after_write_ && !blocked_ &&
           out_.bytes() <= owner_.http_limits().max_queued_bytes;
}

MAD_DECL bool connection::wants_input() const {
    if (phase_ == phase::lingering)
        return true;
    if (phase_ == phase::closed || peer_ended_)
        return false;
    // Pipelined requests wait for their turn; a peer that piles them up is not read further.
    bool const waits = phase_ == phase::answer || (phase_ == phase::head && !may_begin());
    return close_after_write_ || !waits || in_.size() <= owner_.http_limits().max_head_bytes;
}

MAD_DECL void connection::interest() {
    if (phase_ == phase::closed)
        return;
    std::uint32_t const events = (wants_input() ? EPOLLIN : 0u) | (blocked_ ? EPOLLOUT : 0u);
    if (events == interest_)
        return;
    interest_ = events;
    shard_.rewatch(stream_.fd(), events, *this);
}

MAD_DECL void connection::consume(std::string_view in) {
    constexpr std::size_t most_lingering = 64 * 1024;
    if (phase_ == phase::lingering || close_after_write_) {
        lingered_ += static_cast<std::uint32_t>(in.size());
        if (lingered_ > most_lingering && phase_ == phase::lingering)
            close();
        return;
    }
    if (phase_ == phase::answer || (phase_ == phase::head && !may_begin())) {
        in_.append(in);
        return;
    }
    if (in_.empty())
        return process(in);
    auto waiting = std::move(in_);
    in_.clear();
    waiting.append(in);
    process(waiting);
}

MAD_DECL void connection::process(std::string_view in) {
    unread_ = &in;
    struct forget {
        std::string_view*& p;
        ~forget() { p = nullptr; }
    } const at_exit{unread_};
    while (phase_ == phase::head ? may_begin() && take_head(in)
                                 : phase_ == phase::body && !close_after_write_ && take_body(in)) {
    }
    if (phase_ == phase::closed || close_after_write_)
        return;
    in_.assign(in);
    if (phase_ == phase::head && out_.empty() && !deadline_.armed())
        shard_.deadlines().arm(deadline_, owner_.http_limits().idle_timeout);
}

MAD_DECL bool connection::take_head(std::string_view& in) {
    auto const& l = owner_.http_limits();
    // RFC 9112 2.2: an empty line before a request is skipped; two are the most anybody sends.
    for (int i = 0; i < 2 && in.starts_with("\r\n"); ++i)
        in.remove_prefix(2);
    if (in.empty())
        return false;
    auto const end = find_head_end(in);
    if (end && *end <= l.max_head_bytes) {
        begin(in, *end);
        return phase_ != phase::closed;
    }
    if (int const bad = judge_partial_head(in.substr(0, l.max_head_bytes + 1), l)) {
        head_request_ = false;
        refuse(bad);
    } else if (!head_begun_) {
        // Once a head, from its first byte: more bytes of it buy no more time.
        head_begun_ = true;
        shard_.deadlines().arm(deadline_, l.head_timeout);
    }
    return false;
}

MAD_DECL void connection::begin(std::string_view& in, std::size_t head_bytes) {
    thread_local head h; // its storage is reused; requests are parsed one after the other
    auto const text = in.substr(0, head_bytes);
    auto const& l = owner_.http_limits();
    if (int const bad = parse_head(text, l, h)) {
        head_request_ = false;
        return refuse(bad);
    }
    in.remove_prefix(head_bytes);
    h.req.secure = stream_.secure();
    h.req.peer = peer_;
    ++served_;
    keep_alive_ = h.req.keep_alive && served_ < l.max_requests;
    head_request_ = h.req.method == "HEAD";
    head_begun_ = false;
    deadline_.cancel();

    bool const whole =
        h.body == body_kind::none || (h.body == body_kind::sized && in.size() >= h.content_length);
    phase_ = phase::answer;
    h.req.whole = whole;
    body_missing_ = !whole;
    exchange x(*this);
    std::size_t max_body = 0;
    auto& to = owner_.routes().find(h.req.path);
    to.on_head(shard_, h.req, x, max_body);
    if (phase_ == phase::closed)
        return;
    bool const too_long = h.body == body_kind::sized && h.content_length > max_body;
    if (!x.open()) {
        // Answered, or kept for later. `body_missing_` stays: what follows is not a request.
        if (whole && h.body == body_kind::sized)
            in.remove_prefix(h.content_length);
        return;
    }
    body_missing_ = false;
    if (too_long) {
        x.end(413);
        return refuse(413);
    }
    if (!whole) {
        bool const asks = h.expects_continue && h.req.version == 11 && in.empty();
        wait_for_body(text, max_body, std::move(x));
        if (asks) {
            out_.push(wire_block::raw("HTTP/1.1 100 Continue\r\n\r\n"));
            shard_.mark(*this);
        }
        return;
    }
    if (h.body == body_kind::sized) {
        h.req.body = in.substr(0, h.content_length);
        in.remove_prefix(h.content_length);
    }
    deliver(h.req, std::move(x));
}

MAD_DECL void connection::wait_for_body(std::string_view head_text, std::size_t max_body,
                                        exchange x) {
    auto const& l = owner_.http_limits();
    partial_ = std::make_unique<partial>();
    partial_->head_text.assign(head_text);
    parse_head(partial_->head_text, l, partial_->h);
    partial_->h.req.secure = stream_.secure();
    partial_->h.req.peer = peer_;
    partial_->max_body = max_body;
    if (partial_->h.body == body_kind::chunked)
        partial_->chunks.emplace(l.max_chunk_overhead_bytes);
    uploading_ = std::move(x);
    phase_ = phase::body;
    shard_.deadlines().arm(deadline_, l.body_slow_after);
}

MAD_DECL bool connection::take_body(std::string_view& in) {
    auto& p = *partial_;
    bool done = false;
    if (p.chunks) {
        auto const s = p.chunks->feed(in, p.body, p.max_body);
        if (s == chunk_decoder::state::bad || s == chunk_decoder::state::too_large) {
            int const status = s == chunk_decoder::state::bad ? 400 : 413;
            uploading_.end(status);
            refuse(status);
            return false;
        }
        done = s == chunk_decoder::state::done;
    } else {
        auto const n = std::min<std::size_t>(in.size(), p.h.content_length - p.body.size());
        p.body.append(in.substr(0, n));
        in.remove_prefix(n);
        done = p.body.size() == p.h.content_length;
    }
    if (!done)
        return false;
    if (!blocked_)
        deadline_.cancel();
    phase_ = phase::answer;
    auto const whole = std::move(partial_);
    whole->h.req.body = whole->body;
    deliver(whole->h.req, std::move(uploading_));
    return phase_ != phase::closed;
}

MAD_DECL void connection::deliver(request& r, exchange x) {
    owner_.routes().find(r.path).on_request(shard_, r, std::move(x));
}

MAD_DECL void connection::respond(response&& r) {
    if (phase_ == phase::closed)
        return;
    send(r, !keep_alive_ || r.close || draining_ || body_missing_);
    phase_ = phase::head;
}

MAD_DECL void connection::refuse(int status) {
    if (phase_ == phase::closed)
        return;
    owner_.refused(status);
    partial_.reset();
    response r;
    r.status = status;
    send(r, true);
    phase_ = phase::head;
}

MAD_DECL void connection::send(response const& r, bool close) {
    auto& text = shard_.text_scratch();
    append_response(text, r, close, head_request_);
    out_.push(wire_block::raw(text));
    if (r.shared_body && !head_request_ && has_body(r)) {
        // A block with a websocket header in front is good for its payload only.
        bool const bare = r.shared_body.payload().size() == r.shared_body.frame().size();
        out_.push(bare ? r.shared_body : wire_block::raw(r.shared_body.payload()));
    }
    close_after_write_ = close_after_write_ || close;
    shard_.mark(*this);
}

MAD_DECL void connection::on_turn_end() {
    if (phase_ == phase::closed)
        return;
    try {
        if (!blocked_)
            write();
        // Requests that came while an answer was awaited. Here and not in `respond`, so that one
        // request never runs inside the handling of another.
        if (phase_ == phase::head && !in_.empty() && may_begin()) {
            auto const waiting = std::exchange(in_, {});
            process(waiting);
        }
        interest();
    } catch (...) {
        shard_.fault("net.connection.fault");
        close();
    }
}

MAD_DECL void connection::write() {
    auto const& l = owner_.http_limits();
    auto const before = out_.bytes() + stream_.owed_bytes();
    auto const s = out_.write_to(stream_, shard_.write_scratch());
    if (s == io_status::failed)
        return close();
    if (s == io_status::blocked) {
        bool const progress = out_.bytes() + stream_.owed_bytes() != before;
        // A handshake has the time of the head, however slowly its messages are taken.
        if (stream_.established() && (!blocked_ || progress)) {
            in_flight_ = stream_.in_flight();
            shard_.deadlines().arm(deadline_, l.write_timeout);
        }
        blocked_ = true;
        return interest();
    }
    if (blocked_) {
        blocked_ = false;
        if (stream_.established()) {
            deadline_.cancel();
            head_begun_ = false;
        }
        if (phase_ == phase::body) { // its own deadline gave way to that of the write
            partial_->slow_checked = true;
            shard_.deadlines().arm(deadline_, l.body_timeout);
        }
        if (!in_.empty())
            shard_.mark(*this);
        interest();
    }
    if (close_after_write_)
        return linger();
    if (phase_ == phase::head && !deadline_.armed()) {
        if (draining_ && in_.empty())
            return close();
        shard_.deadlines().arm(deadline_, l.idle_timeout);
    }
}

MAD_DECL void connection::linger() {
    if (phase_ == phase::lingering)
        return;
    if (peer_ended_)
        return close();
    // Closing with unread input would reset the connection, and the answer with it.
    phase_ = phase::lingering;
    stream_.shutdown_send();
    interest();
    shard_.deadlines().arm(deadline_, seconds(1));
}

MAD_DECL stream connection::take_stream(std::string& rest) {
    // Answers to requests before this one come first, or nobody could tell what belongs to what.
    if (!out_.empty() && out_.write_to(stream_, shard_.write_scratch()) != io_status::ok) {
        close();
        return {};
    }
    phase_ = phase::closed;
    deadline_.cancel();
    shard_.unwatch(stream_.fd());
    if (unread_)
        rest.assign(*unread_);
    else
        rest = std::move(in_);
    owner_.release(*this);
    return std::move(stream_);
}

MAD_DECL void connection::on_deadline() {
    auto const& l = owner_.http_limits();
    if (!stream_.established())
        return close();
    if (blocked_) {
        // The kernel holds megabytes: a slow reader frees much before it asks us for more.
        auto const left = stream_.in_flight();
        if (left >= in_flight_)
            return close();
        in_flight_ = left;
        return shard_.deadlines().arm(deadline_, l.write_timeout);
    }
    if (phase_ == phase::lingering)
        return close();
    if (phase_ == phase::head) {
        head_request_ = false;
        if (served_ == 0 || head_begun_)
            return refuse(408);
        return close();
    }
    if (phase_ != phase::body)
        return;
    auto const slow = static_cast<std::uint64_t>(l.body_slow_after.count()) * 1024 / 1000;
    if (!partial_->slow_checked && partial_->body.size() >= slow &&
        l.body_timeout > l.body_slow_after) {
        partial_->slow_checked = true;
        return shard_.deadlines().arm(deadline_, l.body_timeout - l.body_slow_after);
    }
    uploading_.end(408);
    refuse(408);
}

} // namespace mad::inline MAD_ABI::net::http

#endif
