// A whole Socket.IO server: up to four peers send whatever comes, cut anywhere, close and
// half-close, time passes, the application acts, an I/O operation fails. In the end nothing is
// left, and everything that began has ended once. Byte 0 steers the settings; the rest is a script:
// see session_script.hpp.
#include "fuzz_support.hpp"
#include "session_script.hpp"

#include <mad/net/deflate.hpp>

#include <support/hand_server.hpp>

using namespace mad_test::hand;

namespace {

sio::server_settings settings_of(unsigned steer) {
    sio::server_settings s;
    s.cleanup_empty_child_namespaces = true;
    s.max_child_namespaces = 4;
    s.engine.handshake.allow_eio3 = true;
    if (steer & 1)
        s.parser = sio::packet_parser::msgpack;
    if (steer & 2)
        s.recovery.emplace();
    static auto const deflate = mad::net::make_message_deflate({.threshold = 1});
    static auto const gzip = mad::net::make_body_compression({.threshold = 1});
    if (steer & 4) {
        s.engine.per_message_deflate = deflate;
        s.engine.http_compression = gzip;
    }
    if (steer & 8) {
        s.engine.max_payload = 200;
        s.engine.outbox = {2000, 20};
        s.max_unfinished = 2;
        s.http.max_connections = 3;
    }
    if (steer & 16)
        s.engine.trust = mad::net::trust_list::loopback();
    if (steer & 32)
        s.max_packet_rate = 5;
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
        server_world world(settings_of(steer));
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
