#ifndef MAD_NET_IMPL_DIALER_IPP
#define MAD_NET_IMPL_DIALER_IPP

#include <mad/net/dialer.hpp>
#include <mad/net/http/head.hpp>
#include <mad/net/http/response_head.hpp>
#include <mad/net/one_shot.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>
#include <variant>

#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace mad::inline MAD_ABI::net {

struct dialer::lookup {
    explicit lookup(boost::asio::io_context& ctx)
        : resolver(ctx) {}
    boost::asio::ip::tcp::resolver resolver;
};

MAD_DECL dialer::dialer(shard& s, dial_settings settings)
    : shard_(s)
    , settings_(std::move(settings))
    , limit_(
          [](void* p) {
              static_cast<dialer*>(p)->finish(error_code(boost::asio::error::timed_out));
          },
          this)
    , attempt_([](void* p) { static_cast<dialer*>(p)->try_next(boost::asio::error::timed_out); },
               this) {}

MAD_DECL dialer::~dialer() {
    drop();
}

MAD_DECL void dialer::start(dial_target target, handler done) {
    target_ = std::move(target);
    done_ = std::move(done);
    shard_.deadlines().arm(limit_, settings_.timeout);
    shard_.post([this, alive = std::weak_ptr<int>(alive_)] {
        if (!alive.expired() && done_)
            begin();
    });
}

MAD_DECL void dialer::begin() {
    using boost::asio::ip::tcp;
    if (target_.secure && !settings_.tls)
        return finish(error_code(boost::asio::error::operation_not_supported));
    error_code not_numeric;
    auto const& host = settings_.proxy ? settings_.proxy->host : target_.host;
    auto const port = settings_.proxy ? settings_.proxy->port : target_.port;
    auto const address = boost::asio::ip::make_address(host, not_numeric);
    if (!not_numeric) {
        addresses_.emplace_back(address, port);
        return try_next({});
    }
    lookup_ = std::make_unique<lookup>(shard_.context());
    lookup_->resolver.async_resolve(
        host, std::to_string(port),
        [this, alive = std::weak_ptr<int>(alive_)](error_code ec,
                                                   tcp::resolver::results_type const& found) {
            if (alive.expired() || !done_)
                return;
            for (auto const& entry : found)
                addresses_.push_back(entry.endpoint());
            try_next(ec ? ec : error_code(boost::asio::error::host_not_found));
        });
}

/// The next address, or the end with what went wrong with the last one.
MAD_DECL void dialer::try_next(error_code why) {
    drop();
    if (next_ >= addresses_.size())
        return finish(why);
    if (addresses_.size() > 1)
        shard_.deadlines().arm(attempt_, settings_.timeout / static_cast<int>(addresses_.size()));
    connect_to(addresses_[next_++]);
}

MAD_DECL void dialer::connect_to(boost::asio::ip::tcp::endpoint const& to) {
    auto const failed = [this] { try_next({errno, boost::system::system_category()}); };
    interest_ = 0; // nobody watches it yet
    fd_ = ::socket(to.protocol().family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd_ < 0)
        return failed();
    int const on = 1;
    ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (::connect(fd_, to.data(), static_cast<socklen_t>(to.size())) != 0 && errno != EINPROGRESS)
        return failed();
    // Also when it is done already: readiness says so once more.
    interest_ = EPOLLOUT;
    if (auto const ec = shard_.watch(fd_, interest_, *this)) {
        ::close(std::exchange(fd_, -1));
        finish(ec);
    }
}

MAD_DECL void dialer::on_ready(std::uint32_t) {
    if (fd_ < 0)
        return;
    asking_proxy_ ? hear_proxy() : cipher_ ? shake_hands() : connected();
}

MAD_DECL void dialer::on_fault() {
    finish(error_code(boost::asio::error::fault));
}

