#include "synthetic_host.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace programs {

using namespace mad::host;

static constexpr std::array<std::string_view, 3> regions{"eu-west-3", "us-east-1", "ap-south-1"};
static constexpr std::array<std::string_view, 5> roles{"web", "api", "db", "cache", "worker"};
static constexpr double gibibyte = 1024.0 * 1024 * 1024;

/// One decimal, as measured percents have.
static double rounded(double v) {
    return std::round(v * 10) / 10;
}

synthetic_host::synthetic_host(std::uint64_t seed, std::size_t number, trouble t, bool steady)
    : random_(static_cast<std::minstd_rand::result_type>(seed * 2'654'435'761u + number + 1))
    , trouble_(t)
    , steady_(steady) {
    random_.discard(16); // neighbours begin alike
    region_ = regions[number % regions.size()];
    auto const role = roles[number / regions.size() % roles.size()];
    tags_ = {"synthetic", number % 7 == 0 ? "staging" : "prod", "role:" + std::string(role)};
    auto const cpus = 1u << static_cast<unsigned>(1 + chance() * 3); // 2, 4 or 8
    who_.os = "Debian GNU/Linux 12 (bookworm)";
    who_.kernel = "6.1.0-28-amd64";
    who_.arch = number % 5 == 4 ? "aarch64" : "x86_64";
    who_.cpus = cpus;
    who_.memory = static_cast<std::uint64_t>(cpus * 4 * gibibyte);
    who_.caps = capabilities{true, false};
    period_ = 80 + static_cast<std::size_t>(chance() * 160); // steps from trouble to trouble
    phase_ = static_cast<std::size_t>(chance() * static_cast<double>(period_));
    cpu_ = cpu_home_ = 4 + chance() * 50;
    memory_ = memory_home_ = 20 + chance() * 55;
    storage_ = t == trouble::storage ? 86 + chance() * 11 : 15 + chance() * 60;
    network_ = network_home_ = std::exp(chance() * 6); // 1 to 400 Mbit/s
    sample_.uptime_s = std::floor(3'600 + chance() * 60 * 86'400);
}

double synthetic_host::wander(double value, double home, double step, double least, double most) {
    value += (home - value) * 0.08 + (chance() - 0.5) * 2 * step;
    return std::clamp(value, least, most);
}

sample const& synthetic_host::next(std::int64_t wall_ms) {
    sample_.wall_ms = wall_ms;
    if (frozen_)
        return sample_;
    ++step_;
    // In trouble for a third of each period.
    bool const bad = trouble_ != trouble::none &&
                     (step_ + phase_) % period_ < std::max<std::size_t>(period_ / 3, 1);
    silent_ = bad && trouble_ == trouble::silence;
    if (steady_ && filled_)
        return sample_;
    cpu_ = wander(cpu_, bad && trouble_ == trouble::cpu ? 97 : cpu_home_, 3, 0.3, 100);
    memory_ = wander(memory_, bad && trouble_ == trouble::memory ? 94 : memory_home_, 0.4, 5, 99);
    storage_ = std::clamp(storage_ + (chance() - 0.499) * 0.02, 1.0, 99.0);
    network_ = wander(network_, network_home_, network_home_ * 0.15, 0.01, 10'000);
    fill();
    filled_ = true;
    return sample_;
}

void synthetic_host::fill() {
    auto const cpus = *who_.cpus;
    auto const memory = static_cast<double>(*who_.memory);
    auto& s = sample_;
    s.storage = rounded(storage_);
    s.network = std::round(network_ * 1000) / 1000;
    s.usable_cpus = cpus;
    s.cpu =
        cpu_use{rounded(cpu_), rounded(cpu_ * 0.7), rounded(cpu_ * 0.25), rounded(cpu_ * 0.03), 0};
    s.cores.resize(cpus);
    for (auto& core : s.cores)
        core = std::clamp(std::round(cpu_ + (chance() - 0.5) * 12), 0.0, 100.0);
    auto const load = cpu_ / 100 * cpus;
    s.load = load_averages{std::round(load * 104) / 100, std::round(load * 98) / 100,
                           std::round(load * 92) / 100};
    s.memory = memory_use{*who_.memory,
                          static_cast<std::uint64_t>(memory * (1 - memory_ / 100)) / 4096 * 4096,
                          rounded(memory_), 2'147'483'648, 0};
    auto const pressed = [](double some) {
        return pressure{rounded(some), rounded(some / 3), rounded(some), rounded(some / 3)};
    };
    s.psi.cpu =
        pressure{rounded(std::max(0.0, cpu_ - 60) / 4), std::nullopt, std::nullopt, std::nullopt};
    s.psi.memory = pressed(std::max(0.0, memory_ - 92));
    s.psi.io = pressed(cpu_ / 40);
    auto const disk_size = 64 * gibibyte;
    filesystem root;
    root.mount = mount_name("/");
    root.type = type_name("ext4");
    root.space = space_use{static_cast<std::uint64_t>(disk_size),
                           static_cast<std::uint64_t>(disk_size * (1 - storage_ / 100)), s.storage,
                           rounded(storage_ / 6)};
    s.filesystems.assign(1, root);
    auto const io = disk_rates{std::round(network_ * 2'000),
                               std::round(network_ * 5'000),
                               std::round(network_),
                               std::round(network_ * 3),
                               rounded(std::min(100.0, cpu_ / 8)),
                               0.1,
                               0.4,
                               0.9};
    s.io = io;
    auto const bytes = network_ * 125'000;
    s.net = nic_rates{std::round(bytes * 0.7), std::round(bytes * 0.3), 0.0, 0.0};
    nic eth;
    eth.name = nic_name("eth0");
    eth.rates = *s.net;
    eth.speed_mbit = 10'000;
    s.nics.assign(1, eth);
    s.tasks = task_counts{static_cast<std::uint64_t>(load) + 1,
                          180 + static_cast<std::uint64_t>(cpu_), 0};
    s.agent = own_cost{0.02, 2'500'000};
    *s.uptime_s += 2.5;
}

} // namespace programs
