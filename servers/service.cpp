#include "service.hpp"

#include <mad/net/address_limits.hpp>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <memory>
#include <sstream>
#include <thread>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <grp.h>
#include <nss.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace programs {

using mad::milliseconds;

/// A socket that came to be number 1 or 2 would get our lines. Writing to these fails, as it did.
static void keep_standard_numbers() {
    for (int fd = 0; fd <= 2; ++fd)
        if (::fcntl(fd, F_GETFD) < 0 && errno == EBADF) [[maybe_unused]]
            int const same = ::open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY);
}

mad::net::signal_wait prepare() {
    keep_standard_numbers();
    mad::net::signal_wait signals{SIGINT, SIGTERM, SIGHUP};
    mad::net::raise_descriptor_limit();
#if defined(MAD_STATIC_PROGRAM)
    // glibc would load the host's name service modules, made for another glibc than ours.
    __nss_configure_lookup("hosts", "files dns");
#endif
    return signals;
}

std::string release_version() {
    std::error_code ec;
    auto const self = std::filesystem::read_symlink("/proc/self/exe", ec);
    std::ifstream file(self.parent_path().parent_path() / "manifest.json");
    std::string const text(std::istreambuf_iterator<char>(file), {});
    // Written by us, and by us alone: its version needs no escapes.
    static std::string const key = "\"version\": \"";
    auto const at = text.rfind(key);
    if (at == text.npos || text.find("\"name\": \"mad\"") == text.npos)
        return MAD_VERSION;
    auto const begin = at + key.size();
    return text.substr(begin, std::min<std::size_t>(text.find('"', begin) - begin, 64));
}

void notify(std::string const& state) {
    char const* const path = std::getenv("NOTIFY_SOCKET");
    if (!path || !*path)
        return;
    sockaddr_un at{};
    at.sun_family = AF_UNIX;
    std::string name(path);
    if (name.size() >= sizeof at.sun_path)
        return;
    std::memcpy(at.sun_path, name.data(), name.size());
    if (name.front() == '@')
        at.sun_path[0] = '\0'; // an abstract name
    int const fd = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    auto const size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
    // Without the manager the program goes on all the same.
    [[maybe_unused]] auto const n = ::sendto(fd, state.data(), state.size(), MSG_NOSIGNAL,
                                             reinterpret_cast<sockaddr*>(&at), size);
    ::close(fd);
}

void notify_status(std::string_view text) {
    std::string line("STATUS=");
    for (char const c : text.substr(0, 200))
        line += static_cast<unsigned char>(c) < ' ' ? ' ' : c;
    notify(line);
}

