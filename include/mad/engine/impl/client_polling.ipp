#ifndef MAD_ENGINE_IMPL_CLIENT_POLLING_IPP
#define MAD_ENGINE_IMPL_CLIENT_POLLING_IPP

#include <mad/engine/client_polling.hpp>

#include <algorithm>

namespace mad::inline MAD_ABI::engine {

namespace detail {

/// A queued block as the packet that it is.
inline packet_view packet_of(net::wire_block const& b) {
    auto const text = b.payload();
    if (b.binary())
        return {packet_type::message, true, text};
    return {packet_type_of(text.front()).value_or(packet_type::noop), false, text.substr(1)};
}

/// Into a body of revision 3 that holds bytes.
inline void append_typed(std::string& body, net::wire_block const& b) {
    if (!b.binary())
        return append_payload_binary(body, b.payload(), false);
    std::string typed;
    append_binary(typed, b.payload(), binary_form::typed_bytes);
    append_payload_binary(body, typed, true);
}

} // namespace detail

MAD_DECL std::size_t fitting_packets(std::span<net::wire_block const> queue,
                                     std::optional<std::size_t> max_bytes, revision rev) {
    if (!max_bytes)
        return queue.size();
    std::size_t n = 0, bytes = 0;
    for (; n < queue.size(); ++n) {
        bytes += payload_size(rev, detail::packet_of(queue[n]), n == 0);
        if (rev == revision::eio3)
            bytes += 2; // in the binary form text costs a byte, and its length perhaps a digit more
        if (n > 0 && bytes > *max_bytes)
            break;
    }
    return n;
}

MAD_DECL client_polling::client_polling(net::shard& s, detail::client_endpoint const& e,
                                        net::outbox_limits const& limits, transport_events& events)
    : shard_(s)
    , endpoint_(e)
    , limits_(limits)
    , events_(&events)
    , getter_(std::make_unique<net::http::client>(s, e.http()))
    , poster_(std::make_unique<net::http::client>(s, e.http())) {}

MAD_DECL client_polling::~client_polling() {
    shard_.unmark(*this);
}

MAD_DECL net::http::client_request client_polling::request(std::string method) const {
    net::http::client_request r;
    r.method = std::move(method);
    r.target = endpoint_.target(transport_kind::polling, sid_);
    r.fields = endpoint_.fields();
    r.set("Accept", "*/*");
    return r;
}

MAD_DECL void client_polling::start(milliseconds timeout) {
    patience_ = timeout;
    get();
}

MAD_DECL void client_polling::set_session(std::string_view sid,
                                          std::optional<std::size_t> max_payload,
                                          milliseconds patience) {
    sid_ = sid;
    max_payload_ = max_payload;
    patience_ = patience;
}

MAD_DECL void client_polling::get() {
    getter_->request(request("GET"), patience_,
                     [this](result<net::http::client_response> r) { got(std::move(r)); });
}

MAD_DECL void client_polling::got(result<net::http::client_response> r) {
    if (!open_)
        return; // leaving: the POST is what counts
    if (!r)
        return fail(r.error());
    endpoint_.heard(*r);
    if (r->status != 200)
        return fail(error::transport_failed);
    ++progress_;
    bool const binary = endpoint_.rev() == revision::eio3 &&
                        r->header("Content-Type").starts_with("application/octet-stream");
    inbox_ = std::make_unique<inbox>(endpoint_.rev(), std::move(r->body), binary);
    hand_out();
}

MAD_DECL void client_polling::hand_out() {
    handing_out_ = true;
    packet_view p;
    bool more = true;
    while (events_ && paused_ == 0 && more) {
        auto const next = inbox_->reader.next(p);
        if (!next) {
            handing_out_ = false;
            why_ = next.error();
            return std::exchange(events_, nullptr)->on_transport_end(close_reason::parse_error);
        }
        if ((more = *next))
            events_->on_packet(p);
    }
    handing_out_ = false;
    if (more && events_)
        return; // paused: the rest waits here, and so does the next GET
    inbox_.reset();
    if (!open_)
        return;
    if (holding_)
        check_held();
    else
        get();
}

MAD_DECL void client_polling::resume() {
    if (paused_ == 0 || --paused_ > 0 || !inbox_)
        return;
    shard_.mark(*this); // never inside a handler
}

MAD_DECL bool client_polling::send(net::wire_block packet) {
    if (!open_)
        return true;
    auto const n = packet.payload().size();
    if (queued_bytes_ + n > limits_.max_bytes || queue_.size() >= limits_.max_blocks)
        return false;
    queued_bytes_ += n;
    queue_.push_back(std::move(packet));
    shard_.mark(*this);
    return true;
}

MAD_DECL bool client_polling::writable() const {
    return open_ && !sid_.empty() && !holding_ && queue_.empty() && !poster_->busy();
}

MAD_DECL void client_polling::on_turn_end() {
    if (inbox_ && !handing_out_ && paused_ == 0 && events_)
        hand_out();
    post();
}

MAD_DECL void client_polling::post() {
    if (queue_.empty() || sid_.empty() || poster_->busy() || (!open_ && !leaving_) ||
        (holding_ && open_))
        return;
    auto const rev = endpoint_.rev();
    auto const n = fitting_packets(queue_, max_payload_, rev);
    auto r = request("POST");
    bool const bytes = rev == revision::eio3 &&
                       std::any_of(queue_.begin(), queue_.begin() + static_cast<std::ptrdiff_t>(n),
                                   [](net::wire_block const& b) { return b.binary(); });
    r.set("Content-Type", bytes ? "application/octet-stream" : "text/plain;charset=UTF-8");
    for (std::size_t i = 0; i < n; ++i) {
        if (bytes)
            detail::append_typed(r.body, queue_[i]);
        else
            append_payload(rev, r.body, detail::packet_of(queue_[i]), i == 0);
        queued_bytes_ -= queue_[i].payload().size();
    }
    queue_.erase(queue_.begin(), queue_.begin() + static_cast<std::ptrdiff_t>(n));
    poster_->request(std::move(r), patience_,
                     [this](result<net::http::client_response> a) { posted(std::move(a)); });
}

MAD_DECL void client_polling::posted(result<net::http::client_response> r) {
    if (leaving_)
        return r && r->status == 200 ? leave() : finish();
    if (!open_)
        return;
    if (!r)
        return fail(r.error());
    endpoint_.heard(*r);
    if (r->status != 200)
        return fail(r->status == 413 ? error::payload_too_large : error::transport_failed);
    ++progress_;
    if (holding_)
        return check_held();
    if (!queue_.empty())
        shard_.mark(*this);
}

MAD_DECL void client_polling::hold(std::function<void()> held) {
    holding_ = true;
    held_ = std::move(held);
    if (!handing_out_)
        check_held();
}

MAD_DECL void client_polling::check_held() {
    if (getter_->busy() || poster_->busy() || inbox_)
        return;
    if (auto const held = std::exchange(held_, nullptr))
        held();
}

MAD_DECL void client_polling::release() {
    if (!holding_)
        return;
    holding_ = false;
    held_ = nullptr;
    if (!open_)
        return;
    if (!getter_->busy() && !inbox_)
        get();
    shard_.mark(*this);
}

MAD_DECL std::vector<net::wire_block> client_polling::take_queue() {
    queued_bytes_ = 0;
    return std::exchange(queue_, {});
}

MAD_DECL void client_polling::fail(error_code why) {
    why_ = why;
    if (auto* const e = std::exchange(events_, nullptr))
        e->on_transport_end(close_reason::transport_error);
}

MAD_DECL void client_polling::close(close_manner how) {
    if (!open_) {
        if (how == close_manner::silent && leaving_) {
            done_ = nullptr;
            finish();
        }
        return;
    }
    open_ = false;
    events_ = nullptr;
    if (how == close_manner::silent || sid_.empty())
        return finish();
    if (how == close_manner::at_once)
        take_queue();
    // The GET stays until the server has heard the goodbye: cutting it is a broken wire to the
    // server, and what is still queued would be lost.
    leaving_ = true;
    if (!poster_->busy())
        leave();
}

/// The next body of what is queued, then the goodbye, then the end.
MAD_DECL void client_polling::leave() {
    if (queue_.empty()) {
        if (said_)
            return finish();
        said_ = true;
        queue_.push_back(net::wire_block::message("1", false));
        queued_bytes_ = 1;
    }
    post();
}

MAD_DECL void client_polling::finish() {
    leaving_ = false;
    queue_.clear();
    queued_bytes_ = 0;
    getter_->close();
    poster_->close();
    if (auto const done = std::exchange(done_, nullptr))
        done();
}

} // namespace mad::inline MAD_ABI::engine

#endif
