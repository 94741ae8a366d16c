// What decoding costs: no copy and no allocation for whole frames, nothing for what was only
// announced, nothing while idle.
#include "test_ws_frame_support.hpp"

#include <catch2/catch.hpp>
#include <support/allocations.hpp>

#include <algorithm>

using namespace mad_test;

namespace {

struct drained {
    std::size_t messages = 0;
    bool inside = true; // every message lay in the memory it came in
};

/// Decodes `in` as far as it goes.
drained drain(ws_decoder& decoder, std::span<char> in) {
    drained d;
    auto const* const begin = in.data();
    auto const* const end = begin + in.size();
    for (ws_message m;; ++d.messages) {
        auto const status = decoder.next(in, m);
        if (!status || *status == ws_status::need_more)
            return d;
        d.inside = d.inside && m.data.data() >= begin && m.data.data() + m.data.size() <= end;
    }
}

/// Decodes a stream that comes in two pieces.
drained drain_split(ws_decoder& decoder, std::string stream, std::size_t at) {
    auto const first = drain(decoder, std::span(stream).first(at));
    auto const second = drain(decoder, std::span(stream).subspan(at));
    return {first.messages + second.messages, first.inside && second.inside};
}

} // namespace

TEST_CASE("whole frames are delivered from the memory they came in, without allocating") {
    for (auto role : {ws_role::server, ws_role::client}) {
        std::string stream;
        for (std::size_t i = 0; i < 100; ++i) {
            stream += frame_for(role, ws_opcode::text, std::string(i, 't'));
            stream += frame_for(role, ws_opcode::ping, "p");
            stream += frame_for(role, ws_opcode::binary, std::string(i * 100, 'b'));
            stream += frame_for(role, ws_opcode::pong, "");
        }
        stream += frame_for(role, ws_opcode::close, ws_close_payload(1001, "bye"));
        ws_limits const limits;
        ws_decoder decoder(role, limits);
        drained seen;
        CHECK(allocations_of([&] { seen = drain(decoder, stream); }) == 0);
        CHECK(seen.inside);
        CHECK(seen.messages == 401);
        CHECK(decoder.idle());
        CHECK(decoder.held_bytes() == 0);
    }
}

TEST_CASE("a message that comes in two pieces allocates, so the counter counts") {
    ws_limits const limits;
    ws_decoder decoder(ws_role::server, limits);
    auto const frame = client_frame(ws_opcode::text, "hello");
    auto const calls = allocations_of([&] { drain_split(decoder, frame, 8); });
    CHECK((calls > 0) == counts_allocations);
}

TEST_CASE("the last frame needs no copy when the others were empty") {
    std::string stream =
        client_frame(ws_opcode::text, "", false) + client_frame(ws_opcode::continuation, "hello");
    ws_limits const limits;
    ws_decoder decoder(ws_role::server, limits);
    drained seen;
    CHECK(allocations_of([&] { seen = drain(decoder, stream); }) == 0);
    CHECK(seen.messages == 1);
    CHECK(seen.inside);
}

