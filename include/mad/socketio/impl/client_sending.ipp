#ifndef MAD_SOCKETIO_IMPL_CLIENT_SENDING_IPP
#define MAD_SOCKETIO_IMPL_CLIENT_SENDING_IPP

#include <mad/socketio/detail/client_core.hpp>

#include <algorithm>

namespace mad::inline MAD_ABI::socketio::detail {

// What a client's socket sends, what it keeps meanwhile, and the answers it waits for.

MAD_DECL client_ack::client_ack(client_node& n, std::uint64_t i, ack_callback d)
    : node(n)
    , id(i)
    , done(std::move(d))
    , limit(
          [](void* p) {
              auto& self = *static_cast<client_ack*>(p);
              self.node.settle(self.id, error_code(error::timeout));
          },
          this) {}

/// The text of an event that was encoded without an ack id: `42/nsp,["x"]` as `42/nsp,7["x"]`.
inline std::string text_with_id(encoded const& p, std::string_view nsp, std::uint64_t id) {
    auto const text = p.text().payload();
    auto const attachments = static_cast<std::uint32_t>(p.attachments().size());
    auto const type = attachments > 0 ? packet_type::binary_event : packet_type::event;
    std::string without(1, '4'), out(1, '4');
    append_header(without, type, attachments, nsp, std::nullopt);
    append_header(out, type, attachments, nsp, id);
    return out.append(text.substr(without.size()));
}

MAD_DECL bool client_node::has_room(std::size_t bytes) const {
    auto const& s = core->settings();
    if (buffer_.size() + tries_.size() < s.max_buffered_packets &&
        buffered_bytes_ + bytes <= s.max_buffered_bytes)
        return true;
    s.log.warn(
        "socketio.client.buffer_full",
        {{"nsp", name()}, {"packets", buffer_.size() + tries_.size()}, {"bytes", buffered_bytes_}});
    return false;
}

MAD_DECL bool client_node::keep(encoded const& p, std::optional<std::uint64_t> ack_id) {
    auto const bytes = p.size();
    if (!has_room(bytes))
        return false;
    buffered_bytes_ += bytes;
    buffer_.push_back({p, ack_id});
    return true;
}

/// Nobody waits for its answer any more, so it is not sent.
MAD_DECL void client_node::unkeep(std::uint64_t ack_id) {
    auto const it = std::find_if(buffer_.begin(), buffer_.end(),
                                 [&](buffered const& b) { return b.ack_id == ack_id; });
    if (it == buffer_.end())
        return;
    buffered_bytes_ -= it->packet.size();
    buffer_.erase(it);
}

MAD_DECL void client_node::send(encoded const& p, bool is_volatile) {
    if (is_volatile) {
        if (joined() && core->writable())
            transmit(p);
    } else if (shared->queues) {
        enqueue(p, milliseconds(0), nullptr);
    } else if (joined()) {
        transmit(p);
    } else {
        keep(p, std::nullopt);
    }
}

MAD_DECL void client_node::send_with_ack(encoded const& p, std::optional<std::uint64_t> ack_id,
                                         milliseconds timeout, ack_callback done) {
    if (!ack_id)
        return enqueue(p, timeout, std::move(done));
    expect_answer(*ack_id, timeout, std::move(done), joined());
    if (joined())
        transmit(p);
    else if (!keep(p, ack_id))
        settle(*ack_id, error_code(error::queue_full));
}

MAD_DECL void client_node::expect_answer(std::uint64_t ack_id, milliseconds timeout,
                                         ack_callback done, bool sent) {
    auto w = std::make_unique<client_ack>(*this, ack_id, std::move(done));
    if (timeout.count() <= 0)
        timeout = core->settings().ack_timeout;
    if (timeout.count() > 0)
        home.deadlines().arm(w->limit, timeout);
    w->sent = sent;
    acks_.insert_or_assign(ack_id, std::move(w));
}

MAD_DECL void client_node::transmit(encoded const& p) {
    if (shows_outgoing)
        show_outgoing(p.text(), p.attachments());
    if (core && joined()) // unless a listener has ended it
        core->transmit(p);
}

MAD_DECL void client_node::show_outgoing(net::wire_block const& text,
                                         std::span<net::wire_block const> attachments) {
    packet_limits limits; // our own: nothing is judged here
    limits.max_attachments = limits.max_attachment_bytes = static_cast<std::size_t>(-1);
    limits.max_name = static_cast<std::size_t>(-1);
    limits.json = json_limits::trusted();
    limits.json.lone_surrogates = true;
    auto const view = parse_packet(text.payload().substr(1), limits);
    if (!view || !view->is_event())
        return;
    std::vector<std::string> bytes;
    for (auto const& a : attachments)
        bytes.emplace_back(a.payload());
    packet shown(*view);
    shown.attachments = bytes;
    auto const event = event_name(*view).text();
    client_event context(answers->node(), shown, event, true);
    listeners.run(listener_kind::outgoing, [&](listener const& fn) {
        try {
            fn(context);
        } catch (...) {
            if (core)
                core->fault(event);
        }
    });
}

MAD_DECL void client_node::flush() {
    auto const mine = generation;
    while (!buffer_.empty() && core && joined() && generation == mine) {
        auto const next = std::move(buffer_.front());
        buffer_.pop_front();
        buffered_bytes_ -= next.packet.size();
        if (next.ack_id)
            if (auto const a = acks_.find(*next.ack_id); a != acks_.end())
                a->second->sent = true;
        transmit(next.packet);
    }
}

MAD_DECL void client_node::settle(std::uint64_t ack_id, result<arguments> answer) {
    auto n = acks_.extract(ack_id);
    if (!n)
        return;
    auto waited = std::move(n.mapped());
    waited->limit.cancel();
    auto const done = std::move(waited->done);
    if (!waited->sent)
        unkeep(ack_id);
    home.reap(std::move(waited)); // its own deadline may be running
    try {
        done(std::move(answer));
    } catch (...) {
        if (core)
            core->fault("ack");
    }
}

// Events that are sent until they are answered

MAD_DECL void client_node::enqueue(encoded const& p, milliseconds timeout, ack_callback done) {
    auto const bytes = p.size();
    if (!has_room(bytes)) {
        if (done)
            done(error_code(error::queue_full));
        return;
    }
    buffered_bytes_ += bytes;
    tries_.push_back({p, ++numbers_, timeout, std::move(done)});
    send_head();
}

MAD_DECL void client_node::send_head() {
    if (!core || !joined() || tries_.empty() || tries_.front().pending)
        return;
    auto& head = tries_.front();
    head.pending = true;
    ++head.tries;
    auto const p = head.packet; // sending may end the connection, and this try with it
    auto const ack_id = shared->ack_ids.fetch_add(1, std::memory_order_relaxed);
    expect_answer(
        ack_id, head.timeout,
        [this, number = head.number](result<arguments> a) { head_settled(number, std::move(a)); },
        true);
    auto const text = text_with_id(p, name(), ack_id);
    auto const block = net::wire_block::message(text, false);
    if (shows_outgoing)
        show_outgoing(block, p.attachments());
    if (core && joined())
        core->transmit(block, p.attachments());
}

MAD_DECL void client_node::head_settled(std::uint64_t number, result<arguments> answer) {
    if (!core || tries_.empty() || tries_.front().number != number)
        return;
    auto& head = tries_.front();
    head.pending = false;
    if (answer || head.tries > core->settings().retries) {
        auto const over = std::move(head);
        buffered_bytes_ -= over.packet.size();
        tries_.pop_front();
        try {
            if (over.done)
                over.done(std::move(answer));
        } catch (...) {
            if (core)
                core->fault("ack");
        }
    }
    send_head();
}

} // namespace mad::inline MAD_ABI::socketio::detail

#endif
