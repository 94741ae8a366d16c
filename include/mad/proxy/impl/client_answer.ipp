#ifndef MAD_PROXY_IMPL_CLIENT_ANSWER_IPP
#define MAD_PROXY_IMPL_CLIENT_ANSWER_IPP

#include <mad/proxy/detail/client_connection.hpp>
#include <mad/proxy/detail/framed.hpp>
#include <mad/proxy/detail/part.hpp>

#include <algorithm>

namespace mad::inline MAD_ABI::proxy::detail {

MAD_DECL void client_connection::on_upstream_input() {
    auto const scratch = part_.shard.read_scratch();
    auto const into = scratch.first(relay_read_bytes);
    for (int round = 0; round < 4; ++round) {
        auto& wire = passage_->up->wire();
        auto const r = wire.read(into, scratch.subspan(scratch.size() / 2));
        if (r.status == net::io_status::failed)
            return on_upstream_lost();
        if (r.status == net::io_status::ended) {
            // Where it was written to after its end, the system tells a reset like an end.
            if (passage_->answering && !passage_->deaf && passage_->from_upstream.ends_with_close())
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
        // Its end is not news before what it has said is taken: it would be told again and again.
        passage_->up->wire().want_input(!blocked, false);
        if (blocked || r.bytes < into.size())
            return;
    }
}

MAD_DECL void client_connection::take_answer(std::string_view in, bool ended) {
    auto& p = *passage_;
    auto& text = part_.text();
    std::string kept; // what `in` points into, when a head came in pieces
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
    close_after_ = !p.answer.keep_client || !p.request_done || ends_here();
    append_response(text, h, p.answer, p.context, cookie, close_after_);
    count_first_byte();
    if (p.unlearnt && (h.status == 200 || p.answer.switching)) // only who has it answers so
        part_.all.sids.meet(p.sid, *p.up->of().to, !p.answer.switching,
                            std::chrono::steady_clock::now());
    if (p.answer.switching) {
        become_tunnel(text, in);
        return false;
    }
    p.answering = true;
    p.from_upstream =
        body_reader(p.answer.from, p.answer.length, part_.conf->answers.max_chunk_overhead_bytes);
    p.sniffing = p.to == destination::engine &&
                 (p.sid.empty() ? p.handshake && h.status == 200
                                : h.status == 400 || (p.poll && p.answer.from == framing::sized &&
                                                      is_goodbye_length(p.answer.length)));
    return true;
}

MAD_DECL void client_connection::count_first_byte() {
    auto const& p = *passage_;
    auto const kind = p.poll        ? answer_kind::poll
                      : p.handshake ? answer_kind::handshake
                                    : answer_kind::request;
    auto const took =
        std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - p.began);
    auto const at = std::upper_bound(first_byte_buckets.begin(), first_byte_buckets.end(), took);
    auto& count = part_.count.first_byte[static_cast<std::size_t>(kind)];
    count.buckets[static_cast<std::size_t>(at - first_byte_buckets.begin())].add();
    count.sum_ms.add(static_cast<std::uint64_t>(took.count()));
}

MAD_DECL void client_connection::sniff(std::string_view data, bool over) {
    constexpr std::size_t most = 512;
    auto& p = *passage_;
    p.sniffed.append(data.substr(0, most - p.sniffed.size()));
    auto const text = std::string_view(p.sniffed);
    if (!p.sid.empty()) {
        if (text.find("\"code\":1,") != text.npos || is_goodbye(text))
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
    if (p.handshake) { // what has no sid elsewhere than on the engine path opens no session
        ++l.recent.handshakes;
        part_.count.handshakes.add();
    } else if (!p.sid.empty()) {
        part_.all.sids.upgraded(p.sid);
    }
    bool const session = p.to == destination::engine && (p.handshake || !p.sid.empty());
    part_.count.upgrades.add();
    part_.count.bytes_out.add(head.size() + rest.size());
    auto upstream = std::exchange(p.up, nullptr)->take_end();
    part_.give_back(std::move(passage_));
    phase_ = phase::closed;
    deadline_.cancel();
    part_.count.clients_closed.add();
    auto& t = l.add(std::make_unique<tunnel>(l, std::move(end_), std::move(upstream), counted_,
                                             frame_scan{}, session));
    auto const early = std::move(in_);
    part_.release(*this);
    t.start(head, rest, early);
}

MAD_DECL void client_connection::finish(bool keep_upstream) {
    auto& p = *passage_;
    if (p.goodbye)
        part_.all.sids.erase(p.sid);
    if (auto* const up = std::exchange(p.up, nullptr))
        up->done(keep_upstream && p.request_done && !p.deaf);
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
    if (part_.all.log.wants(log_level::debug))
        part_.all.log.debug("proxy.request.refused",
                            {{"why", to_string(r)}, {"peer", peer_.to_string()}});
    close_it = close_it || facts_of(r).closes || ends_here();
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
    bool const close_it = !h.req.keep_alive || ends_here();
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
    bool const close_it = !p.request_done || !p.context.client_keep_alive || ends_here();
    net::http::response r;
    r.set("Cache-Control", "no-store");
    r.body = p.eio == 3 ? "1:1" : "1";
    if (p.jsonp) {
        r.set("Content-Type", "text/javascript; charset=UTF-8");
        r.set("X-Content-Type-Options", "nosniff");
        r.body = "___eio[" + p.jsonp_index + "](\"" + r.body + "\");";
    } else {
        r.set("Content-Type", "text/plain; charset=UTF-8");
    }
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
    } else if (draining_ || (peer_ended_ && !processing_)) {
        return close();
    } else {
        part_.shard.deadlines().arm(deadline_, l.idle_timeout);
        if (part_.releasing() && !processing_)
            return part_.offer(*this);
    }
    interest();
}

MAD_DECL void client_connection::on_turn_end() {
    if (std::exchange(read_again_, false) && phase_ != phase::closed)
        return read();
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
    if (peer_ended_)
        return close();
    phase_ = phase::lingering;
    in_.clear();
    end_->stream.shutdown_send();
    interest();
    part_.shard.deadlines().arm(deadline_, seconds(1));
}

} // namespace mad::inline MAD_ABI::proxy::detail

#endif
