// A whole Socket.IO client: the servers it calls (the script's 0 to 7, in the order of the calls)
// answer whatever comes, cut anywhere. In the end it is closed, and everything it was asked for has
// been answered once. Byte 0 steers the settings; the rest is a script: see session_script.hpp.
#include "fuzz_support.hpp"
#include "session_script.hpp"

#include <mad/net/deflate.hpp>

#include <support/hand_client.hpp>

using namespace mad_test::hand;

namespace {

sio::client_settings settings_of(unsigned steer) {
    using mad::engine::transport_kind;
    auto s = client_settings();
    switch (steer & 3) {
    case 1:
        s.engine.transports = {transport_kind::websocket};
        break;
    case 2:
        s.engine.transports = {transport_kind::websocket, transport_kind::polling};
        s.engine.try_all_transports = true;
        break;
    case 3:
        s.engine.transports = {transport_kind::polling};
        break;
    }
    if (steer & 4)
        s.engine.rev = mad::engine::revision::eio3;
    if (steer & 8)
        s.parser = sio::packet_parser::msgpack;
    if (steer & 16) {
        static auto const deflate = mad::net::make_message_deflate({.threshold = 1});
        s.engine.per_message_deflate = deflate;
        s.engine.cookies = true;
        s.remember_upgrade = true;
    }
    if (steer & 32)
        s.retries = 2;
    if (steer & 64) {
        s.engine.max_payload = 200;
        s.engine.outbox = {2000, 20};
        s.max_buffered_packets = 3;
    }
    if (steer & 128)
        s.engine.proxy = "http://user:word@127.0.0.1:3128";
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
        client_world world(settings_of(steer));
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
