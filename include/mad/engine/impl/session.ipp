#ifndef MAD_ENGINE_IMPL_SESSION_IPP
#define MAD_ENGINE_IMPL_SESSION_IPP

#include <mad/engine/session.hpp>

#include <algorithm>
#include <utility>

namespace mad::inline MAD_ABI::engine {

namespace detail {

/// A block of the form that the peer had until now, as a wire of another form takes it.
inline net::wire_block in_form(net::wire_block const& b, binary_form had, binary_form form) {
    if (!b.binary() || !is_text(form))
        return b;
    std::string text;
    append_binary(text, b.payload().substr(had == binary_form::typed_bytes ? 1 : 0), form);
    return net::wire_block::message(text, false);
}

} // namespace detail

/// A second websocket of a polling session, until it proves itself with `2probe` and takes over
/// with `5`. Whatever goes wrong with it, the session goes on over polling.
class session::candidate final : public transport_events {
  public:
    candidate(session& s, std::unique_ptr<websocket> w, binary_form form)
        : session_(s)
        , socket_(std::move(w))
        , form_(form)
        , timeout_([](void* p) { static_cast<candidate*>(p)->session_.drop_candidate(); }, this)
        , noop_([](void* p) { static_cast<candidate*>(p)->keep_flushing(); }, this) {}

    bool start(std::string_view rest) {
        auto& deadlines = session_.home().deadlines();
        deadlines.arm(timeout_, session_.owner_.settings().upgrade_timeout);
        return socket_->start(*this, rest);
    }

    /// It has been answered: its client is about to stop polling, or has.
    bool probed() const { return probed_; }
    binary_form form() const { return form_; }

    std::unique_ptr<websocket> take() {
        timeout_.cancel();
        noop_.cancel();
        return std::move(socket_);
    }

  private:
    void on_packet(packet_view const& p) override {
        if (!session_.open_ || !socket_)
            return;
        if (!p.binary && p.type == packet_type::ping && p.data == "probe" && !probed_) {
            probed_ = true;
            socket_->push(net::wire_block::message("3probe", false));
            keep_flushing();
        } else if (!p.binary && p.type == packet_type::upgrade) {
            session_.finish_upgrade(take(), form_);
        } else {
            session_.drop_candidate();
        }
    }

    void on_transport_end(close_reason) override { session_.drop_candidate(); }

    /// The client pauses polling before it says `5`, and its GET must not hang till then. At once,
    /// then every 100 ms as the reference does, so that a client that goes on polling is not fed
    /// noops in a tight loop.
    void keep_flushing() {
        if (auto* const p = session_.as_polling())
            p->flush_noop();
        session_.home().deadlines().arm(noop_, milliseconds(100));
    }

