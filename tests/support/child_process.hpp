#ifndef MAD_TESTS_SUPPORT_CHILD_PROCESS_HPP
#define MAD_TESTS_SUPPORT_CHILD_PROCESS_HPP

#include <chrono>
#include <exception>
#include <functional>
#include <stdexcept>
#include <string>
#include <utility>

#include <csignal>
#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace mad_test {

/// A copy of this process that runs one function and ends; it dies with us, however we end. Make it
/// while no other thread runs.
class child_process {
  public:
    /// `work` gets a descriptor whose lines `line()` gives here.
    explicit child_process(std::function<void(int)> const& work) {
        int ends[2];
        if (::pipe2(ends, O_CLOEXEC) != 0)
            throw std::runtime_error("pipe");
        pid_ = ::fork();
        if (pid_ < 0)
            throw std::runtime_error("fork");
        if (pid_ == 0) {
            ::prctl(PR_SET_PDEATHSIG, SIGKILL);
            for (int const s : {SIGINT, SIGTERM, SIGSEGV, SIGABRT, SIGFPE, SIGILL})
                ::signal(s, SIG_DFL); // the test runner's own handlers would report here
            ::close(ends[0]);
            try {
                work(ends[1]);
            } catch (...) {
                ::_exit(9);
            }
            ::_exit(0);
        }
        ::close(ends[1]);
        from_ = ends[0];
    }
    child_process(child_process const&) = delete;
    child_process& operator=(child_process const&) = delete;
    ~child_process() {
        kill();
        ::close(from_);
    }

    /// At once, and without a word.
    void kill() {
        if (pid_ > 0) {
            ::kill(pid_, SIGKILL);
            int status;
            ::waitpid(pid_, &status, 0);
            pid_ = -1;
        }
    }

    /// The next line that the child wrote, without its end.
    std::string line() {
        for (;;) {
            if (auto const end = got_.find('\n'); end != got_.npos) {
                auto out = got_.substr(0, end);
                got_.erase(0, end + 1);
                return out;
            }
            pollfd p{from_, POLLIN, 0};
            char buffer[512];
            ssize_t const n = ::poll(&p, 1, 20'000) > 0 ? ::read(from_, buffer, sizeof buffer) : -1;
            if (n <= 0)
                throw std::runtime_error("the child says nothing");
            got_.append(buffer, static_cast<std::size_t>(n));
        }
    }

    /// Whether it still runs.
    bool alive() {
        int status;
        if (pid_ > 0 && ::waitpid(pid_, &status, WNOHANG) == pid_)
            pid_ = -1;
        return pid_ > 0;
    }

  private:
    pid_t pid_ = -1;
    int from_ = -1;
    std::string got_;
};

inline void write_line(int fd, std::string const& text) {
    auto const line = text + "\n";
    [[maybe_unused]] auto const n = ::write(fd, line.data(), line.size());
}

} // namespace mad_test

#endif
