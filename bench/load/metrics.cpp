#include "metrics.hpp"

#include <algorithm>
#include <bit>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <utility>

#include <unistd.h>

namespace bench {

namespace {

std::int64_t read_clock(clockid_t id) {
    timespec at{};
    if (::clock_gettime(id, &at) != 0)
        return -1;
    return std::int64_t{at.tv_sec} * 1'000'000'000 + at.tv_nsec;
}

std::size_t bucket_of(std::uint64_t value, int sub_bits) {
    int const width = static_cast<int>(std::bit_width(value));
    if (width <= sub_bits)
        return value;
    int const shift = width - sub_bits - 1;
    return (static_cast<std::size_t>(shift + 1) << sub_bits) +
           ((value >> shift) & ((1U << sub_bits) - 1));
}

double middle_of(std::size_t bucket, int sub_bits) {
    auto const row = bucket >> sub_bits;
    auto const column = bucket & ((std::size_t{1} << sub_bits) - 1);
    if (row == 0)
        return static_cast<double>(column);
    auto const unit = static_cast<double>(std::uint64_t{1} << (row - 1));
    return (static_cast<double>((std::size_t{1} << sub_bits) + column) + 0.5) * unit;
}

} // namespace

std::int64_t now_ns() {
    return read_clock(CLOCK_MONOTONIC);
}

std::int64_t cpu_ns(pid_t pid) {
    clockid_t id = CLOCK_PROCESS_CPUTIME_ID;
    if (pid != 0 && ::clock_getcpuclockid(pid, &id) != 0)
        return -1;
    return read_clock(id);
}

std::int64_t rss_bytes(pid_t pid) {
    std::ifstream statm("/proc/" + std::to_string(pid) + "/statm");
    std::int64_t size = 0, resident = 0;
    if (!(statm >> size >> resident))
        return -1;
    return resident * ::sysconf(_SC_PAGESIZE);
}

std::int64_t descriptors(pid_t pid) {
    std::error_code bad;
    std::filesystem::directory_iterator const all("/proc/" + std::to_string(pid) + "/fd", bad);
    return bad ? -1 : std::distance(begin(all), end(all));
}

void histogram::add(std::int64_t ns) {
    auto const value = static_cast<std::uint64_t>(std::max<std::int64_t>(ns, 0));
    ++buckets_[bucket_of(value, sub_bits)];
    ++count_;
    max_ = std::max(max_, ns);
}

double histogram::percentile_us(double share) const {
    auto const wanted = static_cast<std::uint64_t>(share * static_cast<double>(count_));
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < buckets_.size(); ++i) {
        seen += buckets_[i];
        if (seen > wanted)
            return middle_of(i, sub_bits) / 1e3;
    }
    return max_us();
}

void json_line::name(std::string_view name) {
    if (body_.size() > 1)
        body_ += ',';
    body_.append("\"").append(name).append("\":");
}

json_line& json_line::text(std::string_view field, std::string_view value) {
    name(field);
    body_ += '"';
    for (char const c : value) {
        if (c == '"' || c == '\\')
            body_ += '\\';
        body_ += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
    }
    body_ += '"';
    return *this;
}

json_line& json_line::number(std::string_view field, std::int64_t value) {
    name(field);
    body_ += std::to_string(value);
    return *this;
}

json_line& json_line::real(std::string_view field, double value, int digits) {
    name(field);
    std::array<char, 64> digits_of{};
    std::snprintf(digits_of.data(), digits_of.size(), "%.*f", digits, value);
    body_ += digits_of.data();
    return *this;
}

meter::meter(extent how_long, std::vector<pid_t> servers)
    : extent_(how_long)
    , servers_(std::move(servers)) {}

meter::reading meter::read() const {
    std::int64_t used = servers_.empty() ? -1 : 0;
    for (auto const pid : servers_) {
        auto const one = cpu_ns(pid);
        used = one < 0 || used < 0 ? -1 : used + one;
    }
    return {now_ns(), cpu_ns(0), used, all_};
}

void meter::start() {
    started_at_ = now_ns();
    phase_ = phase::warming;
}

bool meter::tick() {
    if (phase_ == phase::waiting)
        return true;
    auto const at = now_ns();
    if (phase_ == phase::warming && static_cast<double>(at - started_at_) >= extent_.warmup * 1e9) {
        first_ = read();
        phase_ = phase::measuring;
    }
    if (phase_ == phase::measuring &&
        (static_cast<double>(at - first_.at) >= extent_.seconds * 1e9 ||
         all_ - first_.units >= extent_.count)) {
        last_ = read();
        phase_ = phase::done;
    }
    return phase_ != phase::done;
}

void meter::report(json_line& out, std::string_view unit_name) const {
    auto const units = static_cast<double>(last_.units - first_.units);
    auto const wall = static_cast<double>(last_.at - first_.at);
    out.text("unit", unit_name)
        .number("units", static_cast<std::int64_t>(units))
        .number("units_all", static_cast<std::int64_t>(all_))
        .real("seconds", wall / 1e9, 3)
        .real("rate", units * 1e9 / wall, 1);
    if (latencies_.count() > 0) {
        out.real("p50_us", latencies_.percentile_us(0.50), 1)
            .real("p99_us", latencies_.percentile_us(0.99), 1)
            .real("max_us", latencies_.max_us(), 1);
    }
    out.real("load_cpu", static_cast<double>(last_.own_cpu - first_.own_cpu) / wall, 3);
    if (first_.server_cpu >= 0 && last_.server_cpu >= 0) {
        auto const used = static_cast<double>(last_.server_cpu - first_.server_cpu);
        out.real("server_cpu", used / wall, 3)
            .real("server_us_per_unit", units > 0 ? used / 1e3 / units : 0.0, 3);
    }
}

} // namespace bench
