#ifndef MAD_PROXY_IMPL_CLIENT_REQUEST_IPP
#define MAD_PROXY_IMPL_CLIENT_REQUEST_IPP

#include <mad/core/query.hpp>
#include <mad/proxy/detail/client_connection.hpp>
#include <mad/proxy/detail/framed.hpp>
#include <mad/proxy/detail/part.hpp>

#include <algorithm>

namespace mad::inline MAD_ABI::proxy::detail {

/// Of what a query says of JSONP only its digits count, at most ten, as for nodes.
inline std::string digits_of(std::string_view text) {
    std::string out;
    for (char const c : text.find('%') == text.npos ? std::string(text.substr(0, 64))
                                                    : percent_decode(text.substr(0, 64), true))
        if (c >= '0' && c <= '9' && out.size() < 10)
            out += c;
    return out;
}

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
    p.handshake = p.may_repeat = v.handshake;
    p.jsonp = v.jsonp;
    if (v.jsonp)
        p.jsonp_index = digits_of(v.jsonp_index);
    p.eio = v.eio;
    p.poll = v.to == destination::engine && v.polling && !v.sid.empty() && h.req.method == "GET";
    p.sid.assign(v.sid.substr(0, sid_table::max_sid));
    // On that path alone: files that servers have beside it are answered whatever the query says.
    p.unlearnt = v.to == destination::engine && p.sid == v.sid && !v.sid.empty() &&
                 v.path == s.engine_path && (v.polling || v.upgrade);
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
    p.unlearnt = p.unlearnt && !c.learnt;
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
    p.goodbye = p.request_done && p.body_bytes == u.data.size() && is_goodbye(u.data) &&
                p.to == destination::engine && !p.sid.empty();
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
    if (p.deaf) {
        // What follows has nobody to go to.
    } else if (p.up && p.up->connected()) {
        p.up->of().recent.bytes_in += out.bytes();
        if (!p.up->send(out.parts())) {
            on_upstream_deaf();
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
    } else if (l.exhausted) {
        return answer_failed(reject::overloaded);
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
        return on_upstream_deaf();
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

MAD_DECL void client_connection::on_upstream_deaf() {
    // Who answers before it has read all of the request, and closes, is not broken: its answer has
    // come before the reset that the rest of the request has met.
    auto& p = *passage_;
    p.deaf = true;
    p.up->wire().forget();
    p.up->wire().want_input(!(p.answering && end_->blocked()), false); // its end is told there
}

MAD_DECL void client_connection::on_upstream_lost() {
    auto& p = *passage_;
    if (p.answering)
        return close(); // half an answer: only the end of the connection can say so
    bool const stale = p.up && p.up->reused() && p.answer_head.empty();
    auto const to = p.up ? p.up->of().to : nullptr;
    drop_upstream();
    p.deaf = false; // the next one listens
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

} // namespace mad::inline MAD_ABI::proxy::detail

#endif
