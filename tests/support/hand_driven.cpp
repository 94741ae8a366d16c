#include "hand_driven.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <deque>
#include <map>

#include <netinet/in.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

namespace mad_test::hand {

namespace {

struct world {
    std::chrono::nanoseconds now = std::chrono::hours(1000);
    std::uint64_t random = 0x9e3779b97f4a7c15;
    std::size_t wanted = 0, operations = 0;
    fault how = fault::reset;
    bool fired = false, counting = false, linked = false;
    std::map<int, int> unconnected; // our end, far end
    std::deque<int> called;         // far ends
    std::deque<int> accepting;      // our ends
    int listener = -1, bell = -1;
};

world& w() {
    static world it;
    return it;
}

std::array<int, 2> socket_pair() {
    std::array<int, 2> ends{-1, -1};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()) != 0)
        return {-1, -1};
    return ends;
}

/// Whether this operation is the one that fails.
bool due() {
    auto& it = w();
    if (!it.counting || it.wanted == 0 || it.fired)
        return false;
    it.fired = ++it.operations == it.wanted;
    return it.fired;
}

} // namespace

void advance_clock(std::chrono::milliseconds by) {
    w().now += by;
}

char const* name_of(fault f) {
    static char const* const names[] = {"reset", "broken", "buffers", "ended",
                                        "later", "one",    "memory"};
    return names[static_cast<int>(f)];
}

void spoil(std::size_t n, fault how) {
    auto& it = w();
    it.wanted = n;
    it.operations = 0;
    it.how = how;
    it.fired = false;
}

void stop_spoiling() {
    w().wanted = 0;
}

bool spoilt() {
    return w().fired;
}

under_test::under_test()
    : before_(std::exchange(w().counting, true)) {}
under_test::~under_test() {
    w().counting = before_;
}

} // namespace mad_test::hand

// What the linker calls instead of the system: see hand_driven.cmake.
extern "C" {
ssize_t __real_recv(int, void*, size_t, int);
ssize_t __real_send(int, void const*, size_t, int);
ssize_t __real_sendmsg(int, msghdr const*, int);
ssize_t __real_splice(int, off64_t*, int, off64_t*, size_t, unsigned);
int __real_socket(int, int, int);
int __real_connect(int, sockaddr const*, socklen_t);
int __real_accept4(int, sockaddr*, socklen_t*, int);
int __real_getsockname(int, sockaddr*, socklen_t*);
int __real_epoll_ctl(int, int, int, epoll_event*);
int __real_pipe2(int*, int);
int __real_clock_gettime(clockid_t, timespec*);
}

