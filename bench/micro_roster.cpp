// What a node thinks about a sample: nanoseconds and heap allocations of reading it, of the whole
// roster with 10,000 hosts, well and ill, and of the looks at what is due; the median of 9 rounds
// and how far apart they were.

#include <mad/fleet/roster.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <new>
#include <string>
#include <vector>

namespace {

std::size_t allocations = 0;

} // namespace

[[gnu::noinline]] void* operator new(std::size_t n) {
    ++allocations;
    if (void* p = std::malloc(n == 0 ? 1 : n))
        return p;
    throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* p) noexcept {
    std::free(p);
}
[[gnu::noinline]] void operator delete(void* p, std::size_t) noexcept {
    std::free(p);
}

namespace {

using namespace mad;

constexpr std::size_t hosts = 10'000;
constexpr std::int64_t wall = 1'764'000'000'000;

/// Keeps the compiler from leaving work out.
double sink = 0;

std::string const info =
    R"({"host":"web-042","os":"Debian 12","kernel":"6.1.0","arch":"x86_64","cpus":4,)"
    R"("mem":16777216000,"agent":"1.0.0","scope":"host","boot":1763135787,"region":"eu-west-3",)"
    R"("tags":["prod","role:web"],"caps":{"psi":true,"temp":true}})";

fleet::stored_record record_of(std::size_t i, double storage) {
    fleet::stored_record r;
    r.id = "web-" + std::to_string(i);
    r.socket_id = "socket";
    r.run = "9f3c1a7e";
    r.info = info;
    r.record = R"({"id":")" + r.id + R"(","health":{"storage":)" + std::to_string(storage) +
               R"(,"network":1.844,"cpu":{"pct":12.3,"user":8.1,"sys":3.2,"iowait":0.6,)"
               R"("steal":0.4,"cores":[10,14,12,13]},"load":[0.42,0.51,0.47],)"
               R"("mem":{"total":16777216000,"avail":12450000000,"pct":25.8,)"
               R"("swap_total":2147483648,"swap_used":0},)"
               R"("psi":{"cpu":[0.4],"mem":[0.0,0.0],"io":[1.2,0.3]},)"
               R"("disk":[{"m":"/","fs":"ext4","size":51200000000,"avail":32051200000,)"
               R"("pct":37.4,"ipct":4.1,"ro":false}],)"
               R"("io":{"rd":102400,"wr":409600,"rops":12,"wops":40,"util":3.1,"queue":0.1},)"
               R"("net":{"rx":184320,"tx":46180,"err":0,"drop":0,)"
               R"("ifs":[{"n":"eth0","rx":184320,"tx":46180,"speed":1000}]},)"
               R"("temp":{"max":54.0,"name":"coretemp Package id 0","crit":100},)"
               R"("up":864213,"procs":{"run":2,"total":211,"blocked":0},)"
               R"("agent":{"cpu":0.02,"rss":1835008},"err":[]},"v":2,"run":"9f3c1a7e",)"
               R"("seq":1842,"ts":1764000000123,"interval_ms":2500,"info":)" +
               info + R"(,"socketID":"socket"})";
    return r;
}

template <class Round>
void row(char const* name, std::size_t per_round, Round round) {
    round(); // what is set up once
    std::array<double, 9> ns;
    auto const before = allocations;
    for (auto& t : ns) {
        auto const start = std::chrono::steady_clock::now();
        round();
        t = std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - start)
                .count() /
            double(per_round);
    }
    auto const allocated = double(allocations - before) / double(ns.size() * per_round);
    std::sort(ns.begin(), ns.end());
    std::printf("%-44s %8.0f  %6.0f..%-6.0f %8.2f\n", name, ns[4], ns.front(), ns.back(),
                allocated);
}

} // namespace

int main() {
    std::printf("%-44s %8s  %14s %8s\n", "", "ns", "least..most", "allocs");
    std::vector<fleet::stored_record> well, ill;
    for (std::size_t i = 0; i < hosts; ++i) {
        well.push_back(record_of(i, 37.4));
        ill.push_back(record_of(i, 97.5));
    }
    std::printf("a record has %zu bytes\n", well[0].record.size());
    row("read_health", hosts, [&] {
        for (auto const& r : well)
            sink += double(fleet::read_health(r.record, wall).raw(fleet::metric::cpu));
    });

    auto const run = [&](char const* name, std::vector<fleet::stored_record> const& records,
                         bool own) {
        fleet::roster all;
        time_point now{std::chrono::hours(1)};
        // As at 4,000 samples a second, with a look ten times a second.
        row(name, hosts, [&] {
            for (std::size_t i = 0; i < records.size(); ++i) {
                if (own) {
                    auto r = records[i]; // a node makes it anew, too
                    sink += all.sample(r, true, now, wall).value;
                } else {
                    sink += all.sample(records[i], now, wall).value;
                }
                now += std::chrono::microseconds(250);
                if (i % 400 == 0)
                    all.on_time(now, wall);
            }
        });
    };
    run("roster: another node's, well", well, false);
    run("roster: another node's, well, again", well, false);
    run("roster: own, well (with a copy of the record)", well, true);
    run("roster: own, critical (the same)", ill, true);

    row("copy of the record", hosts, [&] {
        for (auto const& r : well) {
            auto copy = r;
            sink += double(copy.record.size());
        }
    });

    fleet::roster all;
    time_point now{std::chrono::hours(1)};
    for (auto const& r : well)
        all.sample(r, now, wall);
    std::size_t const looks = 100;
    row("on_time with nothing due", looks, [&] {
        for (std::size_t i = 0; i < looks; ++i)
            all.on_time(now, wall);
    });
    return sink == 1 ? 1 : 0;
}
