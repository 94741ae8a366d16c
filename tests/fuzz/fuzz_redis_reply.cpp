// Replies: bytes in pieces of any size give what they give in one piece, within the limit; what
// parses redirects, CLUSTER SLOTS and sentinels' answers takes any reply; and a command reads back.
#include "fuzz_support.hpp"

#include <mad/redis/command.hpp>
#include <mad/redis/decoder.hpp>
#include <mad/redis/detail/sentinel_list.hpp>
#include <mad/redis/detail/slot_table.hpp>

#include <string>
#include <vector>

namespace redis = mad::redis;

namespace {

struct outcome {
    std::vector<redis::reply> replies;
    bool failed = false;
};

outcome read(std::string_view bytes, std::size_t step) {
    redis::decoder d(64 * 1024);
    outcome out;
    while (!bytes.empty() && !out.failed) {
        auto const piece = bytes.substr(0, step);
        bytes.remove_prefix(piece.size());
        d.feed({piece.data(), piece.size()});
        for (;;) {
            auto const more = d.next();
            out.failed = more.has_error();
            if (out.failed || !*more)
                break;
            out.replies.push_back(d.current());
        }
    }
    return out;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    mad_fuzz::input in(data, size);
    auto const step = std::size_t{1} + in.byte() % 64;
    auto const bytes = in.rest();
    auto const whole = read(bytes, bytes.size());
    auto const pieces = read(bytes, step);
    FUZZ_CHECK(whole.replies == pieces.replies);
    FUZZ_CHECK(whole.failed == pieces.failed);

    redis::endpoint const from{"h", 1};
    for (auto const& r : whole.replies) {
        if (auto const t = redis::detail::slot_table::parse(r, from))
            FUZZ_CHECK(!t->masters().empty());
        if (auto const to = redis::detail::parse_redirect(r.text(), from))
            FUZZ_CHECK(to->slot < redis::detail::slot_table::slots && to->to.port != 0);
        redis::detail::sentinel_list others({from});
        others.learn(r);
        FUZZ_CHECK(others.known().size() <= redis::detail::sentinel_list::max_known);
        redis::detail::parse_master(r);
        r.code();
        r.as_integer();
    }

    // The wire of a command is an array of its arguments.
    auto const half = bytes.size() / 2;
    redis::command c(bytes.substr(0, half), bytes.substr(half));
    FUZZ_CHECK(c.argument(0) == bytes.substr(0, half) && c.argument(1) == bytes.substr(half));
    c.slot();
    if (bytes.size() < 60'000) {
        auto const back = read(c.wire(), step);
        FUZZ_CHECK(back.replies.size() == 1 && back.replies[0][1].text() == bytes.substr(half));
    }
    return 0;
}
