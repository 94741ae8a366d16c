#include "support.hpp"

#include <mad/host/json.hpp>

#include <cstdio>
#include <cstring>

#include <linux/if.h>
#include <linux/if_tun.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

using namespace host_faults;

namespace {

/// An interface that lives as long as this.
class tunnel {
  public:
    tunnel()
        : fd_(::open("/dev/net/tun", O_RDWR | O_CLOEXEC)) {
        need(fd_ >= 0, "no /dev/net/tun");
        ifreq r{};
        std::strcpy(r.ifr_name, "mad0");
        r.ifr_flags = IFF_TUN | IFF_NO_PI;
        need(::ioctl(fd_, TUNSETIFF, &r) == 0, "no right to make an interface");
        int const s = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        r.ifr_flags = IFF_UP;
        need(::ioctl(s, SIOCSIFFLAGS, &r) == 0, "the interface stays down");
        ::close(s);
    }
    ~tunnel() { ::close(fd_); }
    tunnel(tunnel const&) = delete;
    tunnel& operator=(tunnel const&) = delete;

    /// Lets so many packets of 1,000 bytes come in.
    void receive(int packets) {
        char packet[1000] = {0x45, 0, 0x03, static_cast<char>(0xe8)};
        for (int i = 0; i < packets; ++i)
            need(::write(fd_, packet, sizeof packet) == sizeof packet, "packets are refused");
    }

  private:
    int fd_;
};

std::string shown(host::sample const& s) {
    for (auto const& n : s.nics)
        if (n.name == "mad0")
            return "rx " + std::to_string(static_cast<long>(n.rates.rx.value_or(-1)));
    return s.failed.empty() ? "absent" : "failed";
}

void come_and_go(std::vector<std::string>& said) {
    need(::unshare(CLONE_NEWNET) == 0, "no right to make a network namespace");
    leave_mounts();
    folder sys;
    need(::mount("sysfs", sys.path.c_str(), "sysfs", MS_RDONLY, nullptr) == 0, "no sysfs");
    hand_clock clock;
    auto settings = settings_with(clock);
    settings.where.sys = sys.path;
    host::sampler s(std::move(settings));
    auto const say = [&] {
        clock.advance(2500ms);
        said.push_back(shown(s.take()));
    };
    {
        tunnel t;
        say(); // its baseline
        t.receive(100);
        say();
    }
    say(); // it has gone
    {
        tunnel t;
        t.receive(50);
        say(); // another one of its name: a baseline again
        t.receive(25);
        say();
    }
    ::umount2(sys.path.c_str(), MNT_DETACH);
}

long resident_kb() {
    std::ifstream in("/proc/self/status");
    for (std::string line; std::getline(in, line);)
        if (line.starts_with("VmRSS:"))
            return std::atol(line.c_str() + 6);
    return -1;
}

void many_ticks(std::vector<std::string>& said) {
    hand_clock clock;
    host::sampler s(settings_with(clock));
    std::string json;
    json.reserve(host::max_health_bytes);
    auto const ticks = [&](int n) {
        for (int i = 0; i < n; ++i) {
            json.clear();
            host::append_health_json(json, s.take());
            clock.advance(2500ms);
        }
    };
    ticks(500);
    resident_kb();
    auto const descriptors = entries_of("/proc/self/fd"), threads = entries_of("/proc/self/task");
    auto const before = resident_kb();
    ticks(10'000);
    auto const grown = resident_kb() - before;
    said.push_back(std::to_string(grown));
    said.push_back(entries_of("/proc/self/fd") == descriptors ? "same" : "more descriptors");
    said.push_back(entries_of("/proc/self/task") == threads ? "same" : "more threads");
}

} // namespace

TEST_CASE("an interface that goes and comes back makes no jump") {
    auto const o = in_child(come_and_go);
    if (!o.skipped.empty()) {
        WARN("left out: " << o.skipped);
        return;
    }
    CHECK(o.said == std::vector<std::string>{"absent", "rx 40000", "absent", "absent", "rx 10000"});
}

TEST_CASE("10,000 samples of this machine hold no more memory and no more files than 500") {
    auto const o = in_child(many_ticks);
    REQUIRE(o.said.size() == 3);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    // A page lost at each sample would be 40 MB; the kernel's own count lags by some pages.
    INFO("kB grown: " << o.said[0]);
    CHECK(std::atol(o.said[0].c_str()) <= 256);
#endif
    CHECK(o.said[1] == "same");
    CHECK(o.said[2] == "same");
}
