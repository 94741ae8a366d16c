// What agents say of themselves, and how it is shown: whatever they send, every host is valid JSON,
// a row, a line of CSV and gauges. Byte 0 steers; then come messages, each behind a byte that says
// what happens, parted by byte 0xff.
#include "fuzz_shown.hpp"

#include <mad/fleet/console_feed.hpp>
#include <mad/fleet/host_gauges.hpp>
#include <mad/fleet/host_row.hpp>
#include <mad/fleet/record.hpp>
#include <mad/fleet/roster.hpp>

#include <support/fake_fleet.hpp>

using namespace mad::fleet;

namespace {

std::vector<std::string> const every_column{
    "id",     "state",   "flags",   "name",    "region", "tags",      "up",
    "seen",   "rule",    "value",   "limit",   "since",  "v",         "os",
    "arch",   "kernel",  "agent",   "cpus",    "reason", "swap",      "steal",
    "inodes", "temp",    "psi_cpu", "psi_mem", "psi_io", "temp_left", "read_only",
    "clock",  "storage", "network", "cpu",     "mem",    "load",      "psi"};

void check_row(row_format const& format, host const& h) {
    std::vector<float> numbers(format.numbers());
    format.read(h, numbers);
    std::string row;
    format.append(row, h, numbers);
    mad_fuzz::check_json(row);
    FUZZ_CHECK(row.front() == '[');
}

void check_shown(host const& h) {
    FUZZ_CHECK(!h.id.empty() && h.id.size() <= record_limits{}.max_id_bytes);
    std::string text;
    append_host_json(text, h);
    mad_fuzz::check_json(text);
    mad_fuzz::check_json(h.record);
    static row_format const usual, wide = row_format::of(every_column).value();
    check_row(usual, h);
    check_row(wide, h);
    text.clear();
    append_csv_row(text, h, all_host_columns);
    mad_fuzz::check_csv(text, host_column_count);
    static auto const search = *parse_search("cpu>5 tag:role:web -web up<1d");
    (void)search.matches(subject_of(h));
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    mad_fuzz::input in(data, size);
    auto const steer = in.byte();
    roster hosts;
    mad::time_point now{std::chrono::hours(1)};
    std::int64_t wall = 1'764'000'000'000;
    auto rest = in.rest();
    while (!rest.empty()) {
        auto const end = std::min(rest.find('\xff'), rest.size());
        mad_fuzz::input one(reinterpret_cast<std::uint8_t const*>(rest.data()), end);
        rest.remove_prefix(std::min(end + 1, rest.size()));
        auto const what = one.byte();
        auto const said = judge_record(one.rest(), (what & 1) == 0);
        FUZZ_CHECK(said || said.error());
        if (!said)
            continue;
        if (what & 1) {
            hosts.gone(said->id, static_cast<gone_reason>(what >> 1 & 1), now, wall);
        } else {
            stored_record r;
            r.id = said->id;
            r.socket_id = "socket";
            r.info = said->info;
            r.run = said->run;
            r.seq = said->seq.value_or(0);
            r.record = splice_record(*said, r.info, r.socket_id);
            r.seen = now;
            mad_fuzz::check_json(r.record);
            if (what & 2)
                hosts.sample(std::as_const(r), now, wall);
            else
                hosts.sample(r, true, now, wall);
            mad_fuzz::check_json(r.record);
        }
        auto const passed = std::chrono::milliseconds((what >> 2) * 250);
        now += passed;
        wall += passed.count();
        hosts.on_time(now, wall);
    }
    mad_test::fake_fleet shown;
    hosts.each([&](host const& h) {
        check_shown(h);
        shown.hosts.push_back(h);
    });
    std::string gauges;
    append_fleet_gauges(gauges, shown);
    append_host_gauges(gauges, shown, {{"role", "region"}, steer & 1 ? 2u : 20'000u});
    mad_fuzz::check_gauges(gauges);
    return 0;
}
