#include <mad/fleet/host_state.hpp>
#include <mad/fleet/reading.hpp>
#include <mad/fleet/record.hpp>
#include <mad/host/json.hpp>

#include <catch2/catch.hpp>

#include <support/allocations.hpp>

using namespace mad::fleet;

namespace {

constexpr std::int64_t wall = 1'764'000'000'123;

std::string const sample = R"({"id":"web-042","health":{"storage":37.4,"network":1.844,
 "cpu":{"pct":12.3,"user":8.1,"sys":3.2,"iowait":0.6,"steal":0.4,"cores":[10,14,null,13]},
 "load":[0.42,0.51,0.47],
 "mem":{"total":16777216000,"avail":12450000000,"pct":25.8,"swap_total":2000,"swap_used":500},
 "psi":{"cpu":[0.4],"mem":[9.0,0.25],"io":[1.2,0.5]},
 "disk":[{"m":"/","fs":"ext4","pct":37.4,"ipct":4.1,"ro":false},
         {"m":"/boot \"x\"","fs":"ext4","pct":7.4,"ipct":14.5,"ro":true},
         {"m":"/far","fs":"nfs","ipct":99.0,"ro":true,"net":true}],
 "io":{"rd":102400,"util":3.1},"net":{"rx":1,"ifs":[{"n":"eth0","rx":184320}]},
 "temp":{"max":54.0,"name":"coretemp Package id 0","crit":100},
 "up":864213,"procs":{"run":2},"err":[]},
 "v":2,"run":"9f3c1a7e","seq":1842,"ts":1764000000623,"interval_ms":5000,
 "info":{"host":"web-042","os":"Debian 12","kernel":"6.1.0","arch":"x86_64","cpus":4,
 "agent":"1.0.0","region":"eu-west-3","tags":["prod","role:w\u0065b",7,""],"caps":{"psi":true}},
 "socketID":"x"})";

} // namespace

