// What nodes say to each other: whatever comes is refused or understood, and what was understood is
// understood the same when it is said again.
#include "fuzz_support.hpp"

#include <mad/core/json.hpp>
#include <mad/sync/classic_codec.hpp>
#include <mad/sync/cluster_codec.hpp>
#include <mad/sync/msgpack.hpp>

#include <algorithm>
#include <string>
#include <vector>

using namespace mad::sync;

namespace {

void check_again(codec const& reader, codec const& writer, message const& m) {
    std::vector<std::string_view> const attachments(m.attachments.begin(), m.attachments.end());
    message_view v;
    v.kind = m.kind;
    v.old_dialect = m.old_dialect;
    v.request_id = m.request_id;
    v.to = &m.to;
    v.flags = m.flags;
    v.timeout = m.timeout;
    v.rooms = m.rooms;
    v.close = m.close;
    v.count = m.count;
    v.json = m.json;
    v.attachments = attachments;
    v.infos = m.infos;
    if (m.one_socket && !m.old_dialect)
        return; // nobody says these
    auto const out = writer.encode(v);
    auto const again = reader.decode(out.channel, out.body);
    if (!again)
        return;
    FUZZ_CHECK(again->has_value());
    // 5.x says less of what an answer is.
    FUZZ_CHECK((**again).kind == m.kind || (m.old_dialect && is_answer(m.kind)));
    bool const has_id = m.kind != message_kind::join && m.kind != message_kind::leave &&
                        m.kind != message_kind::disconnect;
    FUZZ_CHECK(!has_id || (**again).request_id == m.request_id);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    mad_fuzz::input in(data, size);
    auto const how = in.byte();
    auto const body = in.rest();
    if ((how & 7) == 0) {
        std::string out;
        if (append_msgpack_json(out, body, std::vector<std::string_view>{"x", "yy"}))
            FUZZ_CHECK(!out.empty());
        else
            FUZZ_CHECK(out.empty());
        return 0;
    }
    message_limits limits;
    if (how & 8) {
        limits.max_bytes = 64;
        limits.max_names = 2;
        limits.packet.json.max_depth = 3;
    }
    classic_codec const classic({"s", "/", "reader", (how & 16) != 0, false}, limits);
    classic_codec const writer({"s", "/", "writer", (how & 16) != 0, false}, limits);
    cluster_codec const cluster({"s", "/", "reader", {}, (how & 16) != 0}, limits);
    cluster_codec const other({"s", "/", "writer", {}, (how & 16) != 0}, limits);
    auto const try_one = [&](codec const& c, codec const& w, std::string_view channel) {
        auto const m = c.decode(channel, body);
        FUZZ_CHECK(m || m.error());
        if (!m || !*m)
            return;
        FUZZ_CHECK(body.size() <= limits.max_bytes);
        FUZZ_CHECK((**m).to.rooms.size() <= std::max<std::size_t>(1, limits.max_names));
        check_again(c, w, **m);
    };
    switch (how & 7) {
    case 1:
        return try_one(classic, writer, "s#/#"), 0;
    case 2:
        return try_one(classic, writer, "s-request#/#"), 0;
    case 3:
        return try_one(classic, writer, "s-response#/#"), 0;
    case 4:
    case 5:
        return try_one(cluster, other, "s#/#"), 0;
    default:
        (void)cluster.decode_entry("u", (how & 32) ? "3" : "7", body);
        return 0;
    }
}
