#ifndef MAD_PROXY_IMPL_END_IPP
#define MAD_PROXY_IMPL_END_IPP

#include <mad/proxy/detail/end.hpp>

#include <sys/epoll.h>
#include <sys/socket.h>

namespace mad::inline MAD_ABI::proxy::detail {

MAD_DECL end::~end() {
    close();
}

// Room for output, and the end of a peer that is not read, are asked for level-triggered: they are
// rare, and nobody has to remember them.
MAD_DECL std::uint32_t end::input_events() const {
    return stream.secure() ? EPOLLIN : EPOLLIN | EPOLLRDHUP | static_cast<std::uint32_t>(EPOLLET);
}

MAD_DECL bool end::watch() {
    events_ = input_events();
    watched_ = !shard_.watch(stream.fd(), events_, *this);
    return watched_;
}

MAD_DECL void end::want_input(bool yes, bool notice) {
    reads_ = yes;
    if (!watched_)
        return;
    // During a TLS handshake nothing can be written however writable the descriptor is.
    bool const out = stream.owes() || (!rest_.empty() && stream.established());
    std::uint32_t events = yes ? EPOLLIN : notice ? EPOLLRDHUP : 0u;
    if (out)
        events |= EPOLLOUT;
    else if (yes)
        events = input_events();
    if (events == events_)
        return;
    events_ = events;
    shard_.rewatch(stream.fd(), events, *this);
}

MAD_DECL void end::await_connect() {
    events_ = EPOLLIN | EPOLLOUT;
    if (watched_)
        shard_.rewatch(stream.fd(), events_, *this);
    else
        watched_ = !shard_.watch(stream.fd(), events_, *this);
}

MAD_DECL void end::on_ready(std::uint32_t events) {
    if (!owner)
        return;
    unread_ = unread_ || (events & ~static_cast<std::uint32_t>(EPOLLOUT)) != 0;
    ending_ = ending_ || (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
    serving_ = true;
    owner->on_end(*this, events);
    serving_ = false;
    if (unread_)
        announce_again();
}

MAD_DECL net::io_outcome end::read(std::span<char> into, std::span<char> scratch) {
    auto const r = stream.read(into, scratch);
    // Less than was asked for: the rest comes with an event of its own, unless it is the end.
    unread_ = r.status == net::io_status::ok && (ending_ || r.bytes == into.size());
    if (unread_ && !serving_)
        announce_again();
    return r;
}

// To change a registration makes the kernel look again.
MAD_DECL void end::announce_again() {
    if (watched_ && (events_ & static_cast<std::uint32_t>(EPOLLET)) != 0)
        shard_.rewatch(stream.fd(), events_, *this);
}

MAD_DECL bool end::send(std::span<iovec const> parts) {
    std::size_t sent = 0;
    if (rest_.empty()) {
        auto const r = stream.write(parts);
        if (r.status == net::io_status::failed)
            return false;
        sent = r.bytes;
    }
    rest_.keep(parts, sent);
    return true;
}

MAD_DECL bool end::send(std::string_view text) {
    iovec const v{const_cast<char*>(text.data()), text.size()};
    return send({&v, 1});
}

MAD_DECL bool end::send_plain(std::string_view text) {
    auto const n = ::send(stream.fd(), text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    return n >= 0 && static_cast<std::size_t>(n) == text.size();
}

MAD_DECL bool end::flush() {
    while (!rest_.empty()) {
        iovec const v{const_cast<char*>(rest_.text().data()), rest_.size()};
        auto const r = stream.write({&v, 1});
        if (r.status == net::io_status::failed)
            return false;
        rest_.consume(r.bytes);
        if (r.bytes < v.iov_len)
            return true;
    }
    return !stream.owes() || stream.flush().status != net::io_status::failed;
}

MAD_DECL void end::close() {
    owner = nullptr;
    if (!stream.is_open())
        return;
    if (watched_ && shared_)
        shard_.unwatch(stream.fd());
    else if (watched_)
        shard_.unwatch_closing(stream.fd());
    watched_ = false;
    stream.close();
    rest_.clear();
}

MAD_DECL net::stream end::take() {
    owner = nullptr;
    if (watched_)
        shard_.unwatch(stream.fd());
    watched_ = false;
    return std::move(stream);
}

} // namespace mad::inline MAD_ABI::proxy::detail

#endif
