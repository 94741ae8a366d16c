#ifndef MAD_REDIS_IMPL_WIRE_IPP
#define MAD_REDIS_IMPL_WIRE_IPP

#include <mad/redis/detail/wire.hpp>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace mad::inline MAD_ABI::redis::detail {

MAD_DECL result<net::stream> connect_unix(std::string const& path) {
    sockaddr_un to{};
    to.sun_family = AF_UNIX;
    if (path.size() >= sizeof to.sun_path)
        return error_code(ENAMETOOLONG, boost::system::system_category());
    std::memcpy(to.sun_path, path.data(), path.size());
    net::stream out(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!out.is_open() ||
        ::connect(out.fd(), reinterpret_cast<sockaddr const*>(&to), sizeof to) != 0)
        return error_code(errno, boost::system::system_category());
    return out;
}

MAD_DECL void keep_alive(int fd, seconds idle) {
    int const on = 1, times = 3;
    int const first = static_cast<int>(std::max<seconds::rep>(idle.count(), 1));
    int const later = std::max(first / 3, 1);
    ::setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &first, sizeof first);
    ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &later, sizeof later);
    ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &times, sizeof times);
}

MAD_DECL wire::wire(net::shard& s, settings const& st, events& e)
    : shard_(s)
    , settings_(st)
    , events_(&e)
    , decoder_(st.max_reply_bytes)
    , limit_([](void* p) { static_cast<wire*>(p)->end(error::timeout, "no connection in time"); },
             this) {}

MAD_DECL wire::~wire() {
    close();
}

MAD_DECL void wire::open(endpoint to, bool tls, session_wish wish) {
    shard_.deadlines().arm(limit_, settings_.connect_timeout);
    auto const later = [this](auto fn) {
        shard_.post([this, fn = std::move(fn), alive = std::weak_ptr<int>(alive_)] {
            if (!alive.expired() && events_)
                fn();
        });
    };
    if (wish.protocol != 2 && !decoder::speaks_resp3())
        return later([this] {
            end(error::unsupported_protocol, "this hiredis has no RESP3: leave protocol=3 out");
        });
    handshake_.emplace(std::move(wish));
    if (!to.path.empty())
        return later([this, path = to.path] {
            auto made = connect_unix(path);
            if (!made)
                return end(error::unreachable, path + ": " + made.error().message());
            begin(std::move(*made));
        });
    if (tls && !settings_.tls)
        return later(
            [this] { end(error::no_tls, "rediss needs settings::tls: see mad/redis/tls.hpp"); });
    net::dial_settings how;
    how.timeout = settings_.connect_timeout;
    how.tls = settings_.tls;
    dialer_ = std::make_unique<net::dialer>(shard_, std::move(how));
    auto const where = to_string(to);
    dialer_->start({std::move(to.host), to.port, tls}, [this, where](result<net::stream> made) {
        auto const words = dialer_->failure();
        shard_.reap(std::move(dialer_)); // it is on the stack
        if (!made)
            return end(error::unreachable,
                       where + ": " + (words.empty() ? made.error().message() : words));
        keep_alive(made->fd(), settings_.tcp_keepalive);
        begin(std::move(*made));
    });
}

MAD_DECL void wire::begin(net::stream s) {
    stream_ = std::move(s);
    interest_ = EPOLLIN;
    if (auto const ec = shard_.watch(stream_.fd(), interest_, *this))
        return end(ec, ec.message());
    watched_ = true;
    send(handshake_->start());
}

MAD_DECL void wire::interest(std::uint32_t wanted) {
    if (watched_ && wanted != std::exchange(interest_, wanted))
        shard_.rewatch(stream_.fd(), wanted, *this);
}

MAD_DECL void wire::on_ready(std::uint32_t what) {
    if (!stream_.is_open())
        return;
    if (what & EPOLLOUT)
        write();
    if (stream_.is_open() && (what & (EPOLLIN | EPOLLHUP | EPOLLERR)))
        read();
}

MAD_DECL void wire::on_fault() {
    end(error::connection_lost, "a fault while it was served");
}

MAD_DECL void wire::on_turn_end() {
    if (stream_.is_open() && !(interest_ & EPOLLOUT))
        write();
}

MAD_DECL void wire::write() {
    while (written_ < out_.size()) {
        iovec const v{out_.data() + written_, out_.size() - written_};
        auto const r = stream_.write({&v, 1});
        if (r.status == net::io_status::failed)
            return end(error::connection_lost, "the connection broke");
        if (r.status != net::io_status::ok)
            return interest(EPOLLIN | EPOLLOUT);
        written_ += r.bytes;
    }
    written_ = 0;
    out_.clear();
    if (out_.capacity() > 64 * 1024) // an idle connection keeps no burst
        std::string().swap(out_);
    if (stream_.owes() && stream_.flush().status == net::io_status::failed)
        return end(error::connection_lost, "the connection broke");
    interest(stream_.owes() ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

MAD_DECL void wire::read() {
    auto const scratch = shard_.read_scratch();
    auto const into = scratch.first(scratch.size() / 2);
    for (int round = 0; round < 4 && stream_.is_open(); ++round) {
        auto const r = stream_.read(into, scratch.subspan(into.size()));
        if (stream_.owes())
            shard_.mark(*this);
        if (r.status == net::io_status::blocked)
            return;
        if (r.status != net::io_status::ok) {
            auto const words = stream_.failure();
            return end(error::connection_lost, r.status == net::io_status::ended
                                                   ? "the server closed the connection"
                                               : words.empty() ? "the connection broke"
                                                               : words);
        }
        consume({into.data(), r.bytes});
        if (r.bytes < into.size())
            return;
    }
}

MAD_DECL void wire::consume(std::span<char const> in) {
    if (events_)
        events_->on_heard();
    while (!in.empty() && events_) {
        auto const n = std::min(in.size(), decoder::best_feed_bytes);
        decoder_.feed(in.first(n));
        in = in.subspan(n);
        while (events_) {
            auto const some = decoder_.next();
            if (!some)
                return end(some.error(), some.error().message());
            if (!*some)
                break;
            hear(decoder_.current());
        }
    }
}

MAD_DECL void wire::hear(reply& r) {
    if (up_)
        return events_->on_reply(r);
    std::string more;
    switch (handshake_->on_reply(r, more)) {
    case handshake::step::more:
        if (!more.empty())
            send(more);
        return;
    case handshake::step::failed:
        return end(handshake_->why(), handshake_->text());
    case handshake::step::ready:
        break;
    }
    limit_.cancel();
    up_ = true;
    auto const info = handshake_->info();
    handshake_.reset();
    events_->on_up(info);
}

MAD_DECL void wire::close() {
    events_ = nullptr;
    limit_.cancel();
    shard_.unmark(*this);
    if (dialer_) {
        dialer_->cancel();
        shard_.reap(std::move(dialer_)); // it may be on the stack
    }
    if (watched_) {
        watched_ = false;
        shard_.unwatch(stream_.fd());
    }
    stream_.close();
}

MAD_DECL void wire::end(error_code why, std::string text) {
    auto* const e = events_;
    if (!e)
        return;
    // What happened before the first word is no loss of anything.
    if (!up_ && why == error::connection_lost)
        why = error::unreachable;
    bool const was_up = up_;
    close();
    e->on_down(why, text, was_up);
}

} // namespace mad::inline MAD_ABI::redis::detail

#endif
