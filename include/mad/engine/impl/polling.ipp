#ifndef MAD_ENGINE_IMPL_POLLING_IPP
#define MAD_ENGINE_IMPL_POLLING_IPP

#include <mad/engine/payload.hpp>
#include <mad/engine/polling.hpp>

#include <algorithm>

namespace mad::inline MAD_ABI::engine {

namespace detail {

inline void append_block(revision rev, std::string& out, net::wire_block const& b, bool first) {
    auto const text = b.payload();
    if (b.binary())
        return append_payload(rev, out, {packet_type::message, true, text}, first);
    auto const type = packet_type_of(text.front()).value_or(packet_type::noop);
    append_payload(rev, out, {type, false, text.substr(1)}, first);
}

inline net::http::response polling_answer(int status, std::string_view fields,
                                          std::string_view type, std::string body) {
    net::http::response r;
    r.status = status;
    r.fields.reserve(160);
    r.fields.append("Content-Type: ").append(type).append("\r\ncache-control: no-store\r\n");
    r.fields.append(fields);
    r.body = std::move(body);
    return r;
}

inline net::http::response packets_answer(std::string_view fields, std::string body) {
    return polling_answer(200, fields, "text/plain; charset=UTF-8", std::move(body));
}

} // namespace detail

MAD_DECL polling::polling(net::shard& s, revision rev, net::outbox_limits const& limits,
                          std::size_t pause_above_bytes, transport_events& e)
    : shard_(s), limits_(limits), events_(&e), pause_above_bytes_(pause_above_bytes),
      revision_(rev) {}

MAD_DECL polling::~polling() { shard_.unmark(*this); }

MAD_DECL bool polling::poll(net::http::exchange x, std::string fields) {
    if (poll_.open()) {
        poll_.respond(detail::packets_answer(poll_fields_, "1"));
        x.respond(detail::polling_answer(400, fields, "text/html", {}));
        return false;
    }
    poll_ = std::move(x);
    poll_fields_ = std::move(fields);
    poll_.on_gone([this](int) {
        if (auto* const e = std::exchange(events_, nullptr))
            e->on_transport_end(close_reason::transport_error);
    });
    if (!queue_.empty())
        shard_.mark(*this);
    return true;
}

MAD_DECL bool polling::begin_post(net::http::exchange& x) {
    if (posting_)
        return false;
    posting_ = true;
    uploader_ = x.owner();
    x.on_gone([this](int status) {
        posting_ = false;
        uploader_ = nullptr;
        // A body over the limit was answered with 413 and harms nobody; one cut off is the end.
        if (status == 413)
            return;
        if (auto* const e = std::exchange(events_, nullptr))
            e->on_transport_end(close_reason::transport_error);
    });
    return true;
}

MAD_DECL void polling::post(net::http::exchange x, std::string_view body, bool binary_body,
                            std::string fields) {
    constexpr std::size_t whole_below = 16 * 1024;
    posting_ = true;
    uploader_ = nullptr;
    // A small body is read where it lies, unless its reader has to wait.
    payload_reader reader(revision_, body, binary_body);
    packet_view p;
    std::size_t taken = 0;
    bool done = false;
    while (body.size() <= whole_below) {
        auto const more = reader.next(p);
        if (!more && events_)
            std::exchange(events_, nullptr)->on_transport_end(close_reason::parse_error);
        done = !more || !*more || !events_;
        if (done || !may_read())
            break;
        ++taken;
        events_->on_packet(p);
    }
    if (done) {
        posting_ = false;
        return x.respond(detail::polling_answer(200, fields, "text/html", "ok"));
    }
    upload_ = std::make_unique<upload>();
    upload_->answer = std::move(x);
    upload_->fields = std::move(fields);
    upload_->body.assign(body);
    upload_->reader.emplace(revision_, upload_->body, binary_body);
    for (; taken > 0; --taken)
        (void)upload_->reader->next(p);
    read_body();
}

MAD_DECL void polling::read_body() {
    // A large body is handed out in slices, between which others have their turn.
    constexpr int slice = 256;
    reading_ = true;
    packet_view p;
    for (int i = 0; i < slice && upload_ && events_ && may_read(); ++i) {
        auto const more = upload_->reader->next(p);
        if (!more)
            std::exchange(events_, nullptr)->on_transport_end(close_reason::parse_error);
        if (!more || !*more) {
            end_post();
            break;
        }
        events_->on_packet(p);
    }
    reading_ = false;
    if (upload_ && !events_)
        end_post();
    else if (upload_ && may_read())
        shard_.mark(*this);
}

MAD_DECL void polling::end_post() {
    posting_ = false;
    auto const done = std::move(upload_);
    done->answer.respond(detail::polling_answer(200, done->fields, "text/html", "ok"));
}

MAD_DECL void polling::resume() {
    if (paused_ > 0 && --paused_ == 0 && upload_)
        shard_.mark(*this);
}

MAD_DECL bool polling::send(net::wire_block packet) {
    if (!open_)
        return true;
    auto const n = packet.payload().size();
    // The largest one does not count: see `websocket::has_room`.
    largest_ = std::max(largest_, n);
    if (queued_bytes_ + n > limits_.max_bytes + largest_ || queue_.size() >= limits_.max_blocks)
        return false;
    queued_bytes_ += n;
    queue_.push_back(std::move(packet));
    if (poll_.open())
        shard_.mark(*this);
    return true;
}

MAD_DECL void polling::flush_noop() {
    if (poll_.open() && queue_.empty()) {
        ++progress_;
        poll_.respond(detail::packets_answer(poll_fields_, "6"));
    }
}

MAD_DECL void polling::on_turn_end() {
    if (poll_.open() && !queue_.empty())
        answer_poll();
    // The next slice, not before descriptors have been served again.
    if (!upload_ || reading_ || slice_posted_ || !may_read())
        return;
    slice_posted_ = true;
    shard_.post([this, alive = std::weak_ptr<int>(alive_)] {
        if (alive.expired())
            return;
        slice_posted_ = false;
        if (upload_ && !reading_)
            read_body();
    });
}

MAD_DECL void polling::answer_poll() {
    poll_.respond(detail::packets_answer(poll_fields_, take_body()));
}

MAD_DECL std::string polling::take_body() {
    std::string body;
    body.reserve(queued_bytes_ + queue_.size());
    for (auto const& b : queue_)
        detail::append_block(revision_, body, b, body.empty());
    queue_.clear();
    if (queue_.capacity() > 8)
        queue_.shrink_to_fit();
    emptied();
    ++progress_;
    return body;
}

MAD_DECL void polling::emptied() {
    queued_bytes_ = largest_ = 0;
    if (upload_)
        shard_.mark(*this);
}

MAD_DECL std::vector<net::wire_block> polling::take_queue() {
    emptied();
    return std::exchange(queue_, {});
}

MAD_DECL std::vector<std::string> polling::last_words() {
    std::vector<std::string> bodies;
    if (!queue_.empty())
        bodies.push_back(take_body());
    auto& goodbye = bodies.emplace_back();
    append_payload(revision_, goodbye, {packet_type::noop, false, {}}, true);
    append_payload(revision_, goodbye, {packet_type::close, false, {}}, false);
    return bodies;
}

MAD_DECL bool polling::flush_queue() {
    if (!poll_.open() || queue_.empty())
        return false;
    answer_poll();
    return true;
}

MAD_DECL void polling::cancel_post() {
    posting_ = false;
    uploader_ = nullptr;
}

MAD_DECL void polling::close(close_manner how) {
    if (!open_)
        return;
    open_ = false;
    events_ = nullptr;
    if (poll_.open()) {
        if (how == close_manner::silent) {
            poll_.respond(detail::packets_answer(poll_fields_, "6"));
        } else {
            queue_.push_back(net::wire_block::message("1", false));
            answer_poll();
        }
    }
    if (auto* const u = std::exchange(uploader_, nullptr))
        u->abandon();
    if (upload_ && !reading_)
        end_post();
}

} // namespace mad::inline MAD_ABI::engine

#endif