std::optional<milliseconds> watchdog_beat() {
    auto const number = [](char const* name) -> std::optional<std::uint64_t> {
        char const* const text = std::getenv(name);
        std::uint64_t out = 0;
        if (!text)
            return std::nullopt;
        auto const* const end = text + std::strlen(text);
        auto const r = std::from_chars(text, end, out);
        return r.ec == std::errc() && r.ptr == end ? std::optional(out) : std::nullopt;
    };
    auto const us = number("WATCHDOG_USEC");
    auto const pid = number("WATCHDOG_PID");
    if (!us || *us == 0 || (pid && *pid != static_cast<std::uint64_t>(::getpid())))
        return std::nullopt;
    constexpr std::uint64_t most = 3'600'000; // an hour: no sooner is no harm
    return milliseconds(std::clamp<std::uint64_t>(*us / 2'000, 1, most));
}

void announce(options const& o, std::string const& url) {
    std::cout << "ready " << o.name << (url.empty() ? "" : " " + url) << std::endl;
    notify("READY=1");
}

static void reread(service const& s, mad::logger const& log) {
    notify("RELOADING=1");
    try {
        s.reload();
        log.info("program.reloaded");
    } catch (std::exception const& e) {
        log.error("program.reload.failed", {{"what", e.what()}});
    }
    notify("READY=1");
}

/// The next signal; meanwhile the watchdog hears of us as long as the threads that work do.
static int next_signal(mad::net::signal_wait const& signals, service const& s) {
    auto const beat = watchdog_beat();
    if (!beat)
        return signals.next();
    // Shared: an answer may come when this is over.
    auto const answered = std::make_shared<std::atomic<bool>>(true);
    auto due = std::chrono::steady_clock::now();
    for (;;) {
        auto const now = std::chrono::steady_clock::now();
        if (now >= due && answered->exchange(false)) {
            notify("WATCHDOG=1");
            s.probe([answered] { *answered = true; });
            due = now + *beat;
        }
        auto const left = std::chrono::duration_cast<milliseconds>(due - now).count();
        // A late answer is passed on soon.
        if (int const got = signals.next_within(std::max<long>(left, 20)))
            return got;
    }
}

int serve(mad::net::signal_wait const& signals, options const& o, service s) {
    announce(o, s.url);
    auto const log = o.make_logger();
    for (int got = next_signal(signals, s); got == SIGHUP; got = next_signal(signals, s))
        reread(s, log);
    if (!s.replaced())
        notify("STOPPING=1");
    std::thread impatient([&signals] {
        int again = signals.next();
        while (again == SIGHUP)
            again = signals.next();
        ::_exit(0);
    });
    impatient.detach(); // waits for a second signal that may never come
    s.stop(o.drain_timeout);
    return 0;
}

namespace {

/// Lives in its handlers, as long as the loop does.
class attendant : public std::enable_shared_from_this<attendant> {
  public:
    attendant(int fd, options const& o, boost::asio::io_context& loop, service s)
        : signals_(loop, fd)
        , beat_(loop)
        , service_(std::move(s))
        , log_(o.make_logger())
        , drain_(o.drain_timeout)
        , every_(watchdog_beat()) {}

    void await_signal() {
        signals_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                            [self = shared_from_this()](mad::error_code ec) {
                                if (!ec)
                                    self->take_signals();
                            });
    }

    void beat() {
        if (!every_)
            return;
        notify("WATCHDOG=1");
        beat_.expires_after(*every_);
        beat_.async_wait([self = shared_from_this()](mad::error_code ec) {
            if (!ec)
                self->beat();
        });
    }

  private:
    void take_signals() {
        signalfd_siginfo got;
        while (::read(signals_.native_handle(), &got, sizeof got) == sizeof got) {
            if (got.ssi_signo == SIGHUP) {
                if (!stopping_)
                    reread(service_, log_);
                continue;
            }
            if (std::exchange(stopping_, true))
                ::_exit(0);
            notify("STOPPING=1");
            service_.stop(drain_);
        }
        await_signal();
    }

    boost::asio::posix::stream_descriptor signals_;
    boost::asio::steady_timer beat_;
    service service_;
    mad::logger log_;
    milliseconds drain_;
    std::optional<milliseconds> every_;
    bool stopping_ = false;
};

} // namespace

void attend(mad::net::signal_wait const& signals, options const& o, boost::asio::io_context& loop,
            service s) {
    int const fd = signals.descriptor();
    if (fd < 0)
        throw std::runtime_error(std::string("signalfd: ") + std::strerror(errno));
    auto const a = std::make_shared<attendant>(fd, o, loop, std::move(s));
    a->await_signal();
    a->beat();
}

void become(std::string const& user) {
    // Read here: a static program cannot ask the host's name services.
    std::ifstream in("/etc/passwd");
    std::string line;
    std::optional<std::pair<uid_t, gid_t>> found;
    while (!found && std::getline(in, line)) {
        std::vector<std::string> part;
        std::istringstream parts(line);
        for (std::string one; std::getline(parts, one, ':');)
            part.push_back(one);
        if (part.size() < 4 || (part[0] != user && part[2] != user))
            continue;
        uid_t uid = 0;
        gid_t gid = 0;
        auto const whole = [](std::string const& text, auto& into) {
            auto const* const end = text.data() + text.size();
            auto const r = std::from_chars(text.data(), end, into);
            return r.ec == std::errc() && r.ptr == end;
        };
        if (whole(part[2], uid) && whole(part[3], gid))
            found.emplace(uid, gid);
    }
    if (!found)
        throw usage_error("--user: /etc/passwd has no '" + user + "'");
    auto const [uid, gid] = *found;
    bool const same = ::geteuid() == uid && ::getuid() == uid;
    if (!same && ::geteuid() != 0)
        throw usage_error("--user: only root can become '" + user + "'");
    if (!same && (::setgroups(1, &gid) != 0 || ::setresgid(gid, gid, gid) != 0 ||
                  ::setresuid(uid, uid, uid) != 0))
        throw std::runtime_error("--user: " + std::string(std::strerror(errno)));
    if (!same && uid != 0 && (::setuid(0) == 0 || ::geteuid() == 0))
        throw std::runtime_error("--user: the rights of root did not go");
    ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

} // namespace programs
