#ifndef MAD_TESTS_SUPPORT_REDIS_SERVER_HPP
#define MAD_TESTS_SUPPORT_REDIS_SERVER_HPP

#include <support/temp_folder.hpp>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <vector>

#include <csignal>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

namespace mad_test {

/// A real redis-server in a folder of its own, on a free port of the loopback; gone with this
/// object. MAD_REDIS_SERVER names another program than `redis-server`. Make it while no other
/// thread runs.
class redis_server {
  public:
    using words = std::vector<std::string>;

    /// `extra`: words of the command line, like `{"--requirepass", "secret"}`; rights to channels
    /// (`&mad:*`) are left out where the server knows none, `{port}` is its port. Its unix socket
    /// is in `socket()`.
    explicit redis_server(words extra = {}, bool sentinel = false)
        : extra_(understood(std::move(extra)))
        , sentinel_(sentinel) {
        for (int i = 0;; ++i) {
            port_ = free_port();
            if (start())
                return;
            if (i == 4)
                throw std::runtime_error("redis-server does not start:\n" + log());
        }
    }
    /// The same with a configuration file, which a sentinel needs: it writes there.
    static redis_server sentinel(std::string const& config) { return redis_server({}, config); }
    redis_server(redis_server const&) = delete;
    redis_server& operator=(redis_server const&) = delete;
    ~redis_server() { kill(); }