TEST_CASE("every number of a sample is read") {
    auto const r = read_health(sample, wall);
    struct row {
        metric what;
        double value;
    };
    auto const it = GENERATE(values<row>({
        {metric::storage, 37.4},
        {metric::network, 1.844},
        {metric::cpu, 12.3},
        {metric::mem, 25.8},
        {metric::load, 0.42},
        {metric::psi, 0.5},
        {metric::swap, 25},
        {metric::steal, 0.4},
        {metric::inodes, 14.5},
        {metric::temp, 54},
        {metric::load_per_cpu, 0.105},
        {metric::psi_cpu, 0.4},
        {metric::psi_mem, 0.25},
        {metric::psi_io, 0.5},
        {metric::temp_left, 46},
        {metric::read_only, 1},
        {metric::clock, 0.5},
        {metric::uptime, 864213},
    }));
    CAPTURE(to_string(it.what));
    REQUIRE(r.get(it.what));
    CHECK(*r.get(it.what) == Approx(it.value));
    CHECK(r.modern);
    CHECK(r.interval_ms == 5'000);
    CHECK(r.mounts.size == 2);
    CHECK_FALSE(r.get(metric::turned_ro));
}

TEST_CASE("what a record does not say is unknown, and nothing makes reading fail") {
    struct row {
        char const* record;
        metric what;
        std::optional<double> value;
    };
    auto const it = GENERATE(values<row>({
        {"", metric::cpu, {}},
        {"[]", metric::cpu, {}},
        {"{\"health\":", metric::cpu, {}},
        {R"({"health":{"storage":50,"network":2}})", metric::storage, 50.0},
        {R"({"health":{"storage":50,"network":2}})", metric::cpu, {}},
        {R"({"health":{"storage":"50"}})", metric::storage, {}},
        {R"({"health":{"cpu":[1,2]}})", metric::cpu, {}},
        {R"({"health":{"cpu":{"pct":null}}})", metric::cpu, {}},
        {R"({"health":{"cpu":{"pct":1},"cpu":{"pct":2}}})", metric::cpu, 2.0},
        {R"({"x":{"health":{"cpu":{"pct":1}}}})", metric::cpu, {}},
        {R"({"x":"{\"health\":","health":{"cpu":{"pct":3}}})", metric::cpu, 3.0},
        {R"({"health":{"psi":{"io":[4.0]}}})", metric::psi, 4.0},
        {R"({"health":{"psi":{"io":[4.0]}}})", metric::psi_io, {}},
        {R"({"health":{"psi":{"cpu":[null],"mem":[9,1]}}})", metric::psi, 1.0},
        {R"({"health":{"mem":{"pct":5,"swap_total":0,"swap_used":0}}})", metric::swap, {}},
        {R"({"health":{"load":[]}})", metric::load, {}},
        {R"({"health":{"load":[8,1,1],"cpu":{"usable":2}},"info":{"cpus":16}})",
         metric::load_per_cpu, 4.0},
        {R"({"health":{"load":[8,1,1]}})", metric::load_per_cpu, {}},
        {R"({"health":{"temp":{"max":50}}})", metric::temp_left, {}},
        {R"({"health":{"temp":{"max":-3.5,"crit":90}}})", metric::temp_left, 93.5},
        {R"({"health":{"disk":[]}})", metric::read_only, 0.0},
        {R"({"health":{}})", metric::read_only, {}},
        {R"({"health":{}})", metric::clock, {}},
        {R"({"ts":1764000007123})", metric::clock, 7.0},
        {R"({"ts":1763999993123})", metric::clock, 7.0},
    }));
    CAPTURE(it.record, to_string(it.what));
    auto const got = read_health(it.record, wall).get(it.what);
    REQUIRE(got.has_value() == it.value.has_value());
    if (got)
        CHECK(*got == Approx(*it.value));
}

TEST_CASE("a beginning of a sample is read without going beyond it") {
    for (std::size_t n = 0; n < sample.size(); ++n) {
        std::string const part(sample, 0, n); // its end is the end of the memory
        (void)read_health(part, wall);
        (void)read_state(part);
        (void)read_facts(part);
    }
    CHECK(read_health(sample, wall).get(metric::uptime));
}

TEST_CASE(
    "an interval is taken within bounds, and an agent that says none has that of the original") {
    struct row {
        char const* record;
        std::uint32_t ms;
    };
    auto const it = GENERATE(values<row>({
        {"{}", 2'500},
        {R"({"interval_ms":1})", 1'000},
        {R"({"interval_ms":30000})", 30'000},
        {R"({"interval_ms":1e18})", 60'000},
        {R"({"interval_ms":"x"})", 2'500},
    }));
    CAPTURE(it.record);
    CHECK(read_health(it.record, wall).interval_ms == it.ms);
    CHECK_FALSE(read_health(it.record, wall).modern);
}

TEST_CASE("reading a sample allocates nothing") {
    if (!mad_test::counts_allocations)
        return;
    float sum = 0;
    CHECK(mad_test::allocations_of([&] {
              sum += read_health(sample, wall).raw(metric::cpu);
              sum += read_state(sample).bad();
          }) == 0);
    CHECK(sum > 0);
}

TEST_CASE("facts come from the info") {
    auto const begin = sample.find("{\"host\"");
    auto const end = sample.find(",\n \"socketID\"");
    auto const f = read_facts(sample.substr(begin, end - begin));
    CHECK(f.name == "web-042");
    CHECK(f.region == "eu-west-3");
    CHECK(f.os == "Debian 12");
    CHECK(f.arch == "x86_64");
    CHECK(f.kernel == "6.1.0");
    CHECK(f.agent == "1.0.0");
    CHECK(f.cpus == 4);
    CHECK(f.tags == std::vector<std::string>{"prod", "role:web"});
    CHECK_FALSE(f.synthetic);
    CHECK(read_facts(R"({"tags":["synthetic"]})").synthetic);
    CHECK(read_facts("").name.empty());
}

TEST_CASE("what a host says of itself is read as the agent writes it") {
    mad::host::sample s;
    s.storage = 12.5;
    s.cpu = mad::host::cpu_use{};
    s.cpu->pct = 50;
    s.load = mad::host::load_averages{1, 2, 3};
    std::string record = R"({"v":2,"health":)";
    mad::host::append_health_json(record, s);
    record += '}';
    auto const r = read_health(record, wall);
    CHECK(r.get(metric::storage) == 12.5);
    CHECK(r.get(metric::cpu) == 50.0);
    CHECK(r.get(metric::load) == 1.0);
    CHECK_FALSE(r.get(metric::psi));
}

TEST_CASE("names of metrics and states lead back") {
    for (std::size_t i = 0; i < metric_count; ++i)
        CHECK(metric_of(to_string(static_cast<metric>(i))) == static_cast<metric>(i));
    for (std::size_t i = 0; i < host_state_count; ++i)
        CHECK(host_state_of(to_string(static_cast<host_state>(i))) == static_cast<host_state>(i));
    CHECK_FALSE(metric_of("speed"));
    CHECK_FALSE(host_state_of(""));
}

TEST_CASE("a verdict travels in the record") {
    verdict v;
    v.level = host_state::crit;
    v.rule = "a \"rule\"";
    v.value = 97.1;
    v.limit = 95;
    v.since_ms = wall;
    v.turned = {3, 2'000'000'000};
    std::string record = sample;
    add_state(record, state_json(v));
    auto const back = read_state(record);
    CHECK(back.level == v.level);
    CHECK(back.rule == v.rule);
    CHECK(back.value == v.value);
    CHECK(back.limit == v.limit);
    CHECK(back.since_ms == v.since_ms);
    CHECK(back.turned == v.turned);
    CHECK(read_health(record, wall).get(metric::cpu));

    CHECK(state_json({}).empty());
    std::string same = sample;
    add_state(same, state_json({}));
    CHECK(same == sample);
    CHECK_FALSE(read_state(same).bad());
    CHECK_FALSE(read_state(R"({"health":{"state":{"s":"crit"}}})").bad());
    CHECK_FALSE(read_state(R"({"state":{"s":"offline","rule":"x"}})").bad());
    CHECK_FALSE(read_state(R"({"state":"crit"})").bad());
}

TEST_CASE("a state that an agent gives itself is dropped") {
    auto const r = judge_record(R"({"id":"a","health":{},"state":{"s":"crit"},"x":1})", true);
    REQUIRE(r.has_value());
    CHECK(r->rest == R"(,"x":1)");
}
