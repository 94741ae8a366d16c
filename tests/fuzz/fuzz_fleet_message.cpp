// What nodes tell each other of their agents: whatever comes is refused or understood, and what was
// understood is understood the same when it is said again.
#include "fuzz_support.hpp"

#include <mad/fleet/node_message.hpp>

#include <string>

using namespace mad::fleet;

namespace {

bool lies_within(std::string_view part, std::string_view whole) {
    return part.data() >= whole.data() && part.data() + part.size() <= whole.data() + whole.size();
}

void check_record(std::string_view text) {
    auto const r = read_record(text);
    FUZZ_CHECK(r || r.error());
    if (!r)
        return;
    FUZZ_CHECK(!r->id.empty());
    FUZZ_CHECK(r->info.empty() || lies_within(r->info, text));
}

void check_envelope(envelope const& e) {
    auto const text = write_envelope(e);
    auto const again = read_envelope(text);
    FUZZ_CHECK(again);
    FUZZ_CHECK(again->born == e.born && again->version == e.version && again->record == e.record);
    check_record(e.record);
}

void check_message(std::string_view text) {
    auto const m = read_message(text);
    FUZZ_CHECK(m || m.error());
    if (!m)
        return;
    message_writer w(m->node, m->epoch, m->seq);
    for (auto const& [id, version] : m->gone)
        w.gone(id, version);
    for (auto const& e : m->updates) {
        FUZZ_CHECK(lies_within(e.record, text));
        check_envelope(e);
        w.update(write_envelope(e));
    }
    for (auto const& [node, epoch] : m->dead)
        w.dead(node, epoch);
    auto const said = std::move(w).finish();
    auto const again = read_message(said);
    FUZZ_CHECK(again);
    FUZZ_CHECK(again->node == m->node && again->epoch == m->epoch && again->seq == m->seq);
    FUZZ_CHECK(again->gone == m->gone && again->dead == m->dead);
    FUZZ_CHECK(again->updates.size() == m->updates.size());
    for (std::size_t i = 0; i < m->updates.size(); ++i)
        FUZZ_CHECK(again->updates[i].record == m->updates[i].record);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    mad_fuzz::input in(data, size);
    auto const how = in.byte();
    auto const text = in.rest();
    if (how % 4 == 0)
        check_record(text);
    else if (how % 4 == 1) {
        if (auto const e = read_envelope(text))
            check_envelope(*e);
    } else
        check_message(text);
    return 0;
}
