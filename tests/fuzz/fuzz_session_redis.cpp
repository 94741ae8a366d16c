// A whole Redis client and a subscriber: the servers they call (the script's 0 to 7, in the order
// of the calls; 0 is the client's, 1 the subscriber's) answer whatever comes, cut anywhere. In the
// end every command has been answered once. Byte 0 steers the settings; the rest is a script: see
// session_script.hpp.
#include "fuzz_support.hpp"
#include "session_script.hpp"

#include <support/hand_redis.hpp>

using namespace mad_test::hand;

namespace {

redis::config config_of(unsigned steer) {
    static char const* const urls[] = {"redis://127.0.0.1", "redis://:word@127.0.0.1/2",
                                       "redis://127.0.0.1:1,127.0.0.1:2?cluster=1",
                                       "redis+sentinel://127.0.0.1,127.0.0.2/mymaster"};
    return redis::parse_url(urls[steer & 3]).value();
}

redis::settings settings_of(unsigned steer) {
    redis::settings s;
    if (steer & 4) {
        s.max_queued_commands = 3;
        s.max_reply_bytes = 1000;
    }
    return s;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    mad_fuzz::input in(data, size);
    auto const steer = in.byte();
    auto const before = open_descriptors();
    spoil(0);
    std::string wrong;
    {
        redis_world world(config_of(steer), settings_of(steer));
        mad_fuzz::play(world, in.rest());
        spoil(0);
        wrong = world.finish();
    }
    if (!wrong.empty())
        std::fprintf(stderr, "%s\n", wrong.c_str());
    FUZZ_CHECK(wrong.empty());
    FUZZ_CHECK(open_descriptors() == before);
    return 0;
}
