#ifndef MAD_NET_IMPL_STREAM_IPP
#define MAD_NET_IMPL_STREAM_IPP

#include <mad/net/stream.hpp>

#include <algorithm>
#include <cerrno>
#include <string_view>

#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace mad::inline MAD_ABI::net {

namespace detail {

inline io_outcome receive(int fd, std::span<char> into) {
    for (;;) {
        auto const n = ::recv(fd, into.data(), into.size(), 0);
        if (n > 0)
            return {io_status::ok, static_cast<std::size_t>(n)};
        if (n == 0)
            return {io_status::ended};
        if (errno == EINTR)
            continue;
        if (errno == EAGAIN || errno == EWOULDBLOCK)
            return {io_status::blocked};
        return {io_status::failed};
    }
}

inline io_outcome send(int fd, std::span<iovec const> parts) {
    msghdr m{};
    m.msg_iov = const_cast<iovec*>(parts.data());
    m.msg_iovlen = parts.size();
    constexpr int how = MSG_NOSIGNAL | MSG_DONTWAIT;
    for (;;) {
        // The kernel reads no list for one part, which is the usual case.
        auto const n = parts.size() == 1 ? ::send(fd, parts[0].iov_base, parts[0].iov_len, how)
                                         : ::sendmsg(fd, &m, how);
        if (n >= 0)
            return {io_status::ok, static_cast<std::size_t>(n)};
        if (errno == EINTR)
            continue;
        if (errno == EAGAIN || errno == EWOULDBLOCK)
            return {io_status::blocked};
        return {io_status::failed};
    }
}

} // namespace detail

MAD_DECL io_outcome stream::read(std::span<char> into, std::span<char> scratch) {
    if (!cipher_)
        return detail::receive(fd_, into);
    // No more ciphertext at a time than `into` holds as plaintext, together with a record that is
    // there but for its end: else bytes would stay in the cipher while the descriptor is silent.
    constexpr std::size_t record = 17 * 1024;
    if (into.size() > record)
        scratch = scratch.first(std::min(scratch.size(), into.size() - record));
    for (;;) {
        auto const got = cipher_->read(into);
        if (!got) {
            flush(); // the alert that says why
            return {io_status::failed};
        }
        if (*got > 0) {
            if (flush().status == io_status::failed)
                return {io_status::failed};
            return {io_status::ok, *got};
        }
        if (flush().status == io_status::failed)
            return {io_status::failed};
        if (cipher_->ended())
            return {io_status::ended};
        auto const in = detail::receive(fd_, scratch);
        if (in.status != io_status::ok)
            return in.status == io_status::ended ? io_outcome{io_status::failed} : in;
        cipher_->put({scratch.data(), in.bytes});
    }
}

MAD_DECL io_outcome stream::write(std::span<iovec const> parts) {
    if (!cipher_)
        return detail::send(fd_, parts);
    // A few records at a time, and no more than the wire takes: the cipher must not become a second
    // queue without a limit.
    constexpr std::size_t most_owed = 64 * 1024;
    std::size_t taken = 0;
    for (auto const& part : parts) {
        std::string_view text{static_cast<char const*>(part.iov_base), part.iov_len};
        while (!text.empty()) {
            if (taken == 0 || cipher_->owed().size() >= most_owed) {
                auto const f = flush();
                if (f.status == io_status::failed)
                    return f;
                if (owes())
                    return {taken ? io_status::ok : io_status::blocked, taken};
            }
            auto const n = cipher_->write(text.substr(0, 16 * 1024));
            if (!n)
                return {io_status::failed};
            if (*n == 0)
                return {taken ? io_status::ok : io_status::blocked, taken};
            taken += *n;
            text.remove_prefix(*n);
        }
    }
    if (flush().status == io_status::failed)
        return {io_status::failed};
    return {io_status::ok, taken};
}

MAD_DECL bool stream::has_input() const {
    char c;
    auto const n = ::recv(fd_, &c, 1, MSG_PEEK | MSG_DONTWAIT);
    return n >= 0 || (errno != EAGAIN && errno != EWOULDBLOCK);
}

MAD_DECL std::size_t stream::in_flight() const {
    int n = 0;
    return ::ioctl(fd_, TIOCOUTQ, &n) == 0 && n > 0 ? static_cast<std::size_t>(n) : 0;
}

MAD_DECL io_outcome stream::flush() {
    std::size_t total = 0;
    while (owes()) {
        auto const out = cipher_->owed();
        iovec const v{const_cast<char*>(out.data()), out.size()};
        auto const r = detail::send(fd_, {&v, 1});
        if (r.status != io_status::ok)
            return r;
        cipher_->wrote(r.bytes);
        total += r.bytes;
    }
    return {io_status::ok, total};
}

MAD_DECL void stream::shutdown_send() {
    if (fd_ < 0)
        return;
    if (cipher_) {
        cipher_->end();
        flush();
    }
    ::shutdown(fd_, SHUT_WR);
}

MAD_DECL void stream::close() {
    if (fd_ >= 0)
        ::close(std::exchange(fd_, -1));
    cipher_.reset();
    lease_.reset();
}

} // namespace mad::inline MAD_ABI::net

#endif
