#ifndef MAD_ENGINE_IMPL_CLIENT_IPP
#define MAD_ENGINE_IMPL_CLIENT_IPP

#include <mad/engine/client.hpp>
#include <mad/engine/client_polling.hpp>
#include <mad/engine/detail/client_endpoint.hpp>

#include <algorithm>
#include <stdexcept>

namespace mad::inline MAD_ABI::engine {

/// A websocket beside a polling session, until the server has answered its probe and polling has
/// come to rest. Whatever goes wrong with it before, the session goes on over polling.
class client::candidate final : public transport_events {
  public:
    explicit candidate(client& c)
        : client_(c)
        , opener_(c.shard_, *c.endpoint_)
        , limit_([](void* p) { static_cast<candidate*>(p)->client_.drop_candidate(); }, this) {}

    void start() {
        client_.shard_.deadlines().arm(limit_, client_.settings_.timeout);
        opener_.start(client_.sid_, client_.settings_.timeout,
                      [this](result<net::stream> s, std::string rest) {
                          begin(std::move(s), std::move(rest));
                      });
    }

    /// Afterwards nothing of it calls anybody.
    std::unique_ptr<websocket> take() {
        limit_.cancel();
        opener_.cancel();
        return std::move(socket_);
    }

  private:
    void begin(result<net::stream> s, std::string rest) {
        if (!s)
            return client_.drop_candidate();
        socket_ = std::make_unique<websocket>(client_.shard_, std::move(*s), net::ws_role::client,
                                              client_.websockets_, client_.settings_.rev);
        socket_->set_codec(opener_.take_codec());
        socket_->push(net::wire_block::message("2probe", false));
        if (!socket_->start(*this, rest))
            client_.drop_candidate();
    }

    void on_packet(packet_view const& p) override {
        if (p.type != packet_type::pong || p.data != "probe" || probed_)
            return client_.drop_candidate();
        probed_ = true;
        static_cast<client_polling&>(*client_.transport_).hold([this] {
            client_.finish_upgrade(take());
        });
    }

    void on_transport_end(close_reason) override { client_.drop_candidate(); }

    client& client_;
    detail::websocket_opener opener_;
    std::unique_ptr<websocket> socket_;
    net::deadline limit_;
    bool probed_ = false;
};

/// What is closed and still has to hear, or say, goodbye; not for longer than `close_timeout`.
class client::lingerer final : public transport_events {
  public:
    lingerer(client& c, std::unique_ptr<transport> t)
        : client_(c)
        , wire_(std::move(t))
        , limit_([](void* p) { static_cast<lingerer*>(p)->client_.linger_done(); }, this) {}

    void start() {
        client_.shard_.deadlines().arm(limit_, client_.settings_.close_timeout);
        if (wire_->kind() == transport_kind::websocket)
            static_cast<websocket&>(*wire_).set_events(*this);
        else
            static_cast<client_polling&>(*wire_).on_done([this] { client_.linger_done(); });
    }

    std::unique_ptr<transport> take() {
        limit_.cancel();
        return std::move(wire_);
    }

  private:
    void on_packet(packet_view const&) override {}
    void on_transport_end(close_reason) override { client_.linger_done(); }