TEST_CASE("a header that comes in pieces allocates nothing") {
    auto stream = client_frame(ws_opcode::binary, std::string(70'000, 'x'));
    ws_limits const limits;
    ws_decoder decoder(ws_role::server, limits);
    CHECK(allocations_of([&] {
              for (std::size_t i = 0; i < max_ws_header_bytes; ++i)
                  drain(decoder, std::span(stream).subspan(i, 1));
          }) == 0);
    CHECK_FALSE(decoder.idle());
    CHECK(decoder.held_bytes() == 0);
}

TEST_CASE("an announced megabyte costs what has arrived of it") {
    std::size_t const size = 1'000'000, head = ws_header_size(size, true);
    auto const stream = client_frame(ws_opcode::binary, std::string(size, 'x'));
    ws_limits const limits{.max_message_bytes = 8 * size};
    for (std::size_t step : {1000u, 16'384u, 65'536u}) {
        INFO(step);
        ws_decoder decoder(ws_role::server, limits);
        auto memory = stream;
        drain(decoder, std::span(memory).first(head));
        CHECK(decoder.held_bytes() == 0);
        drain(decoder, std::span(memory).subspan(head, 1));
        CHECK(decoder.held_bytes() < 1024);
        std::size_t messages = 0, most = 0;
        bool bounded = true;
        auto const calls = allocations_of([&] {
            for (std::size_t at = head + 1; at < memory.size(); at += step) {
                auto in = std::span(memory).subspan(at, std::min(step, memory.size() - at));
                auto const arrived = at + in.size() - head;
                ws_message m;
                messages += decoder.next(in, m).value() == ws_status::message;
                bounded = bounded && decoder.held_bytes() < 2 * arrived + 1024;
                most = std::max(most, decoder.held_bytes());
            }
        });
        CHECK(messages == 1);
        CHECK(bounded);
        CHECK(most < size + 1024); // the announced end bounds the last growth
        CHECK(calls < 16);
        drain(decoder, {});
        CHECK(decoder.held_bytes() == 0);
        CHECK(decoder.idle());
    }
}

TEST_CASE("a message in thousands of fragments costs little more than its bytes") {
    ws_limits const limits;
    ws_decoder decoder(ws_role::server, limits);
    std::vector<std::string> frames(4096, client_frame(ws_opcode::continuation, "x", false));
    frames.front() = client_frame(ws_opcode::binary, "x", false);
    frames.back() = client_frame(ws_opcode::continuation, "x");
    std::size_t most = 0, messages = 0;
    CHECK(allocations_of([&] {
              for (auto& frame : frames) {
                  std::span<char> in(frame);
                  ws_message m;
                  messages += decoder.next(in, m).value() == ws_status::message;
                  most = std::max(most, decoder.held_bytes());
              }
          }) < 16);
    CHECK(messages == 1);
    CHECK(most < 4096 * 2 + 1024);
}

TEST_CASE("growth stops at the limit of a message whose end is not known") {
    ws_limits const limits{.max_message_bytes = 3000};
    ws_decoder decoder(ws_role::server, limits);
    auto first = client_frame(ws_opcode::binary, std::string(2000, 'x'), false);
    auto second = client_frame(ws_opcode::continuation, std::string(999, 'x'), false);
    drain(decoder, first);
    drain(decoder, second);
    CHECK(decoder.held_bytes() < 3000 + 512);
}

TEST_CASE("memory goes back with the message, the control frame, the error and the close") {
    ws_limits const limits;
    struct row {
        std::string_view name;
        std::string stream;
        std::size_t at, messages;
    };
    for (auto const& r : {
             row{"a text", client_frame(ws_opcode::text, "split text"), 9, 1},
             row{"a ping", client_frame(ws_opcode::ping, "split ping"), 9, 1},
             row{"a close", client_frame(ws_opcode::close, ws_close_payload(1000, "bye")), 8, 1},
             row{"an error", client_frame(ws_opcode::text, "split bad text\xff"), 9, 0},
             row{"a close inside a message",
                 client_frame(ws_opcode::text, "an open message", false) +
                     client_frame(ws_opcode::close, "") + "ignored",
                 12, 1},
         }) {
        INFO(r.name);
        ws_decoder decoder(ws_role::server, limits);
        CHECK(drain_split(decoder, r.stream, r.at).messages == r.messages);
        CHECK(decoder.held_bytes() == 0);
    }
}

TEST_CASE("memory is held while a message is open") {
    ws_limits const limits;
    ws_decoder decoder(ws_role::server, limits);
    auto open = client_frame(ws_opcode::text, "an open message", false);
    drain(decoder, open);
    CHECK(decoder.held_bytes() >= 15);
    auto ping = client_frame(ws_opcode::ping, "p");
    CHECK(drain(decoder, ping).inside);
    CHECK(decoder.held_bytes() >= 15);
}
