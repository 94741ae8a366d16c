#ifndef MAD_NET_HTTP_IMPL_CLIENT_IPP
#define MAD_NET_HTTP_IMPL_CLIENT_IPP

#include <mad/net/http/client.hpp>
#include <mad/net/http/detail/client_connection.hpp>
#include <mad/net/http/head.hpp>
#include <mad/net/one_shot.hpp>

#include <algorithm>
#include <stdexcept>

#include <sys/epoll.h>

namespace mad::inline MAD_ABI::net::http {

MAD_DECL client_request& client_request::set(std::string_view name, std::string_view value) {
    auto const add = [this](std::string_view text) {
        for (char const c : text)
            fields += c == '\r' || c == '\n' || c == '\0' ? ' ' : c;
    };
    add(name);
    fields += ": ";
    add(value);
    fields += "\r\n";
    return *this;
}

MAD_DECL std::string_view client_response::header(std::string_view name) const {
    for (auto const& [n, value] : fields)
        if (iequals(n, name))
            return value;
    return {};
}

MAD_DECL bool client_response::says(std::string_view name, std::string_view token) const {
    return std::any_of(fields.begin(), fields.end(), [&](auto const& f) {
        return iequals(f.first, name) && has_token(f.second, token);
    });
}

namespace detail {

MAD_DECL client_connection::client_connection(client& owner, stream s)
    : shard_(owner.shard_)
    , owner_(owner)
    , stream_(std::move(s))
    , chunks_(owner.settings_.limits.max_chunk_overhead_bytes) {}

MAD_DECL client_connection::~client_connection() {
    shard_.unmark(*this);
    shut();
}

MAD_DECL error_code client_connection::start() {
    auto const failed = shard_.watch(stream_.fd(), EPOLLIN, *this);
    if (failed)
        stream_.close(); // else `shut` would end a watch that there is not
    return failed;
}

MAD_DECL void client_connection::shut() {
    if (stream_.is_open()) {
        shard_.unwatch(stream_.fd());
        stream_.close();
    }
    if (phase_ != phase::switched)
        phase_ = phase::over;
}

MAD_DECL stream client_connection::take_stream(std::string& rest) {
    if (stream_.is_open())
        shard_.unwatch(stream_.fd());
    rest = std::move(in_);
    phase_ = phase::over;
    return std::move(stream_);
}

MAD_DECL void client_connection::transmit(client_request const& r) {
    std::string head;
    head.reserve(256 + r.target.size() + r.fields.size());
    head.append(r.method).append(" ").append(r.target).append(" HTTP/1.1\r\nHost: ");
    head.append(owner_.settings_.authority).append("\r\n").append(r.fields);
    head.append(r.upgrade ? "Connection: Upgrade\r\n" : "Connection: keep-alive\r\n");
    if (!r.body.empty() || r.method == "POST" || r.method == "PUT")
        head.append("Content-Length: ").append(std::to_string(r.body.size())).append("\r\n");
    head.append("\r\n");
    out_.push(wire_block::raw(head));
    if (!r.body.empty())
        out_.push(wire_block::raw(r.body));
    answer_ = {};
    in_.clear();
    upgrade_ = r.upgrade;
    begun_ = false;
    phase_ = phase::head;
    shard_.mark(*this);
}

MAD_DECL void client_connection::on_turn_end() {
    if (stream_.is_open() && !blocked_)
        write();
}

MAD_DECL void client_connection::on_ready(std::uint32_t events) {
    if (!stream_.is_open())
        return;
    if (events & EPOLLOUT)
        write();
    if (stream_.is_open() && (events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
        read();
}

MAD_DECL void client_connection::write() {
    auto const s = out_.write_to(stream_, shard_.write_scratch());
    if (s == io_status::failed || s == io_status::ended) {
        // A server may answer and close before it has read everything: its answer counts.
        out_.clear();
        broken_ = true;
        read();
        if (stream_.is_open())
            ended(io_status::failed);
        return;
    }
    bool const blocked = s == io_status::blocked;
    if (blocked == blocked_)
        return;
    blocked_ = blocked;
    shard_.rewatch(stream_.fd(), EPOLLIN | (blocked ? std::uint32_t(EPOLLOUT) : 0u), *this);
}

MAD_DECL void client_connection::read() {
    auto const scratch = shard_.read_scratch();
    auto const half = scratch.size() / 2;
    for (int round = 0; round < 8 && stream_.is_open(); ++round) {
        auto const r = stream_.read(scratch.first(half), scratch.subspan(half));
        if (stream_.owes() && !blocked_)
            shard_.mark(*this);
        if (r.status == io_status::blocked)
            return;
        if (r.status != io_status::ok)
            return ended(r.status);
        feed({scratch.data(), r.bytes});
        if (r.bytes < half || phase_ == phase::idle)
            return;
    }
}

MAD_DECL void client_connection::feed(std::string_view in) {
    switch (phase_) {
    case phase::head:
        begun_ = true;
        in_.append(in);
        while (phase_ == phase::head && read_head()) {
        }
        return;
    case phase::body:
        return feed_body(in);
    case phase::switched: // not for us; whoever takes the stream gets it
        in_.append(in);
        return;
    case phase::idle:
    case phase::over: // nobody asked
        return shut();
    }
}

/// False when more is needed or the exchange has ended; true after an interim answer.
MAD_DECL bool client_connection::read_head() {
    auto const& limits = owner_.settings_.limits;
    auto const end = find_head_end(in_);
    if (!end) {
        if (in_.size() > limits.max_head_bytes)
            finish(error_code(client_error::head_too_large));
        return false;
    }
    auto const h = parse_response_head(std::string_view(in_).substr(0, *end), limits);
    if (!h) {
        finish(h.error());
        return false;
    }
    bool const switches = h->status == 101;
    if (h->status < 200 && !switches) {
        in_.erase(0, *end);
        return true;
    }
    if (switches && !upgrade_) {
        finish(error_code(client_error::bad_response));
        return false;
    }
    answer_.status = h->status;
    for (auto const& f : h->fields)
        answer_.fields.emplace_back(f.name, f.value);
    keep_alive_ = h->keep_alive && !switches;
    body_ = h->body;
    left_ = h->content_length;
    chunks_ = chunk_decoder(limits.max_chunk_overhead_bytes);
    auto rest = in_.substr(*end);
    in_.clear();
    if (switches) {
        phase_ = phase::switched;
        in_ = std::move(rest);
        owner_.answered(std::move(answer_), true);
        return false;
    }
    if (body_ == response_body::sized && left_ > limits.max_body_bytes) {
        finish(error_code(client_error::body_too_large));
        return false;
    }
    phase_ = phase::body;
    feed_body(rest);
    return false;
}

MAD_DECL void client_connection::feed_body(std::string_view in) {
    auto const most = owner_.settings_.limits.max_body_bytes;
    switch (body_) {
    case response_body::none:
        return complete(in);
    case response_body::sized: {
        auto const n = static_cast<std::size_t>(std::min<std::uint64_t>(left_, in.size()));
        answer_.body.append(in.substr(0, n));
        if ((left_ -= n) == 0)
            complete(in.substr(n));
        return;
    }
    case response_body::chunked:
        switch (chunks_.feed(in, answer_.body, most)) {
        case chunk_decoder::state::more:
            return;
        case chunk_decoder::state::done:
            return complete(in);
        case chunk_decoder::state::piece: // of `next` alone
        case chunk_decoder::state::bad:
            return finish(error_code(client_error::bad_response));
        case chunk_decoder::state::too_large:
            return finish(error_code(client_error::body_too_large));
        }
        return;
    case response_body::until_close:
        if (in.size() > most - answer_.body.size())
            return finish(error_code(client_error::body_too_large));
        answer_.body.append(in);
        return;
    }
}

MAD_DECL void client_connection::complete(std::string_view rest) {
    // More than was asked for: nothing on this connection can be trusted any more. And what is not
    // written yet belongs to a request that has its answer.
    if (!keep_alive_ || broken_ || !rest.empty() || !out_.empty())
        shut();
    else
        phase_ = phase::idle;
    owner_.answered(std::move(answer_), true);
}

MAD_DECL void client_connection::ended(io_status s) {
    if (phase_ == phase::body && body_ == response_body::until_close && s == io_status::ended) {
        shut();
        return owner_.answered(std::move(answer_), true);
    }
    finish(error_code(client_error::ended));
}

MAD_DECL void client_connection::finish(result<client_response> why) {
    bool const waits = phase_ == phase::head || phase_ == phase::body;
    shut();
    if (waits)
        owner_.answered(std::move(why), begun_);
}

} // namespace detail

MAD_DECL client::client(shard& s, client_settings settings)
    : shard_(s)
    , settings_(std::move(settings))
    , limit_(
          [](void* p) {
              auto& self = *static_cast<client*>(p);
              self.drop_connection();
              self.finish(error_code(client_error::timeout));
          },
          this) {}

MAD_DECL client::~client() {
    close();
}

MAD_DECL void client::request(client_request r, milliseconds timeout, handler done) {
    if (done_)
        throw std::logic_error("a client sends one request at a time");
    request_ = std::move(r);
    done_ = std::move(done);
    if (timeout.count() > 0)
        shard_.deadlines().arm(limit_, timeout);
    auto const idle = std::chrono::steady_clock::now() - idle_since_;
    reused_ = connection_ && connection_->reusable() && idle <= settings_.max_idle;
    if (reused_)
        return connection_->transmit(request_);
    dial();
}

MAD_DECL boost::asio::awaitable<result<client_response>> client::request(client_request r,
                                                                         milliseconds timeout) {
    one_shot<client_response> done(co_await boost::asio::this_coro::executor);
    request(std::move(r), timeout, done.callback());
    auto outcome = co_await done.wait();
    if (!outcome && outcome.error() == boost::asio::error::operation_aborted)
        close();
    co_return outcome;
}

MAD_DECL void client::dial() {
    drop_connection();
    dialer_ = std::make_unique<dialer>(shard_, settings_.dial);
    dialer_->start(settings_.to, [this](result<stream> s) { dialed(std::move(s)); });
}

MAD_DECL void client::dialed(result<stream> s) {
    if (!s)
        failure_ = dialer_->failure();
    shard_.reap(std::move(dialer_)); // it is on the stack
    if (!s)
        return finish(s.error());
    connection_ = std::make_unique<detail::client_connection>(*this, std::move(*s));
    if (auto const ec = connection_->start())
        return finish(ec);
    connection_->transmit(request_);
}

MAD_DECL void client::answered(result<client_response> r, bool begun) {
    if (!r && reused_ && !begun && request_.method == "GET")
        return reused_ = false, dial();
    finish(std::move(r));
}

MAD_DECL void client::finish(result<client_response> r) {
    limit_.cancel();
    idle_since_ = std::chrono::steady_clock::now();
    if (auto const done = std::exchange(done_, nullptr))
        done(std::move(r));
}

MAD_DECL stream client::take_stream(std::string& rest) {
    if (!connection_)
        return {};
    auto s = connection_->take_stream(rest);
    shard_.reap(std::move(connection_));
    return s;
}

MAD_DECL void client::drop_connection() {
    if (dialer_) {
        dialer_->cancel();
        shard_.reap(std::move(dialer_));
    }
    if (connection_) {
        connection_->shut();
        shard_.reap(std::move(connection_));
    }
}

MAD_DECL void client::close() {
    done_ = nullptr;
    limit_.cancel();
    drop_connection();
}

} // namespace mad::inline MAD_ABI::net::http

#endif
