#ifndef MAD_ENGINE_IMPL_WEBSOCKET_IPP
#define MAD_ENGINE_IMPL_WEBSOCKET_IPP

#include <mad/core/ids.hpp>
#include <mad/engine/websocket.hpp>

#include <algorithm>
#include <utility>

#include <sys/epoll.h>

namespace mad::inline MAD_ABI::engine {

MAD_DECL websocket::websocket(net::shard& s, net::stream st, net::ws_role role,
                              websocket_settings const& settings, revision rev)
    : shard_(s)
    , settings_(settings)
    , stream_(std::move(st))
    , decoder_(role, settings.frames)
    , role_(role)
    , revision_(rev) {}

MAD_DECL websocket::~websocket() {
    shard_.unmark(*this);
    shut();
}

MAD_DECL void websocket::push_raw(std::string_view head) {
    out_.push(net::wire_block::raw(head));
    shard_.mark(*this);
}

MAD_DECL void websocket::set_codec(std::unique_ptr<net::message_codec> c) {
    codec_ = std::move(c);
    if (codec_)
        decoder_.allow_compressed();
}

MAD_DECL bool websocket::start(transport_events& e, std::string_view rest) {
    events_ = &e;
    if (!stream_.is_open())
        return false;
    interest_ = paused_ > 0 ? 0u : std::uint32_t(EPOLLIN);
    if (shard_.watch(stream_.fd(), interest_, *this)) {
        stream_.close();
        return false;
    }
    watched_ = true;
    if (!rest.empty()) {
        std::string copy(rest);
        consume(copy);
    }
    return true;
}

MAD_DECL net::wire_block websocket::shaped(net::wire_block packet) const {
    auto const text = packet.payload();
    bool const compress = codec_ && packet.compress() && text.size() >= codec_->threshold();
    bool const server = role_ == net::ws_role::server;
    if (server && !compress)
        return packet;
    if (server && codec_->shared())
        return packet.deflated([this](std::string_view t) { return codec_->deflate(t); });
    auto const short_form = compress ? codec_->deflate(text) : std::nullopt;
    if (server)
        return short_form ? net::wire_block::compressed(*short_form, packet.binary()) : packet;
    std::uint32_t mask = 0;
    fill_random({reinterpret_cast<std::uint8_t*>(&mask), sizeof mask});
    auto const opcode = packet.binary() ? net::ws_opcode::binary : net::ws_opcode::text;
    return net::wire_block::masked(opcode, short_form.value_or(text), mask, short_form.has_value());
}

MAD_DECL void websocket::push(net::wire_block packet) {
    queue(shaped(std::move(packet)));
}

MAD_DECL void websocket::queue(net::wire_block packet) {
    out_.push(std::move(packet));
    shard_.mark(*this);
}

MAD_DECL bool websocket::send(net::wire_block packet) {
    if (!open_)
        return true; // said goodbye: nothing more is owed
    packet = shaped(std::move(packet));
    auto const n = packet.frame().size();
    // A burst within one turn makes no slow consumer: only what the wire does not take counts. What
    // becomes of the wire is seen at the end of the turn.
    if (!has_room(n) && watched_ && !blocked_)
        out_.write_to(stream_, shard_.write_scratch());
    if (!has_room(n))
        return false;
    largest_ = std::max(largest_, n);
    queue(std::move(packet));
    return true;
}

/// The largest one does not count: a list that is longer than the limit must not end who asked.
MAD_DECL bool websocket::has_room(std::size_t more) const {
    auto const& l = settings_.outbox;
    if (out_.empty())
        return l.max_blocks > 0;
    return out_.bytes() + more <= l.max_bytes + std::max(largest_, more) &&
           out_.size() < l.max_blocks;
}

MAD_DECL void websocket::pause() {
    ++paused_;
    interest();
}

MAD_DECL void websocket::resume() {
    if (paused_ == 0 || --paused_ > 0)
        return;
    interest();
    // What was read before the pause goes first, from the end of the turn: never inside a handler.
    if (stash_)
        shard_.mark(*this);
}

MAD_DECL void websocket::close(close_manner how) {
    events_ = nullptr;
    if (closed())
        return;
    if (how == close_manner::silent)
        return shut();
    if (open_) {
        open_ = false;
        if (role_ == net::ws_role::server)
            out_.push(net::wire_block::control(net::ws_opcode::close, {}));
        else
            out_.push(net::wire_block::masked(net::ws_opcode::close, {}, 0));
    }
    if (how == close_manner::at_once) {
        // Off the list of the turn before the object may go away.
        out_.write_to(stream_, shard_.write_scratch());
        return shut();
    }
    // Nobody hears packets any more, but the peer's goodbye is among what it still sends.
    paused_ = 0;
    full_ = false;
    interest();
    shard_.mark(*this);
}

MAD_DECL void websocket::fail(std::uint16_t code) {
    if (!open_)
        return;
    open_ = false;
    auto const payload = net::ws_close_payload(code, {});
    out_.push(role_ == net::ws_role::server
                  ? net::wire_block::control(net::ws_opcode::close, payload)
                  : net::wire_block::masked(net::ws_opcode::close, payload, 0));
    shut_after_write_ = true;
    shard_.mark(*this);
}

MAD_DECL void websocket::on_ready(std::uint32_t events) {
    if (closed())
        return;
    if (events & EPOLLOUT)
        write();
    if (closed() || !(events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
        return;
    if (paused_ == 0)
        return read();
    // Not asked for (EPOLLHUP and EPOLLERR cannot be masked): the connection is broken, and waiting
    // would spin the loop.
    if (events & (EPOLLHUP | EPOLLERR))
        ended(close_reason::transport_error);
}

MAD_DECL void websocket::on_fault() {
    ended(close_reason::transport_error);
}

MAD_DECL void websocket::read() {
    auto const scratch = shard_.read_scratch();
    auto const half = scratch.size() / 2;
    auto const into = scratch.first(half);
    if (stash_) { // resumed in this turn: what came before the pause goes first
        auto const waiting = std::exchange(stash_, nullptr);
        consume(*waiting);
    }
    for (int round = 0; round < 4 && !closed() && paused_ == 0; ++round) {
        auto const r = stream_.read(into, scratch.subspan(half));
        if (stream_.owes() && !blocked_)
            shard_.mark(*this);
        if (r.status == net::io_status::blocked)
            return;
        if (r.status == net::io_status::ok && draining_)
            continue;
        if (r.status != net::io_status::ok)
            return ended(r.status == net::io_status::ended ? close_reason::transport_close
                                                           : close_reason::transport_error);
        consume(into.first(r.bytes));
        if (r.bytes < into.size())
            return;
    }
}

MAD_DECL void websocket::consume(std::span<char> in) {
    consuming_ = true;
    while (!closed() && !shut_after_write_) {
        if (paused_ > 0) {
            if (!in.empty()) {
                if (!stash_)
                    stash_ = std::make_unique<std::string>();
                stash_->append(in.data(), in.size());
            }
            break;
        }
        net::ws_message m;
        auto const r = decoder_.next(in, m);
        if (!r) {
            broken(r.error());
            break;
        }
        if (*r == net::ws_status::need_more || !handle(m))
            break;
        // Answers may be many times as long as what asks for them: stop in time, not at the end of
        // the turn.
        if (out_.bytes() > settings_.pause_above_bytes)
            blocked_ ? judge_full() : write();
    }
    consuming_ = false;
}

MAD_DECL void websocket::broken(error_code why) {
    auto* const e = std::exchange(events_, nullptr);
    fail(net::close_code_of(why));
    if (e)
        e->on_transport_end(close_reason::transport_error);
}

MAD_DECL bool websocket::handle(net::ws_message const& m) {
    std::string_view data{m.data.data(), m.data.size()};
    if (m.compressed) {
        auto const whole = codec_->inflate(data, settings_.frames.max_message_bytes);
        if (whole)
            data = {whole->data(), whole->size()};
        auto const error = !whole ? whole.error()
                           : m.type == net::ws_opcode::text && !is_utf8(data)
                               ? error_code(net::ws_error::bad_utf8)
                               : error_code();
        if (error) {
            broken(error);
            return false;
        }
    }
    switch (m.type) {
    case net::ws_opcode::text: {
        if (!events_)
            return true; // we said goodbye; what was on its way is read over
        thread_local std::string decoded;
        return hand_out(decode_text(data, decoded, revision_));
    }
    case net::ws_opcode::binary:
        return !events_ || hand_out(decode_binary(data, revision_));
    case net::ws_opcode::ping:
        if (open_ && out_.size() < settings_.outbox.max_blocks) {
            out_.push(role_ == net::ws_role::server
                          ? net::wire_block::control(net::ws_opcode::pong, data)
                          : net::wire_block::masked(net::ws_opcode::pong, data, 0));
            shard_.mark(*this);
        }
        return true;
    case net::ws_opcode::close: {
        if (open_) {
            open_ = false;
            auto const echo =
                m.close_code == 1005 ? std::string{} : net::ws_close_payload(m.close_code, {});
            out_.push(role_ == net::ws_role::server
                          ? net::wire_block::control(net::ws_opcode::close, echo)
                          : net::wire_block::masked(net::ws_opcode::close, echo, 0));
        }
        shut_after_write_ = peer_closed_ = true;
        shard_.mark(*this);
        if (auto* const e = std::exchange(events_, nullptr))
            e->on_transport_end(close_reason::transport_close);
        return false;
    }
    default:
        return true;
    }
}

MAD_DECL bool websocket::hand_out(result<packet_view> const& p) {
    if (p)
        events_->on_packet(*p);
    else
        events_->on_transport_end(close_reason::parse_error);
    return p.has_value();
}

MAD_DECL void websocket::on_turn_end() {
    if (closed())
        return;
    if (!blocked_)
        write();
    if (!closed() && !shut_after_write_ && stash_ && paused_ == 0 && !consuming_) {
        auto const waiting = std::exchange(stash_, nullptr);
        try {
            consume(*waiting);
        } catch (...) { // as from `on_ready`: what was read is lost, and the session with it
            consuming_ = false;
            ended(close_reason::transport_error);
            throw;
        }
    }
}

MAD_DECL void websocket::write() {
    auto const before = out_.bytes();
    auto const s = out_.write_to(stream_, shard_.write_scratch());
    if (out_.bytes() != before)
        ++progress_;
    if (s == net::io_status::failed || s == net::io_status::ended)
        return ended(close_reason::transport_error);
    bool const was = blocked_;
    blocked_ = s == net::io_status::blocked;
    if (out_.empty())
        largest_ = 0;
    judge_full();
    if (was != blocked_)
        interest();
    if (!blocked_ && shut_after_write_)
        finish();
}

MAD_DECL void websocket::judge_full() {
    bool const full = out_.bytes() > settings_.pause_above_bytes ||
                      (full_ && out_.bytes() > settings_.pause_above_bytes / 2);
    if (full == full_)
        return;
    full_ = full;
    full ? pause() : resume();
}

MAD_DECL void websocket::finish() {
    if (peer_closed_)
        return ended(close_reason::transport_close);
    // Closing with unread input would reset the connection, and the close frame with it. Whoever
    // keeps this object sets the limit to how long.
    if (!draining_) {
        draining_ = true;
        stream_.shutdown_send();
        paused_ = 0;
        full_ = false;
        interest();
    }
}

MAD_DECL void websocket::interest() {
    if (closed() || !watched_)
        return;
    auto const want =
        (paused_ ? 0u : std::uint32_t(EPOLLIN)) | (blocked_ ? std::uint32_t(EPOLLOUT) : 0u);
    if (want == interest_)
        return;
    interest_ = want;
    shard_.rewatch(stream_.fd(), want, *this);
}

MAD_DECL void websocket::ended(close_reason why) {
    open_ = false;
    shut();
    if (auto* const e = std::exchange(events_, nullptr))
        e->on_transport_end(why);
}

MAD_DECL void websocket::shut() {
    if (closed())
        return;
    if (std::exchange(watched_, false))
        shard_.unwatch(stream_.fd());
    stream_.close();
    out_.clear();
    stash_.reset();
}

} // namespace mad::inline MAD_ABI::engine

#endif