namespace mad_test::hand {

namespace {

/// The connection is over, for both.
void kill_connection(int fd) {
    char rest[4096];
    while (__real_recv(fd, rest, sizeof rest, MSG_DONTWAIT) > 0) {
    }
    ::shutdown(fd, SHUT_RDWR);
}

/// What an operation that moves bytes gives instead; `one`, which is for the caller, aside.
ssize_t failed(int fd, bool reads) {
    switch (w().how) {
    case fault::buffers:
        errno = ENOBUFS;
        return -1;
    case fault::later:
    case fault::one:
        errno = EAGAIN;
        return -1;
    case fault::ended:
        kill_connection(fd);
        errno = EPIPE;
        return reads ? 0 : -1;
    case fault::broken:
        kill_connection(fd);
        errno = EPIPE;
        return -1;
    case fault::reset:
    case fault::memory:
        kill_connection(fd);
        errno = ECONNRESET;
        return -1;
    }
    return -1;
}

/// The same for one that opens or registers.
int failed_to_open() {
    auto const how = w().how;
    errno = how == fault::memory ? ENOMEM : how == fault::buffers ? ENOBUFS : ECONNREFUSED;
    return -1;
}
/// Only some faults are of that kind; the others wait for an operation that moves something.
bool due_to_open() {
    auto const how = w().how;
    return (how == fault::memory || how == fault::buffers) && due();
}

} // namespace

void peer::send(std::string_view text) {
    if (fd_ >= 0 && !text.empty())
        (void)!__real_send(fd_, text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
}

void peer::read() {
    if (fd_ < 0 || ended)
        return;
    static std::array<char, 64 * 1024> into;
    for (;;) {
        auto const n = __real_recv(fd_, into.data(), into.size(), MSG_DONTWAIT);
        if (n > 0) {
            received.append(into.data(), static_cast<std::size_t>(n));
            if (static_cast<std::size_t>(n) == into.size())
                continue;
        }
        ended = n == 0 || (n < 0 && errno != EAGAIN);
        return;
    }
}

void peer::half_close() {
    if (fd_ >= 0)
        ::shutdown(fd_, SHUT_WR);
}

void peer::close() {
    if (fd_ >= 0)
        ::close(std::exchange(fd_, -1));
}

int listening_socket() {
    auto& it = w();
    if (it.bell >= 0)
        ::close(it.bell);
    auto const ends = socket_pair();
    it.bell = ends[1];
    return it.listener = ends[0];
}

peer connect_to_listener() {
    auto const ends = socket_pair();
    w().accepting.push_back(ends[0]);
    char const ring = 1;
    (void)!__real_send(w().bell, &ring, 1, MSG_NOSIGNAL);
    return peer(ends[1]);
}

void connect_calls_to_listener(bool on) {
    w().linked = on;
}

std::vector<peer> take_calls() {
    std::vector<peer> out;
    for (int const fd : std::exchange(w().called, {}))
        out.emplace_back(fd);
    return out;
}

void forget_connections() {
    auto& it = w();
    for (auto const& [ours, theirs] : std::exchange(it.unconnected, {}))
        ::close(theirs);
    for (int const fd : std::exchange(it.called, {}))
        ::close(fd);
    for (int const fd : std::exchange(it.accepting, {}))
        ::close(fd);
    if (it.bell >= 0)
        ::close(std::exchange(it.bell, -1));
    it.listener = -1;
    it.linked = false;
}

std::size_t open_descriptors() {
    std::array<pollfd, 512> all;
    for (std::size_t i = 0; i < all.size(); ++i)
        all[i] = {static_cast<int>(i), 0, 0};
    ::poll(all.data(), all.size(), 0);
    return static_cast<std::size_t>(std::count_if(
        all.begin(), all.end(), [](pollfd const& p) { return !(p.revents & POLLNVAL); }));
}

bool settle(boost::asio::io_context& ctx, std::size_t most) {
    under_test const counted;
    ctx.restart();
    while (most-- > 0)
        if (ctx.poll_one() == 0)
            return true;
    return false;
}

} // namespace mad_test::hand

using namespace mad_test::hand;

namespace std::chrono::inline _V2 {
steady_clock::time_point steady_clock::now() noexcept {
    return time_point(w().now);
}
} // namespace std::chrono::inline _V2

extern "C" {

ssize_t __wrap_recv(int fd, void* into, size_t size, int flags) {
    if (due())
        return w().how == fault::one ? __real_recv(fd, into, std::min<size_t>(size, 1), flags)
                                     : failed(fd, true);
    return __real_recv(fd, into, size, flags);
}

ssize_t __wrap_send(int fd, void const* from, size_t size, int flags) {
    if (due())
        return w().how == fault::one ? __real_send(fd, from, std::min<size_t>(size, 1), flags)
                                     : failed(fd, false);
    return __real_send(fd, from, size, flags);
}

ssize_t __wrap_sendmsg(int fd, msghdr const* m, int flags) {
    if (!due())
        return __real_sendmsg(fd, m, flags);
    if (w().how != fault::one)
        return failed(fd, false);
    for (size_t i = 0; i < m->msg_iovlen; ++i)
        if (m->msg_iov[i].iov_len > 0)
            return __real_send(fd, m->msg_iov[i].iov_base, 1, flags);
    return 0;
}

ssize_t __wrap_splice(int from, off64_t* a, int to, off64_t* b, size_t size, unsigned flags) {
    if (!due())
        return __real_splice(from, a, to, b, size, flags);
    if (w().how == fault::one)
        return __real_splice(from, a, to, b, 1, flags);
    // Of the two only one is a socket; the pipe stays whole.
    int kind = 0;
    socklen_t length = sizeof kind;
    bool const reads = ::getsockopt(from, SOL_SOCKET, SO_TYPE, &kind, &length) == 0;
    return failed(reads ? from : to, reads);
}

int __wrap_socket(int family, int type, int protocol) {
    if (!w().counting) // of the test program itself
        return __real_socket(family, type, protocol);
    if (due_to_open())
        return failed_to_open();
    auto const ends = socket_pair();
    if (ends[0] < 0)
        return -1;
    auto& far = w().unconnected[ends[0]];
    if (far > 0) // of a socket that was closed without a connection
        ::close(far);
    far = ends[1];
    return ends[0];
}

int __wrap_connect(int fd, sockaddr const* to, socklen_t size) {
    auto& it = w();
    auto const at = it.unconnected.find(fd);
    if (at == it.unconnected.end())
        return __real_connect(fd, to, size);
    int const far = at->second;
    it.unconnected.erase(at);
    if (due()) {
        ::close(far);
        return failed_to_open();
    }
    if (it.linked) {
        it.accepting.push_back(far);
        char const ring = 1;
        (void)!__real_send(it.bell, &ring, 1, MSG_NOSIGNAL);
    } else {
        it.called.push_back(far);
    }
    return 0;
}

int __wrap_accept4(int fd, sockaddr* from, socklen_t* size, int flags) {
    auto& it = w();
    if (fd != it.listener)
        return __real_accept4(fd, from, size, flags);
    char ring = 0;
    if (it.accepting.empty() || __real_recv(fd, &ring, 1, MSG_DONTWAIT) != 1) {
        errno = EAGAIN;
        return -1;
    }
    int const next = it.accepting.front();
    it.accepting.pop_front();
    if (due_to_open()) {
        ::close(next);
        errno = ECONNABORTED;
        return -1;
    }
    if (from && size) {
        sockaddr_in in{};
        in.sin_family = AF_INET;
        in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        *reinterpret_cast<sockaddr_in*>(from) = in;
        *size = sizeof in;
    }
    return next;
}

int __wrap_getsockname(int fd, sockaddr* at, socklen_t* size) {
    if (fd != w().listener)
        return __real_getsockname(fd, at, size);
    sockaddr_in in{};
    in.sin_family = AF_INET;
    in.sin_port = htons(80);
    in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    *reinterpret_cast<sockaddr_in*>(at) = in;
    *size = sizeof in;
    return 0;
}

// A pair has no names: the dialer would take it for a connection to itself.
int __wrap_getpeername(int, sockaddr*, socklen_t*) {
    errno = ENOTCONN;
    return -1;
}

int __wrap_epoll_ctl(int set, int what, int fd, epoll_event* e) {
    if (what == EPOLL_CTL_ADD && due_to_open())
        return failed_to_open();
    return __real_epoll_ctl(set, what, fd, e);
}

int __wrap_pipe2(int* ends, int flags) {
    if (due_to_open())
        return failed_to_open();
    return __real_pipe2(ends, flags);
}

// Asio then looks at its timers whenever it looks at all, by our clock.
int __wrap_timerfd_create(int, int) {
    errno = EINVAL;
    return -1;
}

int __wrap_clock_gettime(clockid_t which, timespec* t) {
    if (which != CLOCK_MONOTONIC_COARSE)
        return __real_clock_gettime(which, t);
    auto const s = std::chrono::duration_cast<std::chrono::seconds>(w().now);
    t->tv_sec = s.count();
    t->tv_nsec = (w().now - s).count();
    return 0;
}

ssize_t __wrap_getrandom(void* into, size_t size, unsigned) {
    auto* const out = static_cast<unsigned char*>(into);
    auto& x = w().random;
    for (size_t i = 0; i < size; ++i) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        out[i] = static_cast<unsigned char>(x >> 32);
    }
    return static_cast<ssize_t>(size);
}
}
