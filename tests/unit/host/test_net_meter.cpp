#include <mad/host/net_meter.hpp>

#include <catch2/catch.hpp>

#include <map>
#include <set>
#include <string>

using namespace mad::host;
using namespace std::chrono_literals;

namespace {

constexpr std::uint64_t top = beyond_32_bits - 1;

/// Interfaces from a table.
struct fake_nics final : nic_source {
    struct row {
        bool hardware = true;
        std::optional<unsigned> type = 1;
        bool loopback = false;
        std::string master = {};
        unsigned index = 0;
        std::optional<double> speed = {};
        bool leads_out = false;
    };
    std::map<std::string, row, std::less<>> rows;
    int facts_asked = 0, index_asked = 0, speed_asked = 0, routes_read = 0;

    row get(std::string_view name) const {
        auto const r = rows.find(name);
        return r == rows.end() ? row{} : r->second;
    }
    nic_facts facts(std::string_view name) override {
        ++facts_asked;
        auto const r = get(name);
        return {r.hardware, r.type, r.loopback, std::string_view(r.master)};
    }
    unsigned index(std::string_view name) override {
        ++index_asked;
        return get(name).index;
    }
    std::optional<double> speed_mbit(std::string_view name) override {
        ++speed_asked;
        return get(name).speed;
    }
    void refresh_routes() override { ++routes_read; }
    bool leads_out(std::string_view name) override { return get(name).leads_out; }
};

struct feed {
    explicit feed(nic_choice choice = {})
        : meter(std::move(choice), nics) {}

    fake_nics nics;
    net_meter meter;
    mad::time_point at{1000s};
    sample out;

    sample& operator()(std::vector<nic_stats> now, mad::duration later = 2500ms) {
        at += later;
        out.net.reset();
        out.nics.clear();
        out.network = 0;
        meter.update(now, at, out);
        return out;
    }

    /// Names of the counted interfaces after two readings of `names`.
    std::string counted(std::vector<std::string> const& names) {
        std::vector<nic_stats> now;
        for (auto const& n : names)
            now.push_back({n, {}, {}});
        (*this)(now);
        (*this)(now);
        std::string s;
        for (auto const& n : out.nics)
            s.append(s.empty() ? "" : " ").append(n.name.view());
        return s;
    }
};

nic_stats line(std::string_view name, std::uint64_t rx, std::uint64_t tx) {
    return {name, {rx, 0, 0, 0}, {tx, 0, 0, 0}};
}

fake_nics::row const soft{.hardware = false};
fake_nics::row const loop{.hardware = false, .type = 772, .loopback = true};

} // namespace

