#ifndef MAD_TESTS_SUPPORT_SPLIT_NETWORK_HPP
#define MAD_TESTS_SUPPORT_SPLIT_NETWORK_HPP

#include <cstdio>
#include <cstring>
#include <stdexcept>
#include <string>

#include <cerrno>
#include <fcntl.h>
#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

namespace mad_test {

/// Why there is no such network on this machine.
struct no_network : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// Two networks that the kernel keeps apart from the machine's own and from each other, and a wire
/// between them that can be cut. The thread that makes it is on the near side, and so is all that
/// it starts until this is gone. Needs root, `ip` and `iptables`.
class split_network {
  public:
    /// Whose packets are lost on the way.
    enum class cut { all, what_near_says, what_far_says };

    /// Runs `fn` on the far side, on this thread. What it starts stays there.
    template <class Fn>
    auto in_far(Fn fn) {
        struct visit {
            visit(int to, int from)
                : back(from) {
                enter(to);
            }
            ~visit() { ::setns(back, CLONE_NEWNET); }
            int back;
        } const there(far_, near_);
        return fn();
    }

    /// Throws `no_network` where none can be made.
    split_network()
        : home_(here()) {
        try {
            far_ = another();
            must("ip link set lo up");
            near_ = another();
            must("ip link set lo up");
            must("ip link add near type veth peer name far");
            must("ip link set far netns /proc/" + std::to_string(::getpid()) + "/fd/" +
                 std::to_string(far_));
            must("ip address add 10.77.0.1/24 dev near");
            must("ip link set near up");
            in_far([this] {
                for (int i = 0; i < 2; ++i)
                    must("ip address add " + far_address(i) + "/24 dev far");
                must("ip link set far up");
            });
            heal();
        } catch (...) {
            leave();
            throw;
        }
    }
    split_network(split_network const&) = delete;
    split_network& operator=(split_network const&) = delete;
    ~split_network() { leave(); }

    /// One of two addresses that the far side has, so that ways to it can be cut one by one.
    static std::string far_address(int i) { return "10.77.0." + std::to_string(2 + i); }

    /// Loses these packets between us and that address, without a word to anybody.
    void lose(cut what, std::string const& address) {
        // Where they come in: a sender is told of what its own side throws away.
        if (what != cut::what_far_says)
            in_far([&] { must("iptables -w -A INPUT -d " + address + " -j DROP"); });
        if (what != cut::what_near_says)
            must("iptables -w -A INPUT -s " + address + " -j DROP");
    }
    /// Loses nothing any more.
    void heal() {
        must("iptables -w -F INPUT");
        in_far([] { must("iptables -w -F INPUT"); });
    }

  private:
    static int here() { return ::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC); }

    static int another() {
        if (::unshare(CLONE_NEWNET) != 0)
            throw no_network(std::string("no network namespace: ") + std::strerror(errno));
        return here();
    }
    static void enter(int ns) {
        if (::setns(ns, CLONE_NEWNET) != 0)
            throw no_network(std::string("setns: ") + std::strerror(errno));
    }

    static void must(std::string const& command) {
        auto* const out = ::popen((command + " 2>&1").c_str(), "re");
        if (!out)
            throw no_network("no shell");
        std::string said;
        char buffer[512];
        while (auto const n = std::fread(buffer, 1, sizeof buffer, out))
            said.append(buffer, n);
        if (::pclose(out) != 0)
            throw no_network(command + ": " + said.substr(0, said.find('\n')));
    }

    void leave() {
        ::setns(home_, CLONE_NEWNET);
        for (int const fd : {near_, far_, home_})
            if (fd >= 0)
                ::close(fd);
    }

    int home_, far_ = -1, near_ = -1;
};

} // namespace mad_test

#endif