MAD_DECL void dialer::connected() {
    int why = 0;
    socklen_t size = sizeof why;
    if (::getsockopt(fd_, SOL_SOCKET, SO_ERROR, &why, &size) != 0)
        why = errno;
    // A free port of this machine may be given to ourselves as the source, and then answers itself.
    sockaddr_storage here{}, there{};
    socklen_t here_size = sizeof here, there_size = sizeof there;
    if (why == 0 && ::getsockname(fd_, reinterpret_cast<sockaddr*>(&here), &here_size) == 0 &&
        ::getpeername(fd_, reinterpret_cast<sockaddr*>(&there), &there_size) == 0 &&
        here_size == there_size &&
        std::equal(reinterpret_cast<char*>(&here), reinterpret_cast<char*>(&here) + here_size,
                   reinterpret_cast<char*>(&there)))
        why = ECONNREFUSED;
    if (why != 0)
        return try_next({why, boost::system::system_category()});
    if (settings_.proxy)
        return ask_proxy();
    through();
}

MAD_DECL void dialer::ask_proxy() {
    auto const v6 = target_.host.find(':') != target_.host.npos;
    auto const where =
        (v6 ? '[' + target_.host + ']' : target_.host) + ':' + std::to_string(target_.port);
    for (char const c : where + settings_.proxy->authorization)
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
            return finish(error_code(http::client_error::bad_url));
    to_proxy_ = "CONNECT " + where + " HTTP/1.1\r\nHost: " + where + "\r\n";
    if (!settings_.proxy->authorization.empty())
        to_proxy_ += "Proxy-Authorization: " + settings_.proxy->authorization + "\r\n";
    to_proxy_ += "\r\n";
    from_proxy_.clear();
    asking_proxy_ = true;
    hear_proxy();
}

