// What nodes keep in Redis for each other: sessions, and entries of the log. Whatever stands there
// is refused or understood, and what was understood is understood the same when it is written
// again. Byte 0 chooses; the rest is what is stored.
#include "fuzz_support.hpp"

#include <mad/redis/decoder.hpp>
#include <mad/sync/streams_adapter.hpp>

using namespace mad::sync;

namespace {

void check_session(std::string_view stored, message_limits const& limits) {
    mad::socketio::saved_session s, again;
    if (!detail::read_session(stored, limits, s))
        return;
    FUZZ_CHECK(!s.id.empty() && !s.pid.empty() && s.rooms.size() <= limits.max_names);
    auto const text = detail::write_session(s);
    // Its own room is written, too, and what is longer than may be is read by nobody.
    if (text.empty() || text.size() > limits.max_bytes || s.rooms.size() == limits.max_names)
        return;
    FUZZ_CHECK(detail::read_session(text, limits, again));
    FUZZ_CHECK(again.id == s.id && again.pid == s.pid && again.rooms == s.rooms);
    FUZZ_CHECK(detail::write_session(again) == text);
}

void check_reply(mad::redis::reply const& r) {
    auto const one = [](mad::redis::reply const& item) {
        auto const e = detail::read_entry(item);
        if (!e)
            return;
        auto const again = detail::entry_id::parse(e->id.text());
        FUZZ_CHECK(again && *again == e->id);
        detail::entry_id const next{e->id.ms, e->id.n + 1};
        FUZZ_CHECK(next.n == 0 || next > e->id);
        FUZZ_CHECK(e->id.next() == next.text());
    };
    one(r);
    for (auto const& item : r.items())
        one(item);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    mad_fuzz::input in(data, size);
    auto const how = in.byte();
    auto const stored = in.rest();
    message_limits limits;
    if (how & 2) {
        limits.max_bytes = 200;
        limits.max_names = 3;
        limits.packet.json.max_depth = 3;
    }
    if (how & 4) { // as it is, which saves finding out what base64 is
        std::string text;
        mad::append_base64(text, stored);
        check_session(text, limits);
    } else if (how & 1) {
        check_session(stored, limits);
    } else {
        mad::redis::decoder d(64 * 1024);
        d.feed({stored.data(), stored.size()});
        for (auto more = d.next(); more.has_value() && *more; more = d.next())
            check_reply(d.current());
    }
    return 0;
}
