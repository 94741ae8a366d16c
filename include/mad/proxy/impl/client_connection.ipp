#ifndef MAD_PROXY_IMPL_CLIENT_CONNECTION_IPP
#define MAD_PROXY_IMPL_CLIENT_CONNECTION_IPP

#include <mad/proxy/detail/client_connection.hpp>
#include <mad/proxy/detail/framed.hpp>
#include <mad/proxy/detail/part.hpp>
#include <mad/proxy/proxy_protocol.hpp>

#include <algorithm>

#include <sys/epoll.h>

namespace mad::inline MAD_ABI::proxy::detail {

/// Most that is read at a time of what may have to wait for the other side: with a head in front it
/// stays under 64 KB.
inline constexpr std::size_t relay_read_bytes = 48 * 1024;

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
    if (proxy_header)
        phase_ = phase::introduction;
    else if (!count_address())
        return false;
    if (!end_->watch(EPOLLIN))
        return false;
    part_.shard.deadlines().arm(deadline_,
                                proxy_header ? s.timeouts.proxy_header : s.limits.head_timeout);
    return true;
}

MAD_DECL bool client_connection::start(passed_client const& c) {
    served_ = c.served;
    secure_ = c.secure;
    if (!start(false))
        return false;
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
        auto const r = end_->stream.read(into, scratch.subspan(scratch.size() / 2));
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
    interest();
}

MAD_DECL void client_connection::peer_ended() {
    // What is on its way to it may still arrive; an answer that is awaited has nobody to go to.
    if (phase_ == phase::head && end_->blocked()) {
        close_after_ = true;
        in_.clear();
        return end_->want_input(false, false);
    }
    close();
}

