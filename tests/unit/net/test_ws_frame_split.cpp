// However a stream is cut into pieces, and a message into frames, the same comes out.
#include "test_ws_frame_support.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <cstring>
#include <random>

using namespace mad_test;

namespace {

struct stream {
    std::string_view name;
    ws_role role;
    std::string bytes;
};

std::vector<stream> streams() {
    auto const c = ws_opcode::continuation;
    std::string const long_text = [] {
        std::string s;
        while (s.size() < 300)
            s += "aé€😀 ";
        return s;
    }();
    std::vector<stream> out;
    for (auto role : {ws_role::server, ws_role::client}) {
        auto const frame = [&](ws_opcode o, std::string_view payload, bool fin = true) {
            return frame_for(role, o, payload, fin);
        };
        out.push_back({"whole messages", role,
                       frame(ws_opcode::text, "2") + frame(ws_opcode::text, long_text) +
                           frame(ws_opcode::binary, "\x01\xff") + frame(ws_opcode::text, "") +
                           frame(ws_opcode::ping, "") + frame(ws_opcode::text, "42[\"a\",1]")});
        out.push_back({"fragments with control frames between", role,
                       frame(ws_opcode::text, "€", false) + frame(ws_opcode::ping, "ping") +
                           frame(c, "", false) + frame(ws_opcode::pong, std::string(125, 'o')) +
                           frame(c, long_text, false) + frame(c, "\xf0\x9f", false) +
                           frame(ws_opcode::ping, "") + frame(c, "\x98\x80", true) +
                           frame(ws_opcode::binary, "b", false) + frame(c, "") +
                           frame(ws_opcode::close, ws_close_payload(1001, "bye €"))});
        out.push_back({"a close in the middle of a message", role,
                       frame(ws_opcode::text, "never", false) +
                           frame(ws_opcode::close, ws_close_payload(4000, "x")) + "ignored"});
        out.push_back({"an error behind good frames", role,
                       frame(ws_opcode::text, "good") + frame(ws_opcode::text, "a", false) +
                           frame(ws_opcode::text, "b")});
        out.push_back({"long lengths", role,
                       frame(ws_opcode::binary, std::string(126, 'm')) +
                           frame(ws_opcode::binary, std::string(66'000, 'l')) +
                           frame(ws_opcode::text, "end")});
    }
    return out;
}

} // namespace

TEST_CASE("a stream gives the same wherever it is split in two") {
    for (auto const& s : streams()) {
        INFO(s.name);
        auto const whole = decode(s.role, s.bytes);
        REQUIRE_FALSE(whole.events.empty());
        auto const bytes = std::string_view(s.bytes);
        for (std::size_t at = 0; at <= bytes.size(); ++at) {
            if (at > 500 && at + 500 < bytes.size() && bytes.size() > 2000)
                at = bytes.size() - 500; // inside one long payload
            if (decode(s.role, ws_limits{}, {bytes.substr(0, at), bytes.substr(at)}) != whole) {
                INFO("split at " << at);
                FAIL();
            }
        }
    }
}

TEST_CASE("a stream gives the same wherever it is split in three") {
    for (auto const& s : streams()) {
        if (s.bytes.size() > 1500)
            continue;
        INFO(s.name);
        auto const whole = decode(s.role, s.bytes);
        auto const bytes = std::string_view(s.bytes);
        for (std::size_t a = 0; a <= bytes.size(); ++a) {
            for (std::size_t b = a; b <= bytes.size(); b += 1 + b % 7) {
                if (decode(s.role, ws_limits{},
                           {bytes.substr(0, a), bytes.substr(a, b - a), bytes.substr(b)}) !=
                    whole) {
                    INFO("split at " << a << " and " << b);
                    FAIL();
                }
            }
        }
    }
}

TEST_CASE("a stream that comes byte by byte gives the same") {
    for (auto const& s : streams()) {
        INFO(s.name);
        std::vector<std::string_view> bytes;
        for (std::size_t i = 0; i < s.bytes.size(); ++i)
            bytes.push_back(std::string_view(s.bytes).substr(i, 1));
        CHECK(decode(s.role, ws_limits{}, bytes) == decode(s.role, s.bytes));
    }
}

namespace {

/// Messages, cut into frames and pieces at random.
class generator {
  public:
    explicit generator(std::uint32_t seed)
        : random_(seed) {}

    std::size_t below(std::size_t n) { return random_() % n; }

    std::string text(std::size_t about) {
        std::string out;
        while (out.size() < about) {
            static constexpr std::string_view some[]{"a", "{\"", "é", "€", "😀", "\n", "0123456789"};
            out += some[below(std::size(some))];
        }
        return out;
    }

    std::string binary(std::size_t size) {
        std::string out(size, '\0');
        for (std::size_t i = 0; i + 4 <= size; i += 4) {
            auto const four = static_cast<std::uint32_t>(random_());
            std::memcpy(out.data() + i, &four, 4);
        }
        return out;
    }

    /// Mostly short, seldom long.
    std::size_t size() {
        switch (below(20)) {
        case 0:
            return 65'530 + below(12);
        case 1:
            return 120 + below(12);
        case 2:
            return below(5000);
        default:
            return below(60);
        }
    }

    /// Appends one message in 1 to 8 frames, with control frames between some of them.
    void add_message(ws_role role, std::string& stream, std::vector<event>& expected) {
        bool const is_text = below(2) == 0;
        auto const data = is_text ? text(size()) : binary(size());
        auto opcode = is_text ? ws_opcode::text : ws_opcode::binary;
        event const message{opcode, data};
        auto rest = std::string_view(data);
        for (auto frames = 1 + (below(2) == 0 ? 0 : below(8)); frames > 0; --frames) {
            auto const n = frames == 1 ? rest.size() : below(rest.size() + 1);
            add_frame(role, stream, opcode, rest.substr(0, n), frames == 1);
            opcode = ws_opcode::continuation;
            rest.remove_prefix(n);
            if (frames == 1)
                expected.push_back(message);
            if (below(4) == 0) {
                auto const control = below(2) == 0 ? ws_opcode::ping : ws_opcode::pong;
                expected.push_back({control, binary(below(126))});
                add_frame(role, stream, control, expected.back().data, true);
            }
        }
    }

    /// Where the stream is cut, ascending.
    std::vector<std::string_view> pieces(std::string_view stream) {
        std::vector<std::string_view> out;
        auto const longest = std::max(stream.size() / 1000, std::size_t{1} << below(17));
        while (!stream.empty()) {
            auto const n = std::min(stream.size(), 1 + below(longest));
            out.push_back(stream.substr(0, n));
            stream.remove_prefix(n);
        }
        return out;
    }

  private:
    void add_frame(ws_role role, std::string& stream, ws_opcode opcode, std::string_view payload,
                   bool fin) {
        stream += role == ws_role::server
                      ? client_frame(opcode, payload, fin, static_cast<std::uint32_t>(random_()))
                      : server_frame(opcode, payload, fin);
    }

    std::mt19937 random_;
};

} // namespace

TEST_CASE("10,000 random fragmentations come out exactly") {
    auto const base = static_cast<std::uint32_t>(Catch::rngSeed());
    for (std::uint32_t i = 0; i < 10'000; ++i) {
        generator g(base + i);
        auto const role = i % 2 == 0 ? ws_role::server : ws_role::client;
        std::string stream;
        std::vector<event> expected;
        for (auto n = 1 + g.below(4); n > 0; --n)
            g.add_message(role, stream, expected);
        auto const pieces = g.pieces(stream);

        ws_limits const limits;
        ws_decoder decoder(role, limits);
        outcome seen;
        bool going = true;
        for (auto const piece : pieces)
            going = going && feed(decoder, piece, seen);
        if (!going || seen != outcome{expected, {}} || !decoder.idle()) {
            INFO("seed " << base + i << ", " << pieces.size() << " pieces, " << stream.size()
                         << " bytes: " << seen.error.message());
            CHECK(seen.events == expected);
            FAIL();
        }
    }
}
