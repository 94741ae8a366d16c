#ifndef MAD_SOCKETIO_IMPL_CLIENT_CORE_IPP
#define MAD_SOCKETIO_IMPL_CLIENT_CORE_IPP

#include <mad/core/ids.hpp>
#include <mad/socketio/detail/client_core.hpp>

#include <algorithm>
#include <stdexcept>

namespace mad::inline MAD_ABI::socketio::detail {

inline client_settings with_limits(client_settings s) {
    s.packets.any_error = s.engine.rev == engine::revision::eio3;
    return s;
}

MAD_DECL client_core::client_core(net::shard& s, client_settings settings)
    : shard_(s)
    , settings_(with_limits(std::move(settings)))
    , decoder_(settings_.packets, settings_.parser)
    , backoff_(settings_.backoff)
    , retry_([](void* p) { static_cast<client_core*>(p)->on_retry(); }, this)
    , tasks_(s.context()) {}

MAD_DECL client_core::~client_core() {
    // With the io_context, if not retired before: nobody is there to be told.
    for (auto& [name, n] : nodes_) {
        n->waiting.clear();
        n->acks_.clear();
        n->tries_.clear();
        n->forget();
    }
}

MAD_DECL std::shared_ptr<client_node> client_core::node(std::string_view name) {
    std::string full(name);
    if (!full.starts_with('/'))
        full.insert(full.begin(), '/');
    if (full.find(',') != full.npos || full.size() > settings_.packets.max_name)
        throw std::invalid_argument("\"" + full + "\" is no name for a namespace");
    std::lock_guard const lock(mutex_);
    auto& slot = nodes_[full];
    if (!slot) {
        slot = std::make_shared<client_node>(*this, shard_, full, settings_.retries > 0);
        slot->answers = std::make_shared<client_acks>(slot->shared, slot);
    }
    return slot;
}

/// Nodes are never removed, so those found stay; handlers may add others.
template <class Fn>
void client_core::each_node(Fn fn) {
    std::vector<std::shared_ptr<client_node>> all;
    {
        std::lock_guard const lock(mutex_);
        for (auto const& [name, n] : nodes_)
            all.push_back(n);
    }
    for (auto const& n : all)
        fn(*n);
}

template <class Handlers, class... Args>
void client_core::tell(Handlers const& handlers, std::string_view event, Args const&... args) {
    for (std::size_t i = 0; i < handlers.size() && !retired_; ++i) {
        auto const fn = handlers[i];
        try {
            fn(args...);
        } catch (...) {
            fault(event);
        }
    }
}

MAD_DECL void client_core::fault(std::string_view event) const {
    std::string what = "not a std::exception";
    try {
        throw;
    } catch (std::exception const& e) {
        what = e.what();
    } catch (...) {
    }
    settings_.log.error("socketio.handler.fault", {{"event", event}, {"what", what}});
}

// The connection

MAD_DECL void client_core::connect() {
    if (state_ != state::closed || retired_)
        return;
    state_ = state::opening;
    skip_reconnect_ = false;
    decoder_.reset();
    link_ = std::make_unique<link>(*this);
    ++wires_;
    link_->engine.open(*link_);
}

MAD_DECL engine::client_settings client_core::engine_settings() const {
    auto s = settings_.engine;
    auto const websocket =
        std::find(s.transports.begin(), s.transports.end(), engine::transport_kind::websocket);
    if (settings_.remember_upgrade && had_websocket_ && websocket != s.transports.end())
        std::rotate(s.transports.begin(), websocket, websocket + 1);
    return s;
}

MAD_DECL void client_core::on_open() {
    state_ = state::open;
    if (link_->engine.kind() == engine::transport_kind::websocket)
        had_websocket_ = true;
    root_state = root::awaited;
    each_node([](client_node& n) { n.ask_to_join(); });
    tell(on_opened, "open");
    if (!reconnecting_ || state_ != state::open)
        return;
    auto const attempts = backoff_.attempts();
    reconnecting_ = false;
    backoff_.reset();
    tell(on_reconnect, "reconnect", attempts);
}

MAD_DECL void client_core::on_message(std::string_view data, bool binary) {
    auto const p = binary ? decoder_.feed_binary(data) : decoder_.feed_text(data);
    if (!p) {
        settings_.log.debug("socketio.packet.refused", {{"error", p.error().message()}});
        return close_link(engine::close_reason::parse_error);
    }
    if (!*p)
        return;
    tell(on_packets, "packet", **p);
    if (retired_)
        return;
    if (old_server() && (*p)->view.nsp == "/") {
        if ((*p)->view.type == packet_type::connect)
            root_state = root::joined;
        else if ((*p)->view.type == packet_type::disconnect)
            root_state = root::left;
    }
    std::shared_ptr<client_node> n;
    {
        std::lock_guard const lock(mutex_);
        if (auto const it = nodes_.find((*p)->view.nsp); it != nodes_.end())
            n = it->second;
    }
    // What is for a namespace that nobody here has asked for does no harm.
    if (n)
        n->on_packet(**p);
}

MAD_DECL void client_core::on_close(engine::close_reason why, error_code ec) {
    auto const was = std::exchange(state_, state::closed);
    leaving_.push_back(std::move(link_)); // until `on_finished`, which may come at once
    decoder_.reset();
    auto const reason = reason_of(why);
    if (was == state::opening) {
        had_websocket_ = false;
        if (skip_reconnect_)
            return; // we no longer want it
        if (!ec)
            ec = error::session_closed;
        settings_.log.debug("socketio.client.connect_failed", {{"error", ec.message()}});
        bool const retrying = std::exchange(reconnecting_, false);
        tell(on_error, "error", ec);
        each_node([&](client_node& n) {
            if (n.active && !n.joined())
                n.on_failure({ec, ec.message(), std::nullopt});
        });
        if (state_ != state::closed)
            return; // a handler has begun anew
        if (retrying || (settings_.reconnection && backoff_.attempts() == 0))
            reconnect();
        if (retrying)
            tell(on_reconnect_error, "reconnect_error", ec);
        return;
    }
    backoff_.reset();
    settings_.log.debug("socketio.client.disconnected", {{"reason", to_string(reason)}});
    each_node([&](client_node& n) { n.on_link_end(reason, ec); });
    tell(on_closed, "close", reason, ec);
    if (settings_.reconnection && !skip_reconnect_ && state_ == state::closed)
        reconnect();
}

MAD_DECL void client_core::on_finished(link& l) {
    auto const it = std::find_if(leaving_.begin(), leaving_.end(),
                                 [&](auto const& p) { return p.get() == &l; });
    if (it == leaving_.end())
        return;
    auto gone = std::move(*it);
    leaving_.erase(it);
    --wires_;
    shard_.reap(std::move(gone)); // it is on the stack
    retire_if_idle();
}

MAD_DECL void client_core::reconnect() {
    if (reconnecting_ || skip_reconnect_ || retired_)
        return;
    auto const most = settings_.reconnection_attempts;
    if (most && backoff_.attempts() >= *most) {
        backoff_.reset();
        return tell(on_gave_up, "reconnect_failed");
    }
    std::uint32_t random = 0;
    fill_random({reinterpret_cast<std::uint8_t*>(&random), sizeof random});
    reconnecting_ = true;
    shard_.deadlines().arm(retry_, backoff_.next(random / 4294967296.0));
}

MAD_DECL void client_core::on_retry() {
    if (skip_reconnect_)
        return;
    tell(on_attempt, "reconnect_attempt", backoff_.attempts());
    if (!skip_reconnect_)
        connect();
}

MAD_DECL void client_core::transmit(net::wire_block const& text,
                                    std::span<net::wire_block const> attachments) {
    if (!link_)
        return;
    if (settings_.parser == packet_parser::msgpack) {
        auto const whole = encode_msgpack(text.payload(), attachments);
        auto const packed = net::wire_block::message(whole, true);
        packed.set_compress(text.compress());
        if (!whole.empty())
            link_->engine.send(packed);
        return;
    }
    if (!link_->engine.send(text))
        return;
    for (auto const& a : attachments)
        if (!link_ || !link_->engine.send(a))
            return;
}

MAD_DECL void client_core::transmit_text(std::string_view text) {
    transmit(net::wire_block::message(text, false), {});
}

MAD_DECL void client_core::pause() {
    if (link_)
        link_->engine.pause();
}

MAD_DECL void client_core::resume() {
    if (link_)
        link_->engine.resume();
}

// The end

MAD_DECL void client_core::close_link(engine::close_reason why) {
    if (link_)
        link_->engine.close(why);
}

MAD_DECL void client_core::released() {
    bool wanted = false;
    each_node([&](client_node& n) { wanted = wanted || n.active; });
    if (wanted)
        return;
    skip_reconnect_ = true;
    reconnecting_ = false;
    backoff_.reset();
    retry_.cancel();
    close_link(engine::close_reason::forced_close);
    shard_.deadlines().settle();
}

MAD_DECL void client_core::close() {
    each_node([](client_node& n) { n.disconnect(); });
    released();
}

MAD_DECL void client_core::drop() {
    close_link(engine::close_reason::transport_close);
}

MAD_DECL void client_core::retire() {
    if (retired_)
        return;
    each_node([](client_node& n) {
        n.disconnect_handlers.clear(); // its owner is gone, and perhaps what the handlers refer to
        n.error_handlers.clear();
        n.server_error_handlers.clear();
    });
    close();
    retired_ = true;
    on_attempt.clear();
    on_reconnect.clear();
    on_reconnect_error.clear();
    on_error.clear();
    on_gave_up.clear();
    on_opened.clear();
    on_pinged.clear();
    on_closed.clear();
    on_upgraded.clear();
    on_packets.clear();
    each_node([](client_node& n) { n.forget(); });
    tasks_.stop();
    retire_if_idle();
}

MAD_DECL void client_core::retire_if_idle() {
    if (!retired_ || link_ || !leaving_.empty() || !tasks_.empty())
        return;
    auto self = boost::asio::use_service<client_registry>(shard_.context()).remove(*this);
    if (!self)
        return;
    // Shared with whoever is just calling; ours is let go when nothing of it is on the stack.
    shard_.reap(std::make_unique<std::shared_ptr<client_core>>(std::move(self)));
}

// client_registry

MAD_DECL void client_registry::add(std::shared_ptr<client_core> c) {
    std::lock_guard const lock(mutex_);
    clients_.push_back(std::move(c));
}

MAD_DECL std::shared_ptr<client_core> client_registry::remove(client_core const& c) {
    std::lock_guard const lock(mutex_);
    auto const it = std::find_if(clients_.begin(), clients_.end(),
                                 [&](auto const& p) { return p.get() == &c; });
    if (it == clients_.end())
        return nullptr;
    auto out = std::move(*it);
    clients_.erase(it);
    return out;
}

MAD_DECL void client_registry::shutdown() {
    std::vector<std::shared_ptr<client_core>> all;
    {
        std::lock_guard const lock(mutex_);
        all = std::exchange(clients_, {});
    }
}

} // namespace mad::inline MAD_ABI::socketio::detail

#endif