TEST_CASE("traffic in bytes per second, and both ways in Mbit/s") {
    feed f;
    f.nics.rows["eth0"].speed = 1000;
    f({line("eth0", 1'000'000, 500)});
    CHECK_FALSE(f.out.net);
    CHECK(f.out.network == 0);
    f({{"eth0", {1'500'000, 0, 3, 5}, {125'500, 0, 2, 0}}});
    REQUIRE(f.out.net);
    CHECK(*f.out.net->rx == Approx(200'000));
    CHECK(*f.out.net->tx == Approx(50'000));
    CHECK(*f.out.net->errors == Approx(2));
    CHECK(*f.out.net->dropped == Approx(2));
    CHECK(f.out.network == Approx(2.0));
    REQUIRE(f.out.nics.size() == 1);
    CHECK(f.out.nics[0].speed_mbit == 1000.0);
}

TEST_CASE("which interfaces count by themselves") {
    feed f;
    f.nics.rows = {
        {"lo", loop},
        {"eth0", {}},
        {"wlan0", {.type = 801}},
        {"mon0", {.type = 803}},
        {"ib0", {.type = 32}},
        {"wwan0", {.type = 65534}},
        {"untold", {.type = std::nullopt}},
        {"bond0", soft},
        {"eth0.100", soft},
        {"br0", soft},
        {"docker0", soft},
        {"veth1a2b", soft},
        {"wg0", {.hardware = false, .type = 65534}},
        {"ifb0", soft},
    };
    std::vector<std::string> names;
    for (auto const& [name, row] : f.nics.rows)
        names.push_back(name);
    CHECK(f.counted(names) == "eth0 ib0 mon0 wlan0");
    CHECK(f.nics.routes_read == 0);
}

TEST_CASE("members of a bond count, the bond itself does not") {
    feed f;
    f.nics.rows = {{"eth0", {.master = "bond0"}}, {"eth1", {.master = "bond0"}}, {"bond0", soft}};
    CHECK(f.counted({"eth0", "eth1", "bond0"}) == "eth0 eth1");
}

TEST_CASE("a virtual function below a paravirtual interface is not counted twice") {
    feed f;
    f.nics.rows = {{"eth0", {}}, {"enP1s1", {.master = "eth0"}}};
    CHECK(f.counted({"eth0", "enP1s1"}) == "eth0");
}

TEST_CASE("without hardware, what leads out counts, else all but loopback") {
    feed f;
    f.nics.rows = {{"lo", loop}, {"eth0", {.hardware = false, .leads_out = true}}, {"eth1", soft}};
    CHECK(f.counted({"lo", "eth0", "eth1"}) == "eth0");
    // The way out moves: the other had a baseline all along.
    f.nics.rows["eth0"].leads_out = false;
    f.nics.rows["eth1"].leads_out = true;
    f({line("lo", 0, 0), line("eth0", 9, 9), line("eth1", 2500, 0)});
    REQUIRE(f.out.nics.size() == 1);
    CHECK(f.out.nics[0].name == "eth1");
    CHECK(*f.out.net->rx == Approx(1000));

    feed g;
    g.nics.rows = f.nics.rows;
    g.nics.rows["eth1"].leads_out = false;
    CHECK(g.counted({"lo", "eth0", "eth1"}) == "eth0 eth1");
    feed h;
    h.nics.rows["lo"] = soft; // nothing told: the name is enough
    CHECK(h.counted({"lo"}).empty());
}

TEST_CASE("the user's word") {
    struct row {
        std::vector<std::string> only, never;
        std::string counted;
    };
    auto const r = GENERATE(values<row>({
        {{}, {}, "eth0 eth1"},
        {{"wg*"}, {}, "wg0"},
        {{"lo"}, {}, "lo"},
        {{"eth*", "wg0"}, {}, "eth0 eth1 wg0"},
        {{"*"}, {"lo", "*1"}, "eth0 wg0"},
        {{}, {"eth1"}, "eth0"},
        {{}, {"eth*"}, "wg0"}, // no hardware left: falls back, without the forbidden
        {{}, {"*"}, ""},
        {{"none"}, {}, ""},
        {{"eth0"}, {"eth*"}, ""},
    }));
    feed f({r.only, r.never});
    f.nics.rows = {{"lo", loop}, {"eth0", {}}, {"eth1", {}}, {"wg0", soft}};
    CHECK(f.counted({"eth0", "eth1", "lo", "wg0"}) == r.counted);
}

TEST_CASE("interfaces that come and go make no jump") {
    feed f;
    f({line("eth0", 0, 0)});
    f({line("eth0", 0, 0), line("eth1", 5'000'000'000, 0)});
    CHECK(f.out.net->rx == 0.0);
    CHECK(f.out.nics.size() == 1);
    f({line("eth0", 0, 0), line("eth1", 5'000'002'500, 0)});
    CHECK(*f.out.net->rx == Approx(1000));
    f({line("eth0", 2500, 0)});
    CHECK(*f.out.net->rx == Approx(1000));
    f({line("eth1", 6'000'000'000, 0), line("eth0", 2500, 0)});
    CHECK(f.out.net->rx == 0.0);
    f({});
    CHECK_FALSE(f.out.net);
    CHECK(f.out.network == 0);
}

TEST_CASE("another interface of the same name has no rate in its first tick") {
    feed f;
    f.nics.rows["eth0"] = {.index = 2, .speed = 1000};
    f({line("eth0", 100, 100)});
    f({line("eth0", 100, 100)});
    CHECK(f.out.net->rx == 0.0);
    f.nics.rows["eth0"] = {.index = 7, .speed = 100};
    f({line("eth0", 5000, 5000)});
    CHECK_FALSE(f.out.net);
    f({line("eth0", 7500, 5000)});
    CHECK(*f.out.net->rx == Approx(1000));
    CHECK(f.out.nics[0].speed_mbit == 100.0);
    // A number that cannot be read for once changes nothing.
    f.nics.rows["eth0"].index = 0;
    f({line("eth0", 10'000, 5000)});
    CHECK(*f.out.net->rx == Approx(1000));
}

TEST_CASE("resets and wraps of byte counters") {
    struct row {
        char const* what;
        std::optional<double> speed;
        mad::duration elapsed;
        std::uint64_t before, now;
        std::optional<double> rx;
    };
    auto const r = GENERATE(values<row>({
        {"reset", 1000, 2500ms, 5000, 100, std::nullopt},
        {"wrap at 1 Gbit/s", 1000, 2500ms, top - 999'999, 1'500'000, 1'000'000.0},
        {"wrap, speed unknown", std::nullopt, 2500ms, top - 999'999, 1'500'000, 1'000'000.0},
        {"wrap at 100 Mbit/s", 100, 2500ms, top - 999'999, 1'500'000, 1'000'000.0},
        {"too much for 10 Mbit/s", 10, 2500ms, top - 9'999'999, 1'500'000, std::nullopt},
        {"ambiguous after 15 s", 1000, 16s, top - 999'999, 1'500'000, std::nullopt},
        {"ambiguous at 25 Gbit/s", 25'000, 2500ms, top - 999'999, 1'500'000, std::nullopt},
        {"reset of a counter beyond 32 bits", 1000, 2500ms, top + 1, 5, std::nullopt},
    }));
    CAPTURE(r.what);
    feed f;
    f.nics.rows["eth0"].speed = r.speed;
    f({line("eth0", r.before, 0)});
    f({line("eth0", r.now, 0)}, r.elapsed);
    REQUIRE(f.out.nics.size() == 1);
    auto const rx = f.out.nics[0].rates.rx;
    REQUIRE(rx.has_value() == r.rx.has_value());
    if (rx)
        CHECK(*rx == Approx(*r.rx));
    // The other direction is not touched by it.
    CHECK(f.out.nics[0].rates.tx == 0.0);
    f({line("eth0", r.now + 2500, 0)});
    CHECK(*f.out.net->rx == Approx(1000));
}

TEST_CASE("a rate above the link's speed is not believed, unless the speed changed") {
    feed f;
    f.nics.rows["eth0"].speed = 100; // 12.5 MB/s
    f({line("eth0", 0, 0)});
    f({line("eth0", 37'000'000, 0)});
    CHECK(*f.out.net->rx == Approx(14'800'000)); // up to a fifth more than it says
    f({line("eth0", 87'000'000, 0)});
    CHECK_FALSE(f.out.nics[0].rates.rx);
    CHECK(f.out.network == 0);
    f.nics.rows["eth0"].speed = 1000;
    f({line("eth0", 137'000'000, 0)});
    CHECK(*f.out.net->rx == Approx(20'000'000));
    CHECK(f.out.nics[0].speed_mbit == 1000.0);

    // Of unknown speed all is believed up to 400 Gbit/s.
    feed g;
    g({line("eth0", 0, 0)});
    g({line("eth0", 120'000'000'000, 0)});
    CHECK(*g.out.net->rx == Approx(48e9));
    g({line("eth0", 320'000'000'000, 0)});
    CHECK_FALSE(g.out.nics[0].rates.rx);
}

TEST_CASE("tunnels and virtual pairs have no speed of their own") {
    feed f({{"tun0"}, {}});
    f.nics.rows["tun0"] = {.hardware = false, .type = 65534, .speed = 10};
    f({line("tun0", 0, 0)});
    f({line("tun0", 250'000'000, 0)});
    CHECK(*f.out.net->rx == Approx(1e8));
    CHECK_FALSE(f.out.nics[0].speed_mbit);
}

TEST_CASE("errors and drops that fall are unknown for one tick") {
    feed f;
    f({{"eth0", {0, 0, 100, 100}, {0, 0, 0, 0}}});
    f({{"eth0", {0, 0, 0, 105}, {0, 0, 5, 0}}});
    CHECK(*f.out.net->errors == Approx(2)); // what is known: the sending side
    CHECK(*f.out.net->dropped == Approx(2));
}

TEST_CASE("the system is asked little") {
    feed f;
    f.nics.rows = {{"eth0", {.index = 2}}, {"veth0", soft}};
    std::vector<nic_stats> const now{line("eth0", 0, 0), line("veth0", 0, 0)};
    f(now);
    auto const facts = f.nics.facts_asked, speed = f.nics.speed_asked;
    for (int i = 0; i < 20; ++i)
        f(now);
    CHECK(f.nics.facts_asked == facts);
    CHECK(f.nics.speed_asked == speed);
    CHECK(f.nics.index_asked == 21); // only of the counted one
    // A link that became hardware (renamed, replaced) is seen within a minute.
    f.nics.rows["veth0"] = {.index = 9};
    f(now, 60s);
    CHECK(f.nics.facts_asked <= facts + 3);
    CHECK(f.out.nics.size() == 2);
}

TEST_CASE("too soon, and after sleep, there are no rates") {
    feed f;
    f({line("eth0", 0, 0)});
    f({line("eth0", 10, 0)}, 99ms);
    CHECK_FALSE(f.out.net);
    f({line("eth0", 200, 0)}, 1ms);
    CHECK(*f.out.net->rx == Approx(2000));
    f.meter.reset();
    f({line("eth0", 999'999, 0)});
    CHECK_FALSE(f.out.net);
}
