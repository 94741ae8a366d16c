// A whole proxy between clients (the script's 0 to 3) and nodes (4 to 7), which send whatever
// comes, cut anywhere. In the end no connection and no tunnel is left, and nothing counts as open.
// Byte 0 steers the settings; the rest is a script: see session_script.hpp.
#include "fuzz_support.hpp"
#include "session_script.hpp"

#include <support/hand_proxy.hpp>

using namespace mad_test::hand;

namespace {

proxy::settings settings_of(unsigned steer) {
    auto s = proxy_settings();
    if (steer & 1)
        s.accept_proxy_protocol = true;
    if (steer & 2)
        s.trust = {};
    if (steer & 4)
        s.web = proxy::parse_upstream("web=http://127.0.0.1:3003").value();
    if (steer & 8) {
        s.max_body_bytes = 50;
        s.max_connections = 3;
        s.limits.max_head_bytes = 400;
    }
    if (steer & 16)
        s.upstreams.front().proxy_protocol = 2;
    if (steer & 32)
        s.upstreams.pop_back();
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
        proxy_world world(settings_of(steer));
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
