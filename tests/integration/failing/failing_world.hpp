#ifndef MAD_TESTS_INTEGRATION_FAILING_FAILING_WORLD_HPP
#define MAD_TESTS_INTEGRATION_FAILING_FAILING_WORLD_HPP

#include <catch2/catch.hpp>

#include <support/hand_driven.hpp>

#include <cstddef>
#include <string>

namespace mad_test {

/// What one play of a scenario came to.
struct outcome {
    std::string wrong; ///< leaks, things that did not end, or ended twice; empty when all is well
    bool done = false; ///< everything that was asked for has come about
};

/// Plays `scene(spoil)` with the first I/O operation failing, with the second one, and so on until
/// no failure comes about any more, and all that for each way to fail. The scene calls `spoil()`
/// where counting begins.
template <class Scene>
void with_each_failure(std::size_t at_least, Scene scene) {
    for (auto const how : hand::every_fault) {
        std::size_t n = 1;
        for (bool fired = true; fired; ++n) {
            INFO("operation " << n << " fails: " << hand::name_of(how));
            REQUIRE(n < 1000);
            hand::spoil(0);
            auto const before = hand::open_descriptors();
            auto const o = scene([&] { hand::spoil(n, how); });
            fired = hand::spoilt();
            hand::spoil(0);
            CHECK(o.wrong == "");
            CHECK(hand::open_descriptors() == before);
            if (!fired)
                CHECK(o.done);
        }
        CHECK(n > at_least); // else nothing was tried
    }
}

/// A frame of a client, masked with zeros.
inline std::string masked(int opcode, std::string const& payload) {
    std::string out(1, static_cast<char>(0x80 | opcode));
    if (payload.size() < 126) {
        out += static_cast<char>(0x80 | payload.size());
    } else {
        out += static_cast<char>(0xfe);
        out += static_cast<char>(payload.size() >> 8);
        out += static_cast<char>(payload.size() & 0xff);
    }
    return out + std::string(4, '\0') + payload;
}

inline std::string const upgrade_fields =
    " HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

inline std::string get(std::string const& target) {
    return "GET " + target + " HTTP/1.1\r\nHost: a\r\n\r\n";
}
inline std::string post(std::string const& target, std::string const& body) {
    return "POST " + target +
           " HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
           body;
}

} // namespace mad_test

#endif
