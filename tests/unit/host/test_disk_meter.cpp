#include <mad/host/disk_meter.hpp>

#include <catch2/catch.hpp>

#include <map>
#include <string>

using namespace mad::host;
using namespace std::chrono_literals;

namespace {

constexpr std::uint64_t top = beyond_32_bits - 1;

struct feed {
    std::map<std::string, disk_role, std::less<>> roles;
    int asked = 0;
    disk_meter meter{[this](std::string_view name) {
        ++asked;
        auto const r = roles.find(name);
        return r == roles.end() ? disk_role::counted : r->second;
    }};
    mad::time_point at{1000s};
    std::vector<disk_stats> now;
    sample out;

    sample& operator()(std::vector<disk_stats> disks, mad::duration later = 2500ms) {
        at += later;
        out.io.reset();
        out.disks.clear();
        meter.update(disks, at, out);
        return out;
    }
};

disk_stats line(std::string_view name, unsigned minor = 0) {
    disk_stats d;
    d.major = 8;
    d.minor = minor;
    d.name = name;
    return d;
}

/// `d` after some traffic: requests, sectors and ms on each side.
disk_stats after(disk_stats d, std::uint64_t requests, std::uint64_t sectors, std::uint64_t ms) {
    d.reads += requests;
    d.writes += 2 * requests;
    d.sectors_read += sectors;
    d.sectors_written += 2 * sectors;
    d.read_ms += ms;
    d.write_ms += 4 * ms;
    d.busy_ms += ms;
    d.weighted_ms += 5 * ms;
    return d;
}

} // namespace

TEST_CASE("rates of one disk by the book") {
    feed f;
    auto const d = line("sda");
    f({d});
    CHECK_FALSE(f.out.io);
    CHECK(f.out.disks.empty());

    f({after(d, 10, 5000, 250)});
    REQUIRE(f.out.io);
    REQUIRE(f.out.disks.size() == 1);
    auto const& r = f.out.disks[0].rates;
    CHECK(f.out.disks[0].name == "sda");
    CHECK(f.out.disks[0].counted);
    CHECK(*r.read == Approx(5000 * 512 / 2.5));
    CHECK(*r.written == Approx(2 * 5000 * 512 / 2.5));
    CHECK(*r.reads == Approx(4));
    CHECK(*r.writes == Approx(8));
    CHECK(*r.util == Approx(10));
    CHECK(*r.queue == Approx(0.5));
    CHECK(*r.read_wait_ms == Approx(25));
    CHECK(*r.write_wait_ms == Approx(50));
    CHECK(*f.out.io->read == *r.read);
    CHECK(*f.out.io->write_wait_ms == Approx(50));
}

TEST_CASE("an idle disk has rates of 0 and no waiting times") {
    feed f;
    f({line("sda")});
    f({line("sda")});
    REQUIRE(f.out.io);
    CHECK(f.out.io->read == 0.0);
    CHECK(f.out.io->util == 0.0);
    CHECK_FALSE(f.out.io->read_wait_ms);
    CHECK_FALSE(f.out.disks[0].rates.write_wait_ms);
}

TEST_CASE("totals add traffic, take the busiest, and weigh waiting times by requests") {
    feed f;
    auto const a = line("sda", 0), b = line("sdb", 16);
    f({a, b});
    f({after(a, 10, 1000, 100), after(b, 30, 500, 900)});
    auto const& t = *f.out.io;
    CHECK(*t.read == Approx(1500 * 512 / 2.5));
    CHECK(*t.reads == Approx(16));
    CHECK(*t.util == Approx(36));
    CHECK(*t.queue == Approx(2.0));
    CHECK(*t.read_wait_ms == Approx((10 * 10 + 30 * 30) / 40.0));
}

TEST_CASE("what is made of other devices is listed and not counted, the rest is left out") {
    feed f;
    f.roles = {{"dm-0", disk_role::listed}, {"sda1", disk_role::ignored}};
    auto const sda = line("sda"), part = line("sda1", 1), dm = line("dm-0", 2);
    f({sda, part, dm});
    f({after(sda, 1, 100, 1), after(part, 1, 100, 1), after(dm, 1, 100, 1)});
    REQUIRE(f.out.disks.size() == 2);
    CHECK(f.out.disks[0].name == "sda");
    CHECK(f.out.disks[1].name == "dm-0");
    CHECK_FALSE(f.out.disks[1].counted);
    CHECK(*f.out.io->read == Approx(100 * 512 / 2.5));
}

TEST_CASE("a machine without counted disks has no total") {
    feed f;
    f.roles = {{"loop0", disk_role::ignored}};
    f({line("loop0")});
    f({line("loop0")});
    CHECK_FALSE(f.out.io);
    f({});
    f({});
    CHECK_FALSE(f.out.io);
}