MAD_DECL bool client_connection::wants_input() const {
    switch (phase_) {
    case phase::introduction:
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
                                     : p.request.size() < relay_read_bytes;
}

MAD_DECL void client_connection::interest() {
    if (phase_ != phase::closed)
        end_->want_input(wants_input());
}

MAD_DECL void client_connection::consume(std::string_view in) {
    constexpr std::size_t most_lingering = 64 * 1024;
    if (phase_ == phase::lingering || close_after_) {
        lingered_ += static_cast<std::uint32_t>(in.size());
        if (lingered_ > most_lingering && phase_ == phase::lingering)
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
    if (phase_ == phase::closed || phase_ == phase::lingering || close_after_)
        return;
    in_.assign(in);
    if (in_.empty() && in_.capacity() > 4096)
        in_.shrink_to_fit();
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
    if (!count_address()) {
        close();
        return false;
    }
    phase_ = phase::head;
    part_.shard.deadlines().arm(deadline_, part_.set().limits.head_timeout);
    return true;
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

// Routing.

MAD_DECL void client_connection::route(net::http::head const& h, verdict const& v,
                                       std::string_view& in) {
    auto const& s = part_.set();
    auto const framed_as = request_framing(h);
    auto const refuse_whole = [&](reject r) {
        // With the body gone over, what follows is the next request.
        body_reader body(framed_as, h.content_length, s.limits.max_chunk_overhead_bytes);
        std::string_view data;
        auto state = body_reader::state::piece;
        while (state == body_reader::state::piece)
            state = body.next(in, data);
        refuse(r, state != body_reader::state::done || !h.req.keep_alive);
    };
    if (v.why != reject::none)
        return refuse_whole(v.why);
    if (v.to == destination::health) {
        if (framed_as != framing::none)
            return refuse_whole(reject::bad_request);
        return answer_health(h);
    }
    if (v.to == destination::metrics)
        return refuse_whole(reject::not_found);
    if (framed_as == framing::sized && h.content_length > s.max_body_bytes)
        return refuse(reject::body_too_large, true);

    passage_ = part_.take_passage();
    auto& p = *passage_;
    p.context = answer_context::of(h, v);
    if (v.websocket_key.size() == p.websocket_key.size()) {
        std::copy(v.websocket_key.begin(), v.websocket_key.end(), p.websocket_key.begin());
        p.context.websocket_key = {p.websocket_key.data(), p.websocket_key.size()};
    }
    p.to = v.to;
    p.client = v.client;
    p.upgrade = v.upgrade;
    p.handshake = p.may_repeat = v.handshake;
    p.jsonp = v.jsonp;
    p.eio = v.eio;
    p.poll = v.to == destination::engine && v.polling && !v.sid.empty() && h.req.method == "GET";
    p.sid.assign(v.sid.substr(0, sid_table::max_sid));
    p.from_client = body_reader(framed_as, h.content_length, s.limits.max_chunk_overhead_bytes);
    p.request_done = framed_as == framing::none;
    p.began = std::chrono::steady_clock::now();

    std::shared_ptr<target const> to;
    if (auto const why = find_upstream(v.sid, v.cookie, to); why != reject::none) {
        part_.give_back(std::move(passage_));
        return refuse_whole(why);
    }
    phase_ = phase::relaying;
    if (p.poll && part_.take_shed(to->id))
        return shed_poll();

    auto& text = part_.text();
    append_request(text, h, v, {peer_, secure_}, v.host.empty() ? to->to.authority() : "",
                   part_.conf->forward);
    framed_piece out;
    out.add(text);
    if (!p.request_done) {
        if (h.expects_continue && in.empty() && !end_->send("HTTP/1.1 100 Continue\r\n\r\n"))
            return close();
        if (!frame_body(in, out))
            return;
    }
    if (p.may_repeat)
        p.request = text;
    await_body_or_answer();
    send_request(to, out.parts());
}

MAD_DECL reject client_connection::find_upstream(std::string_view sid, std::string_view cookie,
                                                 std::shared_ptr<target const>& to) {
    auto& p = *passage_;
    auto const& s = part_.set();
    std::span<std::uint32_t const> const tried(p.tried.data(), p.tries);
    client_key const key(p.client);
    if (p.to == destination::other) {
        if (!part_.web || part_.web->targets().empty())
            return reject::not_found;
        to = part_.web->targets().front();
        return p.tries == 0 ? reject::none : reject::bad_gateway;
    }
    if (!part_.view)
        return reject::no_upstream;
    if (p.to == destination::api) {
        to = choose_any(*part_.view, key.bytes(), tried);
        return to ? reject::none : reject::no_upstream;
    }
    auto c =
        choose(*part_.view, s.affinity, {sid, cookie, key.bytes()}, part_.all.sids, p.began, tried);
    if (c.verdict == choice::outcome::session_gone) {
        part_.count.session_gone.add();
        if (c.to)
            c.to->count->sessions_gone.fetch_add(1, std::memory_order_relaxed);
        return reject::session_gone;
    }
    if (!c)
        return reject::no_upstream;
    p.by = c.by;
    to = std::move(c.to);
    auto& l = part_.lane_of(to, p.to == destination::other);
    switch (p.by) {
    case affinity_rule::sid:
        ++l.recent.by_sid, part_.count.by_sid.add();
        break;
    case affinity_rule::cookie:
        ++l.recent.by_cookie, part_.count.by_cookie.add();
        break;
    case affinity_rule::hash:
        ++l.recent.by_hash, part_.count.by_hash.add();
        break;
    }
    return reject::none;
}

// The request on its way.

MAD_DECL bool client_connection::frame_body(std::string_view& in, framed_piece& out) {
    auto& p = *passage_;
    auto const u = unframe(p.from_client, in, part_.shard.write_scratch());
    if (u.state == body_reader::state::bad) {
        answer_failed(reject::bad_request);
        return false;
    }
    p.body_bytes += u.data.size();
    if (p.body_bytes > part_.set().max_body_bytes) {
        answer_failed(reject::body_too_large);
        return false;
    }
    p.request_done = u.state == body_reader::state::done;
    out.body(u.data, p.from_client.form(), p.request_done);
    return true;
}

MAD_DECL bool client_connection::take_body(std::string_view& in) {
    auto& p = *passage_;
    if (in.empty())
        return false;
    framed_piece out;
    if (!frame_body(in, out))
        return phase_ != phase::closed;
    if (p.up && p.up->connected()) {
        p.up->of().recent.bytes_in += out.bytes();
        if (!p.up->send(out.parts())) {
            on_upstream_lost();
            return phase_ != phase::closed;
        }
        p.up->wire().want_input(p.up->wire().reads());
    } else {
        out.append_to(p.request);
    }
    if (p.request_done && !p.answering)
        await_answer();
    return phase_ != phase::closed && !in.empty();
}

MAD_DECL void client_connection::send_request(std::shared_ptr<target const> const& to,
                                              std::span<iovec const> parts) {
    auto& p = *passage_;
    auto& l = part_.lane_of(to, p.to == destination::other);
    ++l.recent.requests;
    while (auto* const c = l.take_idle()) {
        if (c->begin(*this, parts) == upstream_connection::sent::yes) {
            p.up = c;
            part_.count.reused.add();
            c->wire().want_input(true);
            return;
        }
        c->close(); // closed upon meanwhile: not a byte has been read
    }
    if (!p.may_repeat)
        p.request.clear();
    if (p.tries < p.tried.size())
        p.tried[p.tries++] = to->id;
    if (auto* const c = l.connect(p.address)) {
        auto const s = c->begin(*this, parts);
        if (s == upstream_connection::sent::yes) {
            p.up = c;
            return;
        }
        if (s == upstream_connection::sent::later) {
            p.up = c;
            if (p.request.empty())
                append_parts(p.request, parts);
            return;
        }
        c->close();
    }
    if (p.request.empty())
        append_parts(p.request, parts);
    not_connected(l);
}

MAD_DECL void client_connection::on_connected() {
    auto& p = *passage_;
    iovec const v{p.request.data(), p.request.size()};
    bool const sent = p.up->send({&v, 1});
    if (!p.may_repeat)
        p.request.clear();
    if (!sent)
        return on_upstream_lost();
    p.up->wire().want_input(true);
    if (!p.request_done)
        interest();
}

MAD_DECL void client_connection::on_connect_failed(lane& l) {
    passage_->up = nullptr;
    not_connected(l);
}

MAD_DECL void client_connection::not_connected(lane& l) {
    auto& p = *passage_;
    part_.count.connect_failures.add();
    l.to->count->connect_failures.fetch_add(1, std::memory_order_relaxed);
    auto const to = l.to;
    if (p.address + 1u < to->addresses.size()) {
        ++p.address;
        --p.tries;
        return repeat(to);
    }
    if (p.to != destination::other)
        part_.all.pool.connect_failed(to->id);
    if (p.sid.empty() && p.tries < p.tried.size()) {
        p.address = 0;
        std::shared_ptr<target const> other;
        if (find_upstream({}, {}, other) == reject::none) {
            part_.count.retries.add();
            to->count->retries.fetch_add(1, std::memory_order_relaxed);
            return repeat(other);
        }
    }
    answer_failed(p.sid.empty() ? reject::no_upstream : reject::bad_gateway);
}

MAD_DECL void client_connection::repeat(std::shared_ptr<target const> const& to) {
    // The text must outlive what is stored in the passage meanwhile.
    auto const text = passage_->request;
    iovec const v{const_cast<char*>(text.data()), text.size()};
    passage_->answer_head.clear();
    send_request(to, {&v, 1});
}

MAD_DECL void client_connection::on_upstream_drained() {
    if (passage_ && !passage_->request_done)
        interest();
}

MAD_DECL void client_connection::on_upstream_lost() {
    auto& p = *passage_;
    if (p.answering)
        return close(); // half an answer: only the end of the connection can say so
    bool const stale = p.up && p.up->reused() && p.answer_head.empty();
    auto const to = p.up ? p.up->of().to : nullptr;
    drop_upstream();
    if (p.may_repeat && to) {
        p.address = 0;
        // A connection that had waited may just have been closed; a new one tells.
        if (stale) {
            part_.lane_of(to, p.to == destination::other).close_idle();
            return repeat(to);
        }
        std::shared_ptr<target const> other;
        if (p.tries < p.tried.size() && find_upstream({}, {}, other) == reject::none) {
            part_.count.retries.add();
            to->count->retries.fetch_add(1, std::memory_order_relaxed);
            return repeat(other);
        }
    }
    if (to)
        to->count->bad_answers.fetch_add(1, std::memory_order_relaxed);
    answer_failed(reject::bad_gateway);
}

MAD_DECL void client_connection::on_upstream_cut() {
    auto& p = *passage_;
    if (p.answering || p.sid.empty() || p.to != destination::engine)
        return on_upstream_lost();
    part_.count.session_gone.add();
    answer_failed(reject::session_gone);
}

// Answers.

MAD_DECL void client_connection::on_upstream_input() {
    auto const scratch = part_.shard.read_scratch();
    auto const into = scratch.first(relay_read_bytes);
    for (int round = 0; round < 4; ++round) {
        auto& wire = passage_->up->wire();
        auto const r = wire.stream.read(into, scratch.subspan(scratch.size() / 2));
        if (r.status == net::io_status::failed)
            return on_upstream_lost();
        if (r.status == net::io_status::ended) {
            if (passage_->answering && passage_->from_upstream.ends_with_close())
                return take_answer({}, true);
            return on_upstream_lost();
        }
        if (r.status == net::io_status::ok) {
            passage_->up->of().recent.bytes_out += r.bytes;
            take_answer({into.data(), r.bytes}, false);
        }
        // Answered, handed on, or over.
        if (phase_ != phase::relaying || !passage_ || !passage_->up)
            return;
        bool const blocked = end_->blocked();
        passage_->up->wire().want_input(!blocked);
        if (blocked || r.bytes < into.size())
            return;
    }
}

MAD_DECL void client_connection::take_answer(std::string_view in, bool ended) {
    auto& p = *passage_;
    auto& text = part_.text();
    std::string kept; // what `in` points into, when a head came in pieces
    p.moved = true;
    if (!p.answering && !take_answer_head(in, text, kept))
        return;
    framed_piece out;
    if (!text.empty())
        out.add(text);
    body_reader::state state{};
    do {
        auto const u = unframe(p.from_upstream, in, part_.shard.write_scratch());
        state = ended ? body_reader::state::done : u.state;
        if (state == body_reader::state::bad) {
            p.up->of().to->count->bad_answers.fetch_add(1, std::memory_order_relaxed);
            return close();
        }
        if (p.sniffing)
            sniff(u.data, state == body_reader::state::done);
        out.body(head_request_ ? std::string_view{} : u.data, p.answer.to,
                 !head_request_ && state == body_reader::state::done);
        part_.count.bytes_out.add(out.bytes());
        if (!end_->send(out.parts()))
            return close();
        out.clear();
    } while (state == body_reader::state::more && !in.empty());
    if (state == body_reader::state::done)
        return finish(p.answer.keep_upstream && in.empty() && !ended);
    await_answer();
}

MAD_DECL bool client_connection::take_answer_head(std::string_view& in, std::string& text,
                                                  std::string& kept) {
    thread_local net::http::response_head h;
    auto& p = *passage_;
    auto const bad = [&] {
        p.up->of().to->count->bad_answers.fetch_add(1, std::memory_order_relaxed);
        answer_failed(reject::bad_gateway);
        return false;
    };
    if (!p.answer_head.empty()) {
        kept = std::move(p.answer_head);
        p.answer_head.clear();
        kept.append(in);
        in = kept;
    }
    for (;;) {
        auto const end = net::http::find_head_end(in);
        if (!end) {
            if (in.size() > part_.conf->answers.max_head_bytes)
                return bad();
            p.answer_head.assign(in);
            return false;
        }
        auto const head_text = in.substr(0, *end);
        if (net::http::parse_response_head(head_text, part_.conf->answers, h))
            return bad();
        p.answer = judge_response(h, p.context);
        if (p.answer.why != reject::none)
            return bad();
        in.remove_prefix(*end);
        if (!p.answer.interim)
            break;
    }
    bool const session = p.handshake && (h.status == 200 || p.answer.switching);
    std::string_view cookie;
    if (session && part_.set().affinity.cookie) {
        auto& c = part_.cookie_text();
        c.append(part_.set().affinity.cookie_name)
            .append("=")
            .append(p.up->of().to->cookie)
            .append(part_.conf->cookie_fields);
        cookie = c;
    }
    close_after_ = !p.answer.keep_client || !p.request_done || draining_ ||
                   served_ >= part_.set().limits.max_requests;
    append_response(text, h, p.answer, p.context, cookie, close_after_);
    count_first_byte();
    if (p.answer.switching) {
        become_tunnel(text, in);
        return false;
    }
    p.answering = true;
    p.from_upstream =
        body_reader(p.answer.from, p.answer.length, part_.conf->answers.max_chunk_overhead_bytes);
    p.sniffing = p.to == destination::engine &&
                 (p.sid.empty() ? p.handshake && h.status == 200 : h.status == 400);
    return true;
}

MAD_DECL void client_connection::count_first_byte() {
    auto const& p = *passage_;
    if (p.poll)
        return;
    auto const took =
        std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - p.began);
    auto const at = std::upper_bound(first_byte_buckets.begin(), first_byte_buckets.end(), took);
    part_.count.first_byte[static_cast<std::size_t>(at - first_byte_buckets.begin())].add();
    part_.count.first_byte_ms.add(static_cast<std::uint64_t>(took.count()));
}

MAD_DECL void client_connection::sniff(std::string_view data, bool over) {
    constexpr std::size_t most = 512;
    auto& p = *passage_;
    p.sniffed.append(data.substr(0, most - p.sniffed.size()));
    auto const text = std::string_view(p.sniffed);
    if (!p.sid.empty()) {
        if (text.find("\"code\":1,") != text.npos)
            part_.all.sids.erase(p.sid);
        else if (!over && text.size() < most)
            return;
    } else {
        auto const sid = sid_of_open(text);
        if (sid.empty() && !over && text.size() < most)
            return;
        auto& l = p.up->of();
        if (!sid.empty() &&
            part_.all.sids.learn(sid, *l.to, true, std::chrono::steady_clock::now())) {
            ++l.recent.handshakes;
            part_.count.handshakes.add();
        }
    }
    p.sniffing = false;
}

MAD_DECL void client_connection::become_tunnel(std::string_view head, std::string_view rest) {
    auto& p = *passage_;
    auto& l = p.up->of();
    if (p.sid.empty()) {
        ++l.recent.handshakes;
        part_.count.handshakes.add();
    } else {
        part_.all.sids.upgraded(p.sid);
    }
    part_.count.upgrades.add();
    part_.count.bytes_out.add(head.size() + rest.size());
    auto upstream = std::exchange(p.up, nullptr)->take_end();
    part_.give_back(std::move(passage_));
    phase_ = phase::closed;
    deadline_.cancel();
    part_.count.clients_closed.add();
    auto& t = l.add(
        std::make_unique<tunnel>(l, std::move(end_), std::move(upstream), counted_, frame_scan{}));
    auto const early = std::move(in_);
    part_.release(*this);
    t.start(head, rest, early);
}

MAD_DECL void client_connection::finish(bool keep_upstream) {
    auto& p = *passage_;
    if (auto* const up = std::exchange(p.up, nullptr))
        up->done(keep_upstream && p.request_done);
    close_after_ = close_after_ || !p.request_done;
    part_.give_back(std::move(passage_));
    phase_ = phase::head;
    after_answer();
}

MAD_DECL void client_connection::answer_failed(reject r) {
    auto& p = *passage_;
    if (p.answering)
        return close();
    bool const close_it = !p.request_done || !p.context.client_keep_alive;
    drop_upstream();
    part_.give_back(std::move(passage_));
    phase_ = phase::head;
    refuse(r, close_it);
}

MAD_DECL void client_connection::refuse(reject r, bool close_it) {
    if (phase_ == phase::closed)
        return;
    part_.count.rejects[static_cast<std::size_t>(r)].add();
    close_it =
        close_it || facts_of(r).closes || draining_ || served_ >= part_.set().limits.max_requests;
    auto& text = part_.text();
    append_reject(text, r, close_it, head_request_);
    answer(text, close_it);
}

MAD_DECL void client_connection::answer(std::string_view text, bool close_it) {
    close_after_ = close_after_ || close_it;
    part_.count.bytes_out.add(text.size());
    if (!end_->send(text))
        return close();
    after_answer();
}

MAD_DECL void client_connection::answer_health(net::http::head const& h) {
    bool const get = h.req.method == "GET" || head_request_;
    auto r = part_.draining() ? net::http::json_answer(503, R"({"status":"draining"})")
             : get            ? net::http::json_answer(200, R"({"status":"ok"})")
                              : net::http::text_answer(405, "GET\n");
    bool const close_it = !h.req.keep_alive || draining_;
    auto& text = part_.text();
    net::http::append_response(text, r, close_it, head_request_);
    answer(text, close_it);
}

MAD_DECL bool client_connection::waits_in_poll() const {
    return phase_ == phase::relaying && passage_->poll && !passage_->answering &&
           passage_->answer_head.empty();
}

MAD_DECL void client_connection::shed_poll() {
    auto& p = *passage_;
    part_.all.sids.erase(p.sid);
    part_.count.shed.add();
    if (p.jsonp)
        return answer_failed(reject::session_gone);
    bool const close_it = !p.context.client_keep_alive || draining_;
    net::http::response r;
    r.set("Content-Type", "text/plain; charset=UTF-8").set("Cache-Control", "no-store");
    r.body = p.eio == 3 ? "1:1" : "1";
    // The node learns from the end of its connection that this poll, and with it the session, is
    // over.
    drop_upstream();
    part_.give_back(std::move(passage_));
    phase_ = phase::head;
    auto& text = part_.text();
    net::http::append_response(text, r, close_it, head_request_);
    answer(text, close_it);
}

MAD_DECL void client_connection::after_answer() {
    if (phase_ == phase::closed)
        return;
    auto const& l = part_.set().limits;
    if (end_->blocked()) {
        was_blocked_ = true;
        in_flight_ = end_->stream.in_flight();
        part_.shard.deadlines().arm(deadline_, l.write_timeout);
    } else if (close_after_) {
        return linger();
    } else if (!in_.empty()) {
        deadline_.cancel();
        part_.shard.mark(*this);
    } else if (draining_) {
        return close();
    } else {
        part_.shard.deadlines().arm(deadline_, l.idle_timeout);
        if (part_.releasing())
            return part_.offer(*this);
    }
    interest();
}

MAD_DECL void client_connection::on_turn_end() {
    if (phase_ != phase::head || in_.empty() || end_->blocked() || close_after_)
        return;
    auto const waiting = std::exchange(in_, {});
    process(waiting);
    interest();
}

MAD_DECL void client_connection::linger() {
    if (phase_ == phase::lingering)
        return;
    // Closing with unread input would reset the connection, and the answer with it.
    phase_ = phase::lingering;
    in_.clear();
    end_->stream.shutdown_send();
    interest();
    part_.shard.deadlines().arm(deadline_, seconds(1));
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
    p.moved = false;
    if (p.answering && end_->blocked()) {
        was_blocked_ = true;
        in_flight_ = end_->stream.in_flight();
        return part_.shard.deadlines().arm(deadline_, part_.set().limits.write_timeout);
    }
    was_blocked_ = false;
    part_.shard.deadlines().arm(deadline_, p.poll || p.answering ? t.poll_answer : t.answer);
}

MAD_DECL void client_connection::on_deadline() {
    auto const& l = part_.set().limits;
    if (!end_->stream.established() || phase_ == phase::lingering || phase_ == phase::introduction)
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
           !draining_;
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
    auto const local = net::local_endpoint(end_->stream.fd());
    return {{passage_ ? passage_->client : peer_, 0},
            local ? *local : boost::asio::ip::tcp::endpoint{}};
}

} // namespace mad::inline MAD_ABI::proxy::detail

#endif