    /// What `redis-server` here is: 60016 for 6.0.16. Of Valkey, whose first is 7.2, its own.
    static int version() {
        static int const here = [] {
            int major = 0, minor = 0, patch = 0;
            if (auto* const out = ::popen((program() + " --version").c_str(), "re")) {
                if (std::fscanf(out, "%*[^=]=%d.%d.%d", &major, &minor, &patch) != 3)
                    major = 0;
                ::pclose(out);
            }
            return major * 10'000 + minor * 100 + patch;
        }();
        return here;
    }
    /// Empty, or why channels have no rights there, or no shards.
    static std::string without_channel_rights() { return older_than(60'200, "rights to channels"); }
    static std::string without_sharded_channels() { return older_than(70'000, "sharded channels"); }

    std::uint16_t port() const { return port_; }
    std::string socket() const { return folder_.file("s"); }
    std::string file(std::string const& name) const { return folder_.file(name); }
    std::string url(std::string const& rest = "") const {
        return "redis://127.0.0.1:" + std::to_string(port_) + rest;
    }
    std::string log() const {
        std::ifstream in(folder_.file("log"), std::ios::binary);
        return {std::istreambuf_iterator<char>(in), {}};
    }

    /// Starts it again on the same port.
    void restart() {
        kill();
        if (!start())
            throw std::runtime_error("redis-server does not start again:\n" + log());
    }
    void kill() { end(SIGKILL); }
    void freeze() { ::kill(pid_, SIGSTOP); }
    void thaw() { ::kill(pid_, SIGCONT); }

    /// Says something on a connection of its own and gives the raw answer, as far as it comes in
    /// one piece. Words with spaces cannot be said.
    std::string say(std::string const& line) {
        int const fd = connected();
        if (fd < 0)
            throw std::runtime_error("cannot reach the test's redis-server");
        auto const text = greeting_ + line + "\r\n";
        [[maybe_unused]] auto const n = ::send(fd, text.data(), text.size(), MSG_NOSIGNAL);
        std::string got;
        for (;;) {
            // The greeting brings an answer of its own, which is not wanted.
            auto const from = greeting_.empty() ? 0 : got.find("\r\n") + 2;
            if (from != 1 && ends(got.substr(from))) {
                ::close(fd);
                return got.substr(from);
            }
            pollfd p{fd, POLLIN, 0};
            char buffer[65536];
            auto const r = ::poll(&p, 1, 10'000) > 0 ? ::recv(fd, buffer, sizeof buffer, 0) : -1;
            if (r <= 0) {
                ::close(fd);
                return got;
            }
            got.append(buffer, static_cast<std::size_t>(r));
        }
    }
    /// What `say` says first, like `AUTH secret`.
    void set_greeting(std::string const& line) { greeting_ = line + "\r\n"; }

    /// Nobody listens there, nor ten thousand above.
    static std::uint16_t free_port() {
        // Below what the system gives to connections, so that nobody takes it before it is used.
        static unsigned next = static_cast<unsigned>(::getpid()) * 37u;
        for (int i = 0; i < 2000; ++i) {
            auto const port = static_cast<std::uint16_t>(12'000 + next++ % 9'000);
            bool free = true;
            for (int const offset : {0, 10'000}) { // the bus of a Cluster is there
                sockaddr_in at{};
                at.sin_family = AF_INET;
                at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
                at.sin_port = htons(static_cast<std::uint16_t>(port + offset));
                int const fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
                free = free && ::bind(fd, reinterpret_cast<sockaddr*>(&at), sizeof at) == 0;
                ::close(fd);
            }
            if (free)
                return port;
        }
        throw std::runtime_error("no free port");
    }

  private:
    redis_server(words extra, std::string const& config)
        : extra_(understood(std::move(extra)))
        , config_(config)
        , sentinel_(true) {
        for (int i = 0;; ++i) {
            port_ = free_port();
            if (start())
                return;
            if (i == 4)
                throw std::runtime_error("the sentinel does not start:\n" + log());
        }
    }

    static std::string program() {
        char const* const named = std::getenv("MAD_REDIS_SERVER");
        return named ? named : "redis-server";
    }

    static std::string older_than(int needed, std::string const& what) {
        auto const text = [](int v) {
            return std::to_string(v / 10'000) + '.' + std::to_string(v / 100 % 100);
        };
        if (version() >= needed)
            return {};
        return what + " need Redis " + text(needed) + ", and this is " + text(version());
    }

    static words understood(words all) {
        if (!without_channel_rights().empty())
            std::erase_if(all, [](std::string const& w) { return w.starts_with('&'); });
        return all;
    }

    bool start() {
        words all{program()};
        if (!config_.empty())
            all.push_back(folder_.write("config", config_ + "\n"));
        for (auto const& w : words{"--port", std::to_string(port_), "--bind", "127.0.0.1", "--dir",
                                   folder_.file("."), "--logfile", folder_.file("log")})
            all.push_back(w);
        if (sentinel_)
            all.push_back("--sentinel");
        else
            for (auto const& w : words{"--save", "", "--unixsocket", socket(), "--unixsocketperm",
                                       "700", "--repl-diskless-sync-delay", "0"})
                all.push_back(w);
        all.insert(all.end(), extra_.begin(), extra_.end());
        std::vector<char*> args;
        for (auto& w : all) {
            if (w == "{port}")
                w = std::to_string(port_);
            args.push_back(w.data());
        }
        args.push_back(nullptr);
        pid_ = ::fork();
        if (pid_ == 0) {
            ::prctl(PR_SET_PDEATHSIG, SIGKILL);
            for (int const s : {SIGINT, SIGTERM, SIGSEGV, SIGABRT, SIGFPE, SIGILL})
                ::signal(s, SIG_DFL);
            int const null = ::open("/dev/null", O_RDWR);
            for (int const fd : {0, 1, 2})
                ::dup2(null, fd);
            ::execvp(args[0], args.data());
            ::_exit(127);
        }
        // Until it listens; its unix socket comes last.
        auto const until = std::chrono::steady_clock::now() + std::chrono::seconds(10);
        while (std::chrono::steady_clock::now() < until) {
            int status;
            if (::waitpid(pid_, &status, WNOHANG) == pid_) {
                pid_ = -1;
                if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
                    throw std::runtime_error("no redis-server here: apt-get install redis-server");
                return false;
            }
            if (int const fd = connected(); fd >= 0) {
                ::close(fd);
                return true;
            }
            ::poll(nullptr, 0, 5);
        }
        return false;
    }

    int connected() const {
        int fd;
        int r;
        if (sentinel_) {
            sockaddr_in to{};
            to.sin_family = AF_INET;
            to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
            to.sin_port = htons(port_);
            fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
            r = ::connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to);
        } else {
            sockaddr_un to{};
            to.sun_family = AF_UNIX;
            socket().copy(to.sun_path, sizeof to.sun_path - 1);
            fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
            r = ::connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to);
        }
        if (r == 0)
            return fd;
        ::close(fd);
        return -1;
    }

    /// Whether a whole reply of one line, or one bulk, is there. Arrays are taken as they come.
    static bool ends(std::string const& got) {
        auto const line = got.find("\r\n");
        if (line == got.npos)
            return false;
        if (got[0] != '$')
            return true;
        auto const n = std::stol(got.substr(1));
        return n < 0 || got.size() >= line + 2 + static_cast<std::size_t>(n) + 2;
    }

    void end(int signal) {
        if (pid_ <= 0)
            return;
        ::kill(pid_, signal);
        ::kill(pid_, SIGCONT);
        int status;
        ::waitpid(pid_, &status, 0);
        pid_ = -1;
    }

    temp_folder folder_;
    words extra_;
    std::string config_;
    std::string greeting_;
    bool sentinel_ = false;
    std::uint16_t port_ = 0;
    pid_t pid_ = -1;
};

} // namespace mad_test

#endif
