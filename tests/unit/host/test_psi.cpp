#include "support.hpp"

#include <mad/host/json.hpp>
#include <mad/host/psi_meter.hpp>

using namespace host_test;
using host::source;

namespace {

std::string pressure_file(std::uint64_t some_us, std::uint64_t full_us) {
    return "some avg10=0.00 avg60=1.25 avg300=0.00 total=" + std::to_string(some_us) +
           "\nfull avg10=0.00 avg60=0.50 avg300=0.00 total=" + std::to_string(full_us) + "\n";
}

struct bench {
    tree files;
    hand_clock time;
    host::read_buffer buffer;
    host::sample out;

    void put(std::uint64_t some_us, std::uint64_t full_us) {
        for (auto name : {"proc/pressure/cpu", "proc/pressure/memory", "proc/pressure/io",
                          "group/cpu.pressure", "group/memory.pressure", "group/io.pressure"})
            files.put(name, pressure_file(some_us, full_us));
    }

    host::sample const& update(host::psi_meter& m, duration later = 2500ms) {
        time.advance(later);
        out = {};
        m.update(time, buffer, out);
        return out;
    }
};

} // namespace

TEST_CASE("lines of a pressure file are read whatever newer kernels add") {
    struct row {
        std::string text;
        bool ok;
        std::optional<double> some_avg60, full_avg60;
        std::optional<std::uint64_t> some_total;
    };
    auto const r = GENERATE(values<row>({
        {"some avg10=1.00 avg60=2.50 avg300=3.00 total=123\n"
         "full avg10=0.00 avg60=0.75 avg300=0.00 total=4\n",
         true, 2.5, 0.75, 123u},
        {"some avg10=1.00 avg60=2.50 avg300=3.00 total=123\n", true, 2.5, {}, 123u},
        // the irq file has this one alone
        {"full avg10=0.00 avg60=0.75 avg300=0.00 total=4", true, {}, 0.75, {}},
        {"some total=18446744073709551615 avg60=7 new=1 \nmore avg60=1 total=1\n",
         true,
         7.0,
         {},
         18446744073709551615u},
        {"some avg10=1.00 avg60=100.01 avg300=3.00 total=1\n", true, 100.0, {}, 1u},
        {"some avg10=1.00 avg60=-1 avg300=3.00 total=1\n", false, {}, {}, {}},
        {"some avg10=1.00 avg60=nan avg300=3.00 total=1\n", false, {}, {}, {}},
        {"some avg60=1.00 total=18446744073709551616\n", false, {}, {}, {}},
        {"some avg60=1.00\n", false, {}, {}, {}},
        {"", false, {}, {}, {}},
        {"rubbish\n\n", false, {}, {}, {}},
    }));
    CAPTURE(r.text);
    host::psi_text out;
    CHECK(host::parse_psi(r.text, out) == r.ok);
    CHECK(out.some.has_value() == r.some_total.has_value());
    CHECK(out.full.has_value() == r.full_avg60.has_value());
    if (out.some) {
        CHECK(out.some->avg60 == *r.some_avg60);
        CHECK(out.some->total_us == *r.some_total);
    }
    if (out.full)
        CHECK(out.full->avg60 == *r.full_avg60);
}

