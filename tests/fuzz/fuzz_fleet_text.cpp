// What people and other nodes write for the fleet: searches, rules, mutes, weekly windows, times,
// durations, announcements, states, notices. Byte 0 chooses; the rest is the text.
#include "fuzz_support.hpp"

#include <mad/core/duration.hpp>
#include <mad/fleet/announced_node.hpp>
#include <mad/fleet/host_state.hpp>
#include <mad/fleet/mutes.hpp>
#include <mad/fleet/notice.hpp>
#include <mad/fleet/rule_json.hpp>
#include <mad/fleet/rule_text.hpp>
#include <mad/fleet/search.hpp>

using namespace mad::fleet;

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    mad_fuzz::input in(data, size);
    auto const which = in.byte() % 8;
    auto const text = in.rest();
    constexpr std::int64_t now = 1'700'000'000'000;
    switch (which) {
    case 0:
        (void)parse_search(text);
        break;
    case 1:
        (void)parse_rule("name", text);
        break;
    case 2:
        if (auto const m = parse_mute("id", text, now))
            if (auto const next = m->next_change(now))
                FUZZ_CHECK(*next > now);
        break;
    case 3:
        (void)read_mute("id", text);
        break;
    case 4:
        (void)parse_weekly(text);
        (void)parse_time(text);
        if (auto const d = mad::parse_duration(text))
            FUZZ_CHECK(d->count() >= 0 && *d <= std::chrono::hours(10'000));
        break;
    case 5:
        if (auto const n = read_announcement("node", text))
            if (auto const u = upstream_of(*n))
                FUZZ_CHECK(mad::proxy::is_upstream_name(u->name));
        break;
    case 6:
        (void)parse_state(text);
        (void)read_state(text);
        (void)host_state_of(text);
        break;
    case 7:
        (void)read_told(text);
        break;
    }
    return 0;
}
