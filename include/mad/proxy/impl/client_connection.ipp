#ifndef MAD_PROXY_IMPL_CLIENT_CONNECTION_IPP
#define MAD_PROXY_IMPL_CLIENT_CONNECTION_IPP

#include <mad/proxy/detail/client_connection.hpp>
#include <mad/proxy/detail/framed.hpp>
#include <mad/proxy/detail/part.hpp>
#include <mad/proxy/proxy_protocol.hpp>

#include <algorithm>

#include <sys/epoll.h>
#include <sys/socket.h>

namespace mad::inline MAD_ABI::proxy::detail {

MAD_DECL client_connection::client_connection(part& p, net::stream s, boost::asio::ip::address peer)
    : part_(p)
    , end_(std::make_unique<end>(p.shard, std::move(s), this))
    , deadline_([](void* self) { static_cast<client_connection*>(self)->on_deadline(); }, this)
    , peer_(std::move(peer))
    , secure_(end_->stream.secure()) {
    part_.count.clients_opened.add();
}

MAD_DECL client_connection::~client_connection() {
    part_.shard.unmark(*this);
    if (phase_ == phase::closed)
        return;
    part_.count.clients_closed.add();
    part_.all.addresses.leave(counted_);
    part_.all.open.fetch_sub(1, std::memory_order_relaxed);
}

MAD_DECL bool client_connection::start(bool proxy_header) {
    auto const& s = part_.set();
    bool const welcome = proxy_header || count_address();
    if (proxy_header)
        phase_ = phase::introduction;
    if ((!welcome && !part_.may_turn_away()) || !end_->watch())
        return false;
    if (!welcome) {
        turn_away();
        return true;
    }
    part_.shard.deadlines().arm(deadline_,
                                proxy_header ? s.timeouts.proxy_header : s.limits.head_timeout);
    return true;
}

MAD_DECL bool client_connection::start(passed_client const& c) {
    end_->came_from_elsewhere();
    served_ = c.served;
    secure_ = c.secure;
    // The process before has let it in: that all of them come at once is no reason to refuse it.
    if (!c.counted.is_unspecified() &&
        part_.all.addresses.enter(c.counted, std::chrono::steady_clock::now()))
        counted_ = c.counted;
    if (!end_->watch())
        return false;
    part_.shard.deadlines().arm(deadline_, part_.set().limits.head_timeout);
    if (!c.rest.empty()) {
        in_ = c.rest;
        part_.shard.mark(*this);
    }
    return true;
}

MAD_DECL bool client_connection::count_address() {
    if (part_.set().trust.has(peer_))
        return true;
    if (!part_.all.addresses.enter(peer_, std::chrono::steady_clock::now())) {
        part_.count.rejects[static_cast<std::size_t>(reject::too_many)].add();
        part_.all.log.warn("proxy.connection.refused",
                           {{"why", "address"}, {"peer", peer_.to_string()}});
        return false;
    }
    counted_ = peer_;
    return true;
}

/// It hears why, as soon as it can hear anything, then is closed. Nothing that it says counts.
MAD_DECL void client_connection::turn_away() {
    if (phase_ != phase::turned_away) {
        phase_ = phase::turned_away;
        part_.shard.deadlines().arm(deadline_, seconds(1));
    }
    if (!end_->stream.established())
        return;
    auto& text = part_.text();
    append_reject(text, reject::too_many, true);
    part_.count.bytes_out.add(text.size());
    if (!end_->send(text) || end_->blocked())
        part_.shard.deadlines().arm(deadline_, milliseconds(0)); // not from within `start`
    else
        linger();
}

MAD_DECL void client_connection::close() {
    if (phase_ == phase::closed)
        return;
    phase_ = phase::closed;
    deadline_.cancel();
    drop_upstream();
    if (passage_)
        part_.give_back(std::move(passage_));
    part_.count.clients_closed.add();
    part_.all.addresses.leave(counted_);
    part_.all.open.fetch_sub(1, std::memory_order_relaxed);
    end_->close();
    part_.shard.reap(std::move(end_));
    part_.release(*this);
}

MAD_DECL bool client_connection::idle() const {
    return phase_ == phase::head && in_.empty() && !end_->blocked();
}

MAD_DECL bool client_connection::ends_here() const {
    // TLS cannot go to another process: its client goes there by itself, with its next request.
    return draining_ || served_ >= part_.set().limits.max_requests ||
           (part_.releasing() && end_->stream.secure()) ||
           (peer_ended_ && in_.empty() && !processing_);
}

MAD_DECL void client_connection::drain() {
    draining_ = true;
    // A request that has arrived but was not read yet is still answered.
    if (phase_ == phase::introduction || (idle() && !end_->stream.has_input()))
        close();
}

MAD_DECL void client_connection::drop_upstream() {
    if (passage_ && passage_->up)
        std::exchange(passage_->up, nullptr)->close();
}

// Input.

MAD_DECL void client_connection::on_end(end&, std::uint32_t events) {
    if (events & EPOLLOUT) {
        if (!end_->flush())
            return close();
        if (!end_->blocked())
            drained();
        if (phase_ == phase::closed)
            return;
    }
    if (end_->reads() && (events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
        read();
    else if (events & (EPOLLHUP | EPOLLERR | EPOLLRDHUP))
        close(); // not read now, and gone: nobody waits for an answer
    else
        interest();
}

MAD_DECL void client_connection::drained() {
    if (phase_ == phase::relaying) {
        if (passage_->answering) {
            if (passage_->up)
                passage_->up->wire().want_input(true);
            await_answer();
        }
        return;
    }
    if (phase_ == phase::head && was_blocked_) {
        was_blocked_ = false;
        deadline_.cancel();
        after_answer();
    }
}

MAD_DECL void client_connection::read() {
    auto const scratch = part_.shard.read_scratch();
    auto const into = scratch.first(relay_read_bytes);
    for (int round = 0; round < 4 && wants_input(); ++round) {
        auto const r = end_->read(into, scratch.subspan(scratch.size() / 2));
        if (r.status == net::io_status::failed) {
            if (part_.all.log.wants(log_level::debug) && end_->stream.secure())
                part_.all.log.debug("net.tls.failed",
                                    {{"peer", peer_.to_string()}, {"why", end_->stream.failure()}});
            return close();
        }
        if (r.status == net::io_status::ended)
            return peer_ended();
        if (r.status == net::io_status::ok) {
            part_.count.bytes_in.add(r.bytes);
            consume({into.data(), r.bytes});
        }
        if (phase_ == phase::closed)
            return;
        if (r.bytes < into.size()) {
            if (draining_ && idle())
                return close();
            break;
        }
    }
    if (phase_ == phase::turned_away)
        turn_away();
    interest();
}

MAD_DECL void client_connection::peer_ended() {
    // Who only ends its own direction still hears the answers to what it has asked for. One that
    // has gone altogether looks the same; a node should know at once that nobody waits for a poll
    // any more.
    bool const asked = phase_ == phase::relaying && passage_->request_done &&
                       (!passage_->poll || passage_->answering);
    bool const said = phase_ == phase::head && (end_->blocked() || !in_.empty());
    if (!asked && !said)
        return close();
    peer_ended_ = true;
    if (asked && !(passage_->answering && end_->blocked()))
        await_answer();
    else if (said && in_.empty())
        close_after_ = true;
    else if (said)
        part_.shard.mark(*this);
    interest();
}

MAD_DECL bool client_connection::wants_input() const {
    if (peer_ended_)
        return false;
    switch (phase_) {
    case phase::introduction:
    case phase::turned_away:
    case phase::lingering:
        return true;
    case phase::closed:
        return false;
    case phase::head:
        return !end_->stream.established() || (!close_after_ && !end_->blocked());
    case phase::relaying:
        break;
    }
    auto const& p = *passage_;
    if (p.request_done) // the next request may wait here, and going is noticed
        return in_.size() <= part_.set().limits.max_head_bytes;
    return p.up && p.up->connected() ? !p.up->wire().blocked()
                                     : p.request.size() < 64 * 1024 - relay_read_bytes;
}

MAD_DECL void client_connection::interest() {
    if (phase_ != phase::closed)
        end_->want_input(wants_input(), !peer_ended_);
}

MAD_DECL void client_connection::consume(std::string_view in) {
    constexpr std::size_t most_lingering = 64 * 1024;
    if (phase_ == phase::lingering || phase_ == phase::turned_away || close_after_) {
        lingered_ += static_cast<std::uint32_t>(in.size());
        if (lingered_ > most_lingering && phase_ != phase::head && phase_ != phase::relaying)
            close();
        return;
    }
    if (phase_ == phase::relaying && passage_->request_done) {
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

MAD_DECL void client_connection::process(std::string_view in) {
    processing_ = true;
    for (bool more = true; more;) {
        switch (phase_) {
        case phase::introduction:
            more = take_introduction(in);
            break;
        case phase::head:
            more = !close_after_ && !end_->blocked() && take_head(in);
            break;
        case phase::relaying:
            more = !passage_->request_done && take_body(in);
            break;
        default:
            more = false;
        }
    }
    processing_ = false;
    if (phase_ == phase::closed || phase_ == phase::lingering || phase_ == phase::turned_away ||
        close_after_)
        return;
    in_.assign(in);
    if (in_.empty() && in_.capacity() > 4096)
        in_.shrink_to_fit();
    if (phase_ == phase::head && peer_ended_ && !end_->blocked())
        return close(); // all that was whole has its answer
    // What waited was empty lines: nothing begins, and nobody else looks at the time.
    if (phase_ == phase::head && !end_->blocked() && !deadline_.armed())
        part_.shard.deadlines().arm(deadline_, part_.set().limits.idle_timeout);
    if (phase_ == phase::head && part_.releasing())
        part_.offer(*this); // with what came behind the requests that were answered
}

MAD_DECL bool client_connection::take_introduction(std::string_view& in) {
    proxy_header h;
    switch (parse_proxy_header(in, h)) {
    case proxy_header_state::more:
        if (in.size() > max_proxy_header_bytes)
            close();
        return false;
    case proxy_header_state::bad:
        close();
        return false;
    case proxy_header_state::done:
        break;
    }
    in.remove_prefix(h.bytes);
    if (h.source)
        peer_ = h.source->address();
    secure_ = h.secure;
    bool const welcome = count_address();
    if (!welcome && !part_.may_turn_away()) {
        close();
        return false;
    }
    if (!welcome && !part_.tls) {
        turn_away();
        return false;
    }
    phase_ = phase::head;
    part_.shard.deadlines().arm(deadline_, part_.set().limits.head_timeout);
    if (!part_.tls)
        return true;
    // TLS begins behind the header, and some of it may be here.
    auto c = part_.tls->accept();
    c->put(in);
    in = {};
    end_->stream = std::move(end_->stream).with(std::move(c));
    secure_ = read_again_ = true;
    part_.shard.mark(*this);
    if (!welcome)
        turn_away(); // once it can hear it
    return false;
}

MAD_DECL bool client_connection::take_head(std::string_view& in) {
    auto const& l = part_.set().limits;
    // RFC 9112 2.2: an empty line before a request is skipped; two are the most anybody sends.
    for (int i = 0; i < 2 && in.starts_with("\r\n"); ++i)
        in.remove_prefix(2);
    if (in.empty())
        return false;
    auto const end = net::http::find_head_end(in);
    if (end && *end <= l.max_head_bytes) {
        begin(in, *end);
        return phase_ != phase::closed;
    }
    if (int const bad = net::http::judge_partial_head(in.substr(0, l.max_head_bytes + 1), l)) {
        head_request_ = false;
        refuse(reject_of(bad), true);
    } else if (!head_begun_) {
        // Once a head, from its first byte: more bytes of it buy no more time.
        head_begun_ = true;
        part_.shard.deadlines().arm(deadline_, l.head_timeout);
    }
    return false;
}

MAD_DECL void client_connection::begin(std::string_view& in, std::size_t head_bytes) {
    thread_local net::http::head h; // its storage is reused; requests come one after the other
    auto const& s = part_.set();
    ++served_;
    head_begun_ = head_request_ = false;
    if (int const bad = net::http::parse_head(in.substr(0, head_bytes), s.limits, h))
        return refuse(reject_of(bad), true);
    in.remove_prefix(head_bytes);
    head_request_ = h.req.method == "HEAD";
    auto const v = judge_request(h, {peer_, secure_}, part_.conf->forward);
    if (v.why == reject::none)
        part_.count.requests.add();
    route(h, v, in);
}

// Time.

MAD_DECL void client_connection::await_body_or_answer() {
    if (passage_->request_done)
        return await_answer();
    part_.shard.deadlines().arm(deadline_, part_.set().limits.body_slow_after);
}

MAD_DECL void client_connection::await_answer() {
    auto& p = *passage_;
    auto const& t = part_.set().timeouts;
    if (p.answering && end_->blocked()) {
        was_blocked_ = true;
        in_flight_ = end_->stream.in_flight();
        interest();
        return part_.shard.deadlines().arm(deadline_, part_.set().limits.write_timeout);
    }
    was_blocked_ = false;
    auto const most = p.poll || p.answering ? t.poll_answer : t.answer;
    part_.shard.deadlines().arm(deadline_, peer_ended_ ? std::min(most, t.half_closed) : most);
}

MAD_DECL void client_connection::on_deadline() {
    auto const& l = part_.set().limits;
    if (!end_->stream.established() || phase_ == phase::lingering ||
        phase_ == phase::introduction || phase_ == phase::turned_away)
        return close();
    if (end_->blocked() && (phase_ == phase::head || passage_->answering)) {
        // The kernel holds megabytes: a slow reader frees much before it asks us for more.
        auto const left = end_->stream.in_flight();
        if (left >= in_flight_)
            return close();
        in_flight_ = left;
        return part_.shard.deadlines().arm(deadline_, l.write_timeout);
    }
    if (phase_ == phase::head) {
        if (served_ != 0 && !head_begun_)
            return close();
        head_request_ = false;
        return refuse(reject::timeout, true);
    }
    auto& p = *passage_;
    if (!p.request_done)
        return on_body_deadline();
    if (p.answering)
        return close();
    if (p.up)
        p.up->of().to->count->late_answers.fetch_add(1, std::memory_order_relaxed);
    answer_failed(reject::gateway_timeout);
}

MAD_DECL void client_connection::on_body_deadline() {
    auto& p = *passage_;
    auto const& l = part_.set().limits;
    auto const slow = static_cast<std::uint64_t>(l.body_slow_after.count()) * 1024 / 1000;
    if (!p.slow_checked && p.body_bytes >= slow && l.body_timeout > l.body_slow_after) {
        p.slow_checked = true;
        return part_.shard.deadlines().arm(deadline_, l.body_timeout - l.body_slow_after);
    }
    // Whoever does not take it is the one that is late.
    bool const upstream = p.up && (!p.up->connected() || p.up->wire().blocked());
    answer_failed(upstream ? reject::gateway_timeout : reject::timeout);
}

// Hand-over.

MAD_DECL bool client_connection::passable() const {
    return phase_ == phase::head && !end_->stream.secure() && !end_->blocked() && !close_after_ &&
           !draining_ && !peer_ended_;
}

MAD_DECL passed_client client_connection::pass() {
    passed_client c;
    c.rest = std::move(in_);
    c.peer = peer_;
    c.counted = counted_;
    c.served = served_;
    c.secure = secure_;
    c.fd = end_->take().release();
    close();
    return c;
}

MAD_DECL std::pair<boost::asio::ip::tcp::endpoint, boost::asio::ip::tcp::endpoint>
client_connection::endpoints() const {
    boost::asio::ip::tcp::endpoint peer;
    auto size = static_cast<socklen_t>(peer.capacity());
    bool const known =
        ::getpeername(end_->stream.fd(), reinterpret_cast<sockaddr*>(peer.data()), &size) == 0 &&
        net::plain_address(peer.address()) == net::plain_address(passage_->client);
    auto const local = net::local_endpoint(end_->stream.fd());
    // The port of a client that somebody else told us of is not known.
    return {{passage_->client, known ? peer.port() : std::uint16_t{0}},
            local ? *local : boost::asio::ip::tcp::endpoint{}};
}

} // namespace mad::inline MAD_ABI::proxy::detail

#endif
