#ifndef MAD_TESTS_FUZZ_SESSION_SCRIPT_HPP
#define MAD_TESTS_FUZZ_SESSION_SCRIPT_HPP

#include <support/hand_driven.hpp>

#include <chrono>
#include <string_view>

namespace mad_fuzz {

/// Plays an input in a world of tests/support/hand_*.hpp. Bytes are sent by one peer at a time;
/// byte 0xF5, which is no UTF-8, begins a command:
///
///     0 to 7   the peer that goes on
///     |        a cut: what was sent so far is served first
///     1 byte at a time: `s` on and off
///     h x      half-close, close
///     t N, T N the clock moves by N x 100 ms, N s
///     a N      the application does something
///     f N      the N-th operation from here on fails
///     0xF5     the byte itself
template <class World>
void play(World& world, std::string_view in) {
    constexpr char escape = '\xf5';
    unsigned who = 0;
    bool slow = false;
    auto const send = [&](std::string_view text) {
        auto const all = world.filled(who, text);
        if (slow && all.size() <= 512) {
            for (auto const& c : all) {
                world.send(who, {&c, 1});
                world.turn();
            }
            return;
        }
        world.send(who, all);
        world.turn();
    };
    for (int steps = 0; !in.empty() && steps < 100; ++steps) {
        auto const at = in.find(escape);
        if (at != 0)
            send(in.substr(0, at));
        if (at == in.npos || at + 1 == in.size())
            return;
        auto const command = in[at + 1];
        in.remove_prefix(at + 2);
        auto const number = [&] {
            if (in.empty())
                return 0u;
            auto const n = static_cast<unsigned char>(in.front());
            in.remove_prefix(1);
            return static_cast<unsigned>(n);
        };
        switch (command) {
        case '0':
        case '1':
        case '2':
        case '3':
        case '4':
        case '5':
        case '6':
        case '7':
            who = static_cast<unsigned>(command - '0');
            break;
        case 's':
            slow = !slow;
            break;
        case 'h':
            world.half_close(who);
            world.turn();
            break;
        case 'x':
            world.close(who);
            world.turn();
            break;
        case 't':
            world.advance(std::chrono::milliseconds(100 * number()));
            break;
        case 'T':
            world.advance(std::chrono::seconds(number()));
            break;
        case 'a':
            world.act(number());
            world.turn();
            break;
        case 'f': {
            auto const n = number();
            mad_test::hand::spoil(n % 32 + 1, mad_test::hand::every_fault[n / 32 % 7]);
            break;
        }
        case escape:
            send({&escape, 1});
            break;
        default:
            world.turn();
        }
    }
}

} // namespace mad_fuzz

#endif