/// Says what is left to say, then reads until the empty line. Nothing may come behind that: no
/// target speaks before it is spoken to.
MAD_DECL void dialer::hear_proxy() {
    while (!to_proxy_.empty()) {
        auto const n = ::send(fd_, to_proxy_.data(), to_proxy_.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            return; // EPOLLOUT is what is waited for
        if (n < 0)
            return try_next({errno, boost::system::system_category()});
        to_proxy_.erase(0, static_cast<std::size_t>(n));
    }
    if (interest_ != EPOLLIN)
        shard_.rewatch(fd_, interest_ = EPOLLIN, *this);
    http::client_limits const limits;
    auto const scratch = shard_.read_scratch();
    for (;;) {
        auto const n =
            ::recv(fd_, scratch.data(), std::min<std::size_t>(scratch.size(), 4096), MSG_DONTWAIT);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            return;
        if (n < 0)
            return try_next({errno, boost::system::system_category()});
        if (n == 0)
            return try_next(http::client_error::ended);
        from_proxy_.append(scratch.data(), static_cast<std::size_t>(n));
        for (auto end = http::find_head_end(from_proxy_); end;
             end = http::find_head_end(from_proxy_)) {
            auto const head =
                http::parse_response_head(std::string_view(from_proxy_).substr(0, *end), limits);
            if (!head)
                return finish(head.error());
            from_proxy_.erase(0, *end);
            if (head->status < 200)
                continue;
            if (head->status < 300) {
                asking_proxy_ = false;
                return from_proxy_.empty()
                           ? through()
                           : finish(error_code(boost::asio::error::connection_aborted));
            }
            failure_ = "the proxy answered " + std::to_string(head->status);
            return finish(error_code(head->status == 407 ? http::client_error::proxy_denied
                                                         : http::client_error::proxy_refused));
        }
        if (from_proxy_.size() > limits.max_head_bytes)
            return finish(error_code(http::client_error::head_too_large));
    }
}

/// The way to the target is open.
MAD_DECL void dialer::through() {
    if (auto const& first = settings_.preamble; !first.empty()) {
        auto const n = ::send(fd_, first.data(), first.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 || static_cast<std::size_t>(n) != first.size())
            return try_next(n < 0 ? error_code(errno, boost::system::system_category())
                                  : error_code(boost::asio::error::no_buffer_space));
    }
    if (!target_.secure) {
        shard_.unwatch(fd_);
        return finish(stream(std::exchange(fd_, -1)));
    }
    cipher_ = settings_.tls->connect(target_.host);
    shake_hands();
}

MAD_DECL void dialer::shake_hands() {
    auto const failed = [this](error_code why) {
        failure_ = cipher_->failure();
        try_next(why);
    };
    auto const scratch = shard_.read_scratch();
    auto const plain = shard_.write_scratch();
    // Bounded: a peer that has much to say waits for the next readiness.
    for (int round = 0; round < 64; ++round) {
        auto const got = cipher_->read(plain);
        // Also after a failure: the alert that says why.
        bool full = false;
        for (auto out = cipher_->owed(); !out.empty(); out = cipher_->owed()) {
            auto const n = ::send(fd_, out.data(), out.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
            if (n < 0 && errno == EINTR)
                continue;
            full = n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
            if (n < 0 && !full && got)
                return failed({errno, boost::system::system_category()});
            if (n < 0)
                break;
            cipher_->wrote(static_cast<std::size_t>(n));
        }
        if (!got)
            return failed(got.error());
        if (*got > 0 || cipher_->ended()) // nobody speaks before he is spoken to
            return failed(boost::asio::error::connection_aborted);
        if (full) {
            interest_ = EPOLLIN | EPOLLOUT;
            return shard_.rewatch(fd_, interest_, *this);
        }
        if (cipher_->ready()) {
            shard_.unwatch(fd_);
            return finish(stream(std::exchange(fd_, -1), std::move(cipher_)));
        }
        auto const n = ::recv(fd_, scratch.data(), scratch.size(), MSG_DONTWAIT);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            if (interest_ != EPOLLIN)
                shard_.rewatch(fd_, interest_ = EPOLLIN, *this);
            return;
        }
        if (n == 0)
            return failed(boost::asio::error::connection_reset);
        if (n < 0)
            return failed({errno, boost::system::system_category()});
        cipher_->put({scratch.data(), static_cast<std::size_t>(n)});
    }
}

MAD_DECL void dialer::drop() {
    attempt_.cancel();
    cipher_.reset();
    asking_proxy_ = false;
    if (fd_ < 0)
        return;
    if (interest_ != 0) // else the shard would lose count, and stop looking at others too soon
        shard_.unwatch(fd_);
    ::close(std::exchange(fd_, -1));
}

MAD_DECL void dialer::cancel() {
    done_ = nullptr;
    limit_.cancel();
    drop();
    if (lookup_)
        lookup_->resolver.cancel();
}

MAD_DECL void dialer::finish(result<stream> outcome) {
    limit_.cancel();
    drop();
    if (lookup_)
        lookup_->resolver.cancel();
    if (auto const done = std::exchange(done_, nullptr))
        done(std::move(outcome));
}

namespace detail {

/// `one_shot` copies its answer about, which a stream does not allow: so it waits here.
struct dial_attempt {
    dial_attempt(shard& s, dial_settings settings)
        : home(s)
        , to(std::make_unique<dialer>(s, std::move(settings))) {}
    ~dial_attempt() {
        to->cancel();
        home.reap(std::move(to)); // it may be on the stack
    }

    shard& home;
    std::unique_ptr<dialer> to;
    stream made;
};

} // namespace detail

MAD_DECL boost::asio::awaitable<result<stream>> dial(shard& s, dial_target target,
                                                     dial_settings settings) {
    detail::dial_attempt a(s, std::move(settings));
    one_shot<std::monostate> done(co_await boost::asio::this_coro::executor);
    a.to->start(std::move(target), [&a, tell = done.callback()](result<stream> r) {
        if (!r)
            return tell(r.error());
        a.made = std::move(*r);
        tell(std::monostate{});
    });
    auto const outcome = co_await done.wait();
    if (!outcome)
        co_return outcome.error();
    co_return std::move(a.made);
}

} // namespace mad::inline MAD_ABI::net

#endif
