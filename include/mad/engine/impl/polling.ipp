#ifndef MAD_ENGINE_IMPL_POLLING_IPP
#define MAD_ENGINE_IMPL_POLLING_IPP

#include <mad/engine/detail/jsonp.hpp>
#include <mad/engine/payload.hpp>
#include <mad/engine/polling.hpp>

#include <algorithm>

namespace mad::inline MAD_ABI::engine {

namespace detail {

inline void append_block(revision rev, std::string& out, net::wire_block const& b, bool first) {
    if (!b.binary())
        return append_payload_text(rev, out, b.payload(), first);
    auto const data = b.payload().substr(rev == revision::eio3 ? 1 : 0); // without its 0x04
    append_payload(rev, out, {packet_type::message, true, data}, first);
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

inline net::http::response packets_answer(std::string_view fields, polling_body body) {
    constexpr std::string_view types[] = {
        "text/plain; charset=UTF-8", "application/octet-stream",
        "text/javascript; charset=UTF-8\r\nX-Content-Type-Options: nosniff"};
    return polling_answer(200, fields, types[static_cast<int>(body.type)], std::move(body.bytes));
}

} // namespace detail

MAD_DECL polling::polling(net::shard& s, polling_dialect d, net::outbox_limits const& limits,
                          std::size_t pause_above_bytes, transport_events& e)
    : shard_(s)
    , limits_(limits)
    , events_(&e)
    , pause_above_bytes_(pause_above_bytes)
    , dialect_(std::move(d)) {}

MAD_DECL polling::~polling() {
    shard_.unmark(*this);
}

MAD_DECL bool polling::poll(net::http::exchange x, std::string fields, net::content_coding coding) {
    if (poll_.open()) {
        poll_.respond(detail::packets_answer(poll_fields_, single("1")));
        x.respond(detail::polling_answer(400, fields, "text/html", {}));
        return false;
    }
    poll_ = std::move(x);
    poll_fields_ = std::move(fields);
    coding_ = coding;
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
    std::string form;
    if (dialect_.jsonp) {
        form = detail::jsonp_body(body);
        body = form;
        binary_body = false;
    }
    // A small body is read where it lies, unless its reader has to wait.
    payload_reader reader(dialect_.rev, body, binary_body);
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
    upload_->reader.emplace(dialect_.rev, upload_->body, binary_body);
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
        poll_.respond(detail::packets_answer(poll_fields_, single("6")));
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
    bool const compress = compression_ && std::any_of(queue_.begin(), queue_.end(),
                                                      [](auto const& b) { return b.compress(); });
    auto answer = detail::packets_answer(poll_fields_, take_body());
    if (compress)
        net::http::compress_body(answer, coding_, *compression_);
    poll_.respond(std::move(answer));
}

MAD_DECL polling_body polling::take_body() {
    std::string body; // a script cannot hold bytes either
    body.reserve(queued_bytes_ + queue_.size() * (dialect_.rev == revision::eio3 ? 6 : 1));
    bool const binary = dialect_.rev == revision::eio3 && !dialect_.b64 && !dialect_.jsonp &&
                        std::any_of(queue_.begin(), queue_.end(),
                                    [](net::wire_block const& b) { return b.binary(); });
    for (auto const& b : queue_) {
        if (binary)
            append_payload_binary(body, b.payload(), b.binary());
        else
            detail::append_block(dialect_.rev, body, b, body.empty());
    }
    queue_.clear();
    if (queue_.capacity() > 8)
        queue_.shrink_to_fit();
    emptied();
    ++progress_;
    if (binary)
        return {std::move(body), polling_body::kind::binary};
    return finished(std::move(body));
}

MAD_DECL polling_body polling::finished(std::string text) const {
    if (!dialect_.jsonp)
        return {std::move(text), polling_body::kind::text};
    return {detail::jsonp_script(*dialect_.jsonp, text), polling_body::kind::script};
}

MAD_DECL polling_body polling::single(std::string_view packet) const {
    std::string text;
    append_payload_text(dialect_.rev, text, packet, true);
    return finished(std::move(text));
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

MAD_DECL std::vector<polling_body> polling::last_words() {
    std::vector<polling_body> bodies;
    if (!queue_.empty())
        bodies.push_back(take_body());
    std::string goodbye;
    append_payload_text(dialect_.rev, goodbye, "6", true);
    append_payload_text(dialect_.rev, goodbye, "1", false);
    bodies.push_back(finished(std::move(goodbye)));
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
            poll_.respond(detail::packets_answer(poll_fields_, single("6")));
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