    client& client_;
    std::unique_ptr<transport> wire_;
    net::deadline limit_;
};

MAD_DECL client::client(net::shard& s, client_settings settings)
    : shard_(s)
    , settings_(std::move(settings))
    , endpoint_(std::make_unique<detail::client_endpoint>(settings_))
    , limit_([](void* p) { static_cast<client*>(p)->on_timeout(); }, this)
    , silence_([](void* p) { static_cast<client*>(p)->on_silence(); }, this)
    , ping_([](void* p) { static_cast<client*>(p)->on_ping_due(); }, this) {
    websockets_.frames.max_message_bytes = settings_.max_payload;
    websockets_.outbox = settings_.outbox;
    // What we send is no reason to stop listening: the server's answers let it go on.
    websockets_.pause_above_bytes = settings_.outbox.max_bytes;
}

MAD_DECL client::~client() = default;

MAD_DECL void client::open(client_events& events) {
    if (state_ != state::idle)
        throw std::logic_error("an Engine.IO client is opened once");
    events_ = &events;
    finished_ = false;
    state_ = state::opening;
    begin(settings_.transports.front());
}

MAD_DECL void client::begin(transport_kind kind) {
    kind_ = kind;
    ++tried_;
    shard_.deadlines().arm(limit_, settings_.timeout);
    if (kind == transport_kind::polling) {
        auto p = std::make_unique<client_polling>(shard_, *endpoint_, settings_.outbox, *this);
        auto& made = *p;
        transport_ = std::move(p);
        return made.start(settings_.timeout);
    }
    opener_ = std::make_unique<detail::websocket_opener>(shard_, *endpoint_);
    opener_->start({}, settings_.timeout, [this](result<net::stream> s, std::string rest) {
        begin_websocket(std::move(s), std::move(rest));
    });
}

MAD_DECL void client::begin_websocket(result<net::stream> s, std::string rest) {
    if (!s && !opener_->failure().empty()) {
        bool const proxy = s.error().category() == net::http::client_category();
        settings_.log.warn(proxy ? "engine.client.proxy_failed" : "engine.client.tls_failed",
                           {{"reason", opener_->failure()}});
    }
    auto codec = opener_->take_codec();
    shard_.reap(std::move(opener_)); // it is on the stack
    if (!s)
        return end(close_reason::transport_error, s.error(), close_manner::silent);
    auto w = std::make_unique<websocket>(shard_, std::move(*s), net::ws_role::client, websockets_,
                                         settings_.rev);
    auto& made = *w;
    made.set_codec(std::move(codec));
    transport_ = std::move(w);
    if (paused_ > 0)
        made.pause();
    if (!made.start(*this, rest) && state_ == state::opening)
        end(close_reason::transport_error, error::transport_failed, close_manner::silent);
}

MAD_DECL bool client::send(net::wire_block packet) {
    if (state_ != state::open)
        return false;
    if (kind_ == transport_kind::websocket)
        packet = on_wire(std::move(packet));
    if (transport_->send(std::move(packet)))
        return true;
    settings_.log.warn("engine.client.slow_consumer", {{"bytes", transport_->queued_bytes()}});
    end(close_reason::slow_consumer, error::queue_full, close_manner::at_once);
    return false;
}

MAD_DECL net::wire_block client::on_wire(net::wire_block packet) const {
    if (!pings_itself() || !packet.binary())
        return packet;
    std::string typed;
    append_binary(typed, packet.payload(), binary_form::typed_bytes);
    return net::wire_block::message(typed, true);
}

MAD_DECL bool client::send_text(std::string_view data) {
    std::string frame;
    frame.reserve(data.size() + 1);
    append_frame(frame, {packet_type::message, false, data});
    return send(net::wire_block::message(frame, false));
}

MAD_DECL bool client::send_binary(std::string_view data) {
    return send(net::wire_block::message(data, true));
}

MAD_DECL void client::send_control(packet_type t, std::string_view data) {
    std::string frame(1, type_digit(t));
    frame.append(data);
    send(net::wire_block::message(frame, false));
}

MAD_DECL bool client::writable() const {
    return state_ == state::open && transport_->writable();
}

MAD_DECL void client::pause() {
    if (paused_++ == 0 && transport_)
        transport_->pause();
}

MAD_DECL void client::resume() {
    if (paused_ > 0 && --paused_ == 0 && transport_)
        transport_->resume();
}

MAD_DECL void client::on_packet(packet_view const& p) {
    if (state_ == state::opening) {
        if (p.type == packet_type::open && !p.binary)
            return opened(p.data);
        return end(close_reason::parse_error, error::bad_open, close_manner::orderly);
    }
    if (state_ != state::open)
        return;
    if (pings_itself())
        shard_.deadlines().arm(silence_, patience_); // any packet breaks the silence
    switch (p.type) {
    case packet_type::message:
        return events_->on_message(p.data, p.binary);
    case packet_type::ping:
        if (pings_itself())
            return;
        ++pings_;
        shard_.deadlines().arm(silence_, patience_);
        send_control(packet_type::pong, p.data);
        if (state_ == state::open)
            events_->on_ping();
        return;
    case packet_type::close:
        // Over polling the server has forgotten the session with this.
        return end(close_reason::transport_close, {},
                   kind_ == transport_kind::polling ? close_manner::silent : close_manner::orderly);
    case packet_type::pong:
        if (!pings_itself())
            return;
        ++pings_;
        shard_.deadlines().arm(ping_, ping_interval_);
        return events_->on_ping();
    case packet_type::open:
    case packet_type::upgrade:
    case packet_type::noop:
        return;
    }
}

MAD_DECL void client::opened(std::string_view data) {
    auto const info = decode_open(data);
    if (!info)
        return end(close_reason::parse_error, info.error(), close_manner::silent);
    limit_.cancel();
    sid_ = info->sid;
    ping_interval_ = info->ping_interval;
    ping_timeout_ = info->ping_timeout;
    patience_ = ping_interval_ + ping_timeout_;
    shard_.deadlines().arm(silence_, patience_);
    if (pings_itself())
        shard_.deadlines().arm(ping_, ping_interval_);
    state_ = state::open;
    // A request may take as long as silence may last, and some: silence is to be noticed first.
    if (kind_ == transport_kind::polling)
        static_cast<client_polling&>(*transport_)
            .set_session(sid_, info->max_payload, patience_ + seconds(5));
    settings_.log.debug("engine.client.opened",
                        {{"sid", sid_.substr(0, 6)}, {"transport", to_string(kind_)}});
    auto const& all = settings_.transports;
    bool const wanted = settings_.upgrade && info->upgrade_to_websocket &&
                        kind_ == transport_kind::polling &&
                        std::find(all.begin(), all.end(), transport_kind::websocket) != all.end();
    events_->on_open();
    if (wanted && state_ == state::open)
        start_upgrade();
}

MAD_DECL void client::start_upgrade() {
    candidate_ = std::make_unique<candidate>(*this);
    candidate_->start();
}

MAD_DECL void client::finish_upgrade(std::unique_ptr<websocket> w) {
    auto& p = static_cast<client_polling&>(*transport_);
    auto const waiting = p.take_queue();
    p.close(close_manner::silent);
    shard_.reap(std::move(transport_)); // both may be on the stack
    shard_.reap(std::move(candidate_));
    w->set_events(*this);
    w->push(net::wire_block::message("5", false));
    for (auto const& b : waiting)
        w->push(on_wire(b));
    if (paused_ > 0)
        w->pause();
    transport_ = std::move(w);
    kind_ = transport_kind::websocket;
    settings_.log.debug("engine.client.upgraded", {{"sid", sid_.substr(0, 6)}});
    events_->on_upgrade();
}

MAD_DECL void client::drop_candidate() {
    if (!candidate_)
        return;
    auto w = candidate_->take();
    shard_.reap(std::move(candidate_)); // it may be on the stack
    if (w) {
        w->close(close_manner::at_once);
        shard_.reap(std::move(w));
    }
    if (state_ == state::open && kind_ == transport_kind::polling)
        static_cast<client_polling&>(*transport_).release();
}

MAD_DECL void client::on_transport_end(close_reason why) {
    error_code ec;
    if (kind_ == transport_kind::polling)
        ec = static_cast<client_polling&>(*transport_).why();
    if (!ec && state_ == state::opening)
        ec = error::transport_failed;
    // Where it is we who do not go on the server cannot know.
    bool const ours = why == close_reason::parse_error ||
                      ec == net::http::client_error::body_too_large ||
                      ec == net::http::client_error::head_too_large;
    auto const goodbye =
        kind_ == transport_kind::polling ? close_manner::at_once : close_manner::orderly;
    end(why, ec, ours ? goodbye : close_manner::silent);
}

/// As engine.io-client 3: the answer is awaited for the timeout, and the next ping is due one
/// interval after it.
MAD_DECL void client::on_ping_due() {
    send_control(packet_type::ping, {});
    if (state_ == state::open)
        shard_.deadlines().arm(silence_, ping_timeout_);
}

MAD_DECL void client::on_silence() {
    if (paused_ > 0) // it is we who do not listen
        return shard_.deadlines().arm(silence_, patience_);
    end(close_reason::ping_timeout, error::timeout, close_manner::at_once);
}

MAD_DECL void client::on_timeout() {
    end(close_reason::transport_error, error::timeout, close_manner::silent);
}

MAD_DECL void client::close(close_reason why) {
    if (state_ == state::idle)
        state_ = state::closed;
    end(why, {}, why == close_reason::ping_timeout ? close_manner::at_once : close_manner::orderly);
}

MAD_DECL bool client::try_next_transport() {
    if (!settings_.try_all_transports || tried_ >= settings_.transports.size())
        return false;
    if (transport_) {
        transport_->close(close_manner::silent);
        shard_.reap(std::move(transport_));
    }
    begin(settings_.transports[tried_]);
    return true;
}

MAD_DECL void client::end(close_reason why, error_code ec, close_manner how) {
    if (state_ == state::idle || state_ == state::closed)
        return;
    if (state_ == state::opening && ec && try_next_transport())
        return;
    state_ = state::closed;
    limit_.cancel();
    silence_.cancel();
    ping_.cancel();
    drop_candidate();
    if (opener_) {
        opener_->cancel();
        shard_.reap(std::move(opener_));
    }
    if (transport_) {
        transport_->close(how);
        linger();
    }
    settings_.log.debug("engine.client.closed",
                        {{"sid", sid_.substr(0, 6)}, {"reason", log_name(why)}});
    auto* const e = events_;
    e->on_close(why, ec);
    if (!lingerer_)
        finish();
}

/// Keeps the wire until the goodbyes are said.
MAD_DECL void client::linger() {
    bool const over = kind_ == transport_kind::websocket
                          ? static_cast<websocket&>(*transport_).closed()
                          : static_cast<client_polling&>(*transport_).done();
    if (over)
        return shard_.reap(std::move(transport_)); // it may be on the stack
    lingerer_ = std::make_unique<lingerer>(*this, std::move(transport_));
    lingerer_->start();
}

MAD_DECL void client::linger_done() {
    if (!lingerer_)
        return; // closing the wire below may say so once more
    auto wire = lingerer_->take();
    shard_.reap(std::move(lingerer_)); // both may be on the stack
    wire->close(close_manner::silent);
    shard_.reap(std::move(wire));
    finish();
}

MAD_DECL void client::finish() {
    if (std::exchange(finished_, true))
        return;
    shard_.deadlines().settle();
    events_->on_finished();
}

} // namespace mad::inline MAD_ABI::engine

#endif