    session& session_;
    std::unique_ptr<websocket> socket_;
    binary_form form_;
    net::deadline timeout_, noop_;
    bool probed_ = false;
};

MAD_DECL session::session(session_owner& o, std::string_view sid, revision rev, handshake_info info)
    : owner_(o)
    , handshake_(std::move(info))
    , beat_([](void* p) { static_cast<session*>(p)->on_heartbeat(); }, this)
    , heartbeat_(rev)
    , revision_(rev)
    , form_(binary_form_of(rev, false)) {
    std::copy_n(sid.begin(), std::min(sid.size(), sid_.size()), sid_.begin());
}

MAD_DECL session::~session() = default;

MAD_DECL polling_body session::begin_polling(polling_dialect dialect,
                                             std::string_view open_packet) {
    auto p = std::make_unique<polling>(home(), std::move(dialect), owner_.settings().outbox,
                                       owner_.settings().pause_above_bytes, *this);
    auto answer = p->single(open_packet);
    p->set_compression(owner_.settings().http_compression.get());
    transport_ = std::move(p);
    begin_heartbeat();
    return answer;
}

MAD_DECL void session::begin_heartbeat() {
    auto const& s = owner_.settings();
    home().deadlines().arm(beat_, heartbeat_.client_pings() ? s.ping_interval + s.ping_timeout
                                                            : s.ping_interval);
}

MAD_DECL polling* session::as_polling() {
    return open_ && kind_ == transport_kind::polling ? static_cast<polling*>(transport_.get())
                                                     : nullptr;
}

MAD_DECL bool session::send(net::wire_block packet) {
    if (!open_)
        return false;
    if (transport_->send(std::move(packet)))
        return true;
    owner_.settings().log.warn(
        "engine.session.slow_consumer",
        {{"sid", sid().substr(0, 6)}, {"bytes", transport_->queued_bytes()}});
    end(close_reason::slow_consumer, close_manner::silent);
    return false;
}

MAD_DECL bool session::send_text(std::string_view data) {
    std::string frame;
    frame.reserve(data.size() + 1);
    append_frame(frame, {packet_type::message, false, data});
    return send(net::wire_block::message(frame, false));
}

MAD_DECL bool session::send_binary(std::string_view data) {
    if (form_ == binary_form::bytes)
        return send(net::wire_block::message(data, true));
    std::string frame;
    append_binary(frame, data, form_);
    return send(net::wire_block::message(frame, !is_text(form_)));
}

MAD_DECL void session::send_control(packet_type t, std::string_view data) {
    char const digit[2] = {type_digit(t), 0};
    std::string frame(digit);
    frame.append(data);
    send(net::wire_block::message(frame, false));
}

MAD_DECL void session::pause() {
    if (!open_ || paused_++ > 0)
        return;
    paused_lately_ = true;
    transport_->pause();
}

MAD_DECL void session::resume() {
    if (open_ && paused_ > 0 && --paused_ == 0) {
        excuses_ = 0;
        transport_->resume();
    }
}

MAD_DECL void session::poll(net::http::exchange x, std::string fields, net::content_coding coding) {
    auto* const p = as_polling();
    if (p && !p->poll(std::move(x), std::move(fields), coding))
        end(close_reason::transport_error, close_manner::silent);
}

MAD_DECL void session::on_packet(packet_view const& p) {
    if (!open_)
        return;
    switch (heartbeat_.on_packet(p.type)) {
    case heartbeat::rearm::interval:
        home().deadlines().arm(beat_, owner_.settings().ping_interval);
        break;
    case heartbeat::rearm::timeout:
        home().deadlines().arm(beat_, owner_.settings().ping_timeout);
        break;
    case heartbeat::rearm::both:
        begin_heartbeat();
        break;
    case heartbeat::rearm::no:
        break;
    }
    switch (p.type) {
    case packet_type::message:
        if (!handler_)
            break;
        try {
            handler_->on_message(*this, p.data, p.binary);
        } catch (...) { // costs this session, whichever wire brought the message
            home().fault("engine.session.fault");
            end(close_reason::transport_error, close_manner::orderly);
        }
        break;
    case packet_type::close:
        // The client leaves: a waiting GET gets a noop, a websocket a close frame.
        end(close_reason::transport_close,
            as_polling() ? close_manner::silent : close_manner::orderly);
        break;
    case packet_type::open:
        end(close_reason::transport_error, close_manner::orderly);
        break;
    case packet_type::ping:
    case packet_type::pong:
        // Each revision has one side that pings; the other way round is an error. A pong that
        // nobody waits for is none.
        if (heartbeat_.client_pings() != (p.type == packet_type::ping))
            end(close_reason::transport_error, close_manner::orderly);
        else if (heartbeat_.client_pings())
            send_control(packet_type::pong); // without the ping's data, also for `2probe`
        break;
    case packet_type::upgrade:
    case packet_type::noop:
        break;
    }
}

MAD_DECL void session::on_transport_end(close_reason why) {
    end(why, close_manner::orderly);
}

MAD_DECL void session::on_heartbeat() {
    auto const& s = owner_.settings();
    // A peer that we do not read from cannot answer; it must only go on taking what is queued.
    auto const moved = transport_->progress();
    bool const reading_stopped = paused_ > 0 || transport_->queued_bytes() > s.pause_above_bytes;
    if (reading_stopped && moved != seen_progress_) {
        seen_progress_ = moved;
        return home().deadlines().arm(beat_, s.ping_timeout);
    }
    seen_progress_ = moved;
    // Its pong may lie behind what we did not want to read.
    bool const we_are_slow = std::exchange(paused_lately_, paused_ > 0) || paused_ > 0;
    if (heartbeat_.on_deadline() == heartbeat::action::close) {
        constexpr std::uint8_t most_excuses = 10; // but nothing lasts for ever
        if (we_are_slow && transport_->queued_bytes() == 0 && ++excuses_ <= most_excuses)
            return home().deadlines().arm(beat_, s.ping_timeout);
        return end(close_reason::ping_timeout, close_manner::at_once);
    }
    home().deadlines().arm(beat_, s.ping_timeout);
    send_control(packet_type::ping);
}

MAD_DECL void session::close(close_reason why) {
    end(why, why == close_reason::ping_timeout ? close_manner::at_once : close_manner::orderly);
}

/// True when the client may never poll again: it has stopped for its upgrade, and `5` is on its
/// way. Without the new wire it would hear nothing of the end until its ping timeout. (A server
/// that goes waits for nobody.)
MAD_DECL bool session::leaving_polling(close_reason why) const {
    return why == close_reason::forced_close && kind_ == transport_kind::polling && candidate_ &&
           candidate_->probed() && !static_cast<polling const&>(*transport_).polled();
}

MAD_DECL void session::end(close_reason why, close_manner how) {
    if (!open_)
        return;
    open_ = false;
    beat_.cancel();
    auto heir = leaving_polling(why) ? candidate_->take() : nullptr;
    auto const heir_form = heir ? candidate_->form() : form_;
    drop_candidate();
    if (kind_ == transport_kind::websocket) {
        auto* const w = static_cast<websocket*>(transport_.get());
        w->close(how);
        if (!w->closed()) {
            owner_.linger(std::unique_ptr<websocket>(static_cast<websocket*>(transport_.release())),
                          why);
        }
    } else {
        auto& p = static_cast<polling&>(*transport_);
        switch (why) {
        case close_reason::forced_close:
        case close_reason::server_shutting_down:
            if (heir) {
                std::vector<net::wire_block> frames;
                for (auto const& b : p.queue())
                    frames.push_back(detail::in_form(b, form_, heir_form));
                owner_.keep_goodbye(sid(), p.last_words(), why);
                owner_.await_upgrade(std::move(heir), sid(), std::move(frames), why);
            } else if (p.flush_queue() || !p.polled()) {
                // What is queued goes first and alone: clients act on a close packet before they
                // have looked at the messages that came in the same answer.
                owner_.keep_goodbye(sid(), p.last_words(), why);
            }
            p.close(close_manner::orderly);
            break;
        case close_reason::ping_timeout:
        case close_reason::parse_error:
            p.close(close_manner::orderly);
            break;
        default:
            p.close(close_manner::silent);
        }
    }
    if (handler_) {
        try {
            handler_->on_close(*this, why);
        } catch (...) {
            home().fault("engine.session.fault");
        }
    }
    owner_.release(*this, why);
}

MAD_DECL bool session::begin_upgrade(net::stream st, std::string_view answer, bool b64,
                                     std::string_view rest,
                                     std::unique_ptr<net::message_codec> codec) {
    auto w = std::make_unique<websocket>(home(), std::move(st), net::ws_role::server,
                                         owner_.websockets(), revision_);
    w->set_codec(std::move(codec));
    w->push_raw(answer);
    candidate_ = std::make_unique<candidate>(*this, std::move(w), binary_form_of(revision_, b64));
    if (candidate_->start(rest))
        return true;
    drop_candidate();
    return false;
}

MAD_DECL void session::begin_websocket(net::stream st, std::string_view answer, bool b64,
                                       std::string_view open_packet,
                                       std::unique_ptr<net::message_codec> codec) {
    form_ = binary_form_of(revision_, b64);
    auto w = std::make_unique<websocket>(home(), std::move(st), net::ws_role::server,
                                         owner_.websockets(), revision_);
    w->set_codec(std::move(codec));
    w->push_raw(answer);
    w->push(net::wire_block::message(open_packet, false));
    transport_ = std::move(w);
    kind_ = transport_kind::websocket;
    begin_heartbeat();
}

MAD_DECL bool session::start_websocket(std::string_view rest) {
    return static_cast<websocket&>(*transport_).start(*this, rest);
}

MAD_DECL void session::finish_upgrade(std::unique_ptr<websocket> w, binary_form form) {
    auto& p = static_cast<polling&>(*transport_);
    auto const waiting = p.take_queue();
    p.close(close_manner::silent);
    home().reap(std::move(transport_)); // both may be on the stack
    home().reap(std::move(candidate_));
    w->set_events(*this);
    for (auto const& b : waiting)
        w->push(detail::in_form(b, form_, form));
    form_ = form;
    if (paused_ > 0)
        w->pause();
    transport_ = std::move(w);
    kind_ = transport_kind::websocket;
}

MAD_DECL void session::drop_candidate() {
    if (!candidate_)
        return;
    auto w = candidate_->take();
    home().reap(std::move(candidate_)); // it may be on the stack
    if (!w)
        return;
    w->close(close_manner::orderly);
    if (w->closed())
        home().reap(std::move(w));
    else
        owner_.linger(std::move(w), close_reason::forced_close);
}

} // namespace mad::inline MAD_ABI::engine

#endif