TEST_CASE("a disk that comes, goes or comes back never makes a jump") {
    feed f;
    auto const a = line("sda");
    auto const old = after(line("sdb", 16), 1'000'000, 1'000'000'000, 1'000'000);
    f({a});
    f({a, old});
    CHECK(f.out.io->read == 0.0);
    REQUIRE(f.out.disks.size() == 1);
    f({a, after(old, 1, 10, 1)});
    CHECK(*f.out.io->read == Approx(10 * 512 / 2.5));
    f({a});
    CHECK(f.out.io->read == 0.0);
    f({a, old});
    CHECK(f.out.disks.size() == 1);
    // The same name with another number is another disk.
    auto other = old;
    other.minor = 32;
    f({a, after(other, 5, 5, 5)});
    CHECK(f.out.disks.size() == 1);
    CHECK(f.out.io->read == 0.0);
}

TEST_CASE("devices may change their order in the file") {
    feed f;
    auto const a = line("sda"), b = line("sdb", 16);
    f({a, b});
    f({after(b, 1, 1000, 1), a});
    REQUIRE(f.out.disks.size() == 2);
    CHECK(f.out.disks[0].name == "sdb");
    CHECK(*f.out.disks[0].rates.read == Approx(1000 * 512 / 2.5));
    CHECK(f.out.disks[1].rates.read == 0.0);
}

TEST_CASE("a reset leaves the fields it hit unknown for one tick") {
    feed f;
    auto d = after(line("sda"), 1000, 100'000, 5000);
    f({d});
    auto fresh = after(line("sda"), 1, 8, 1);
    f({fresh});
    CHECK_FALSE(f.out.io);
    REQUIRE(f.out.disks.size() == 1);
    CHECK_FALSE(f.out.disks[0].rates.read);
    CHECK_FALSE(f.out.disks[0].rates.util);
    f({after(fresh, 1, 8, 1)});
    CHECK(*f.out.io->read == Approx(8 * 512 / 2.5));

    // One field alone may fall: the others keep their rate.
    auto odd = after(fresh, 2, 16, 2);
    odd.read_ms = 0;
    f({odd});
    CHECK(f.out.io->read);
    CHECK_FALSE(f.out.io->read_wait_ms);
    CHECK(f.out.io->write_wait_ms);
}

TEST_CASE("columns of 32 bits wrap") {
    feed f;
    auto d = line("sda");
    d.busy_ms = top - 99;
    d.weighted_ms = top - 999;
    d.read_ms = top - 4;
    d.sectors_read = top - 7;
    d.reads = 5;
    f({d});
    d.busy_ms = 150;
    d.weighted_ms = 1500;
    d.read_ms = 5;
    d.sectors_read = 992;
    d.reads = 7;
    f({d});
    CHECK(*f.out.io->util == Approx(10));
    CHECK(*f.out.io->queue == Approx(1));
    CHECK(*f.out.io->read_wait_ms == Approx(5));
    CHECK(*f.out.io->read == Approx(1000 * 512 / 2.5));
}

TEST_CASE("a fall that no disk could wrap to is a reset") {
    feed f;
    auto d = line("sda");
    d.busy_ms = beyond_32_bits / 10 * 9; // 429 s below the end: more than passed
    d.sectors_read = beyond_32_bits / 10 * 9;
    f({d});
    d.busy_ms = 10;
    d.sectors_read = 10;
    f({d});
    CHECK_FALSE(f.out.disks[0].rates.util);
    CHECK_FALSE(f.out.disks[0].rates.read);
}

TEST_CASE("rates beyond any disk are not believed") {
    feed f;
    auto d = line("sda");
    f({d});
    d.sectors_read = 1'000'000'000'000;
    d.reads = UINT64_MAX / 2;
    d.writes = 5;
    d.write_ms = UINT64_MAX / 2;
    d.weighted_ms = UINT64_MAX / 2;
    d.busy_ms = UINT64_MAX / 2;
    f({d});
    auto const& r = f.out.disks[0].rates;
    CHECK_FALSE(r.read);
    CHECK_FALSE(r.reads);
    CHECK_FALSE(r.queue);
    CHECK_FALSE(r.write_wait_ms);
    CHECK(r.util == 100.0);
    CHECK(r.written == 0.0);
}

TEST_CASE("too soon and after a reset there are no rates") {
    feed f;
    auto const d = line("sda");
    f({d});
    f({after(d, 1, 1, 1)}, 60ms);
    CHECK_FALSE(f.out.io);
    f({after(d, 2, 2, 2)}, 60ms);
    REQUIRE(f.out.io);
    CHECK(*f.out.io->reads == Approx(2 / 0.12));
    f.meter.reset();
    f({after(d, 9, 9, 9)});
    CHECK_FALSE(f.out.io);
    f({after(d, 9, 9, 9)});
    CHECK(f.out.io->reads == 0.0);
}

TEST_CASE("what a device is gets asked once, and again each minute") {
    feed f;
    auto const d = line("sda");
    f({d});
    f({d});
    CHECK(f.asked == 1);
    // Claimed by an array in between.
    f.roles = {{"sda", disk_role::ignored}};
    f({d}, 54s);
    CHECK(f.asked == 1);
    CHECK(f.out.io);
    f({d}, 4s);
    CHECK(f.asked == 2);
    CHECK_FALSE(f.out.io);
    // Released: the old baseline is not used.
    f.roles.clear();
    f({after(d, 1'000'000, 1'000'000, 0)}, 60s);
    CHECK_FALSE(f.out.io);
    f({after(d, 1'000'000, 1'000'000, 0)});
    CHECK(f.out.io->reads == 0.0);
}