TEST_CASE("pressure is the share of the own interval, and the average of the kernel beside it") {
    bench b;
    b.put(1'000'000, 500'000);
    auto meter = host::psi_meter::of_machine(b.files.path("proc"));
    auto const& first = b.update(meter);
    REQUIRE(first.psi.memory);
    CHECK_FALSE(first.psi.memory->some);
    CHECK(first.psi.memory->some_60s == 1.25);
    CHECK(first.psi.memory->full_60s == 0.5);
    CHECK(first.failed.empty());

    b.put(1'250'000, 525'000);
    auto const& second = b.update(meter);
    CHECK(*second.psi.memory->some == Approx(10));
    CHECK(*second.psi.memory->full == Approx(1));
    CHECK(*second.psi.io->some == Approx(10));
    CHECK(*second.psi.cpu->some == Approx(10));
    // The machine's is 0 by definition.
    CHECK_FALSE(second.psi.cpu->full);
    CHECK_FALSE(second.psi.cpu->full_60s);
    std::string json;
    host::append_health_json(json, second);
    CHECK(json.find(R"("psi":{"cpu":[10.0],"mem":[10.0,1.0],"io":[10.0,1.0]},)"
                    R"("psi60":{"cpu":[1.3],"mem":[1.3,0.5],"io":[1.3,0.5]})") !=
          std::string::npos);

    // More than the time that passed is all of it; a fall is no rate, then it goes on.
    b.put(900'000'000, 525'000);
    CHECK(*b.update(meter).psi.io->some == Approx(100));
    CHECK(*b.out.psi.io->full == Approx(0));
    b.put(0, 525'000);
    CHECK_FALSE(b.update(meter).psi.io->some);
    CHECK(b.out.psi.io->full);
    b.put(25'000, 525'000);
    CHECK(*b.update(meter).psi.io->some == Approx(1));

    // Too soon for a rate, and no baseline lost by it.
    b.put(50'000, 525'000);
    CHECK_FALSE(b.update(meter, 50ms).psi.io->some);
    CHECK(b.out.psi.io->some_60s);
    CHECK(*b.update(meter, 2450ms).psi.io->some == Approx(1));
    meter.reset();
    CHECK_FALSE(b.update(meter).psi.io->some);
}

TEST_CASE("the CPU of a group has a full line of its own") {
    bench b;
    b.put(0, 0);
    auto meter = host::psi_meter::of_group(b.files.path("group"));
    b.update(meter);
    b.put(50'000, 25'000);
    CHECK(*b.update(meter).psi.cpu->full == Approx(1));
    CHECK(*b.out.psi.cpu->full_60s == 0.5);
}

TEST_CASE("a kernel without pressure is no fault, and is asked again within a minute") {
    bench b;
    auto meter = host::psi_meter::of_machine(b.files.path("proc"));
    CHECK(b.update(meter).psi.empty());
    CHECK(b.out.failed.empty());
    b.put(0, 0);
    CHECK(b.update(meter).psi.empty());
    CHECK_FALSE(b.update(meter, 60s).psi.empty());
    CHECK(b.out.failed.empty());
}

TEST_CASE("pressure that was there and cannot be read any more is a fault") {
    struct row {
        char const* what;
        void (*spoil)(tree&);
    };
    auto const r = GENERATE(values<row>({
        {"rubbish", [](tree& t) { t.put("proc/pressure/io", "\xff\x00some"); }},
        {"empty", [](tree& t) { t.put("proc/pressure/io", ""); }},
    }));
    CAPTURE(r.what);
    bench b;
    b.put(0, 0);
    auto meter = host::psi_meter::of_machine(b.files.path("proc"));
    b.update(meter);
    r.spoil(b.files);
    CHECK(b.update(meter).failed.has(source::psi));
    CHECK_FALSE(b.out.psi.io);
    CHECK(b.out.psi.memory);
}

TEST_CASE("files that are directories, or not there for us, fail") {
    bench b;
    b.put(0, 0);
    b.files.drop("proc/pressure/io").put("proc/pressure/io/x", "");
    auto meter = host::psi_meter::of_machine(b.files.path("proc"));
    CHECK(b.update(meter).failed.has(source::psi));
}

TEST_CASE("resources come out one by one as they are known") {
    host::sample s;
    std::string json;
    auto const text = [&] {
        json.clear();
        host::append_health_json(json, s);
        return json;
    };
    CHECK(text().find("psi") == std::string::npos);
    s.psi.memory.emplace();
    CHECK(text().find("psi") == std::string::npos);
    s.psi.memory->full = 2.0;
    CHECK(text().find(R"("psi":{"mem":[null,2.0]})") != std::string::npos);
    s.psi.memory->some = 0.04;
    CHECK(text().find(R"("psi":{"mem":[0.0,2.0]})") != std::string::npos);
}
