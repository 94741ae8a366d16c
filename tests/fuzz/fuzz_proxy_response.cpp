// Answers on their way through the proxy: whatever is passed on parses again with the same status
// and the framing that was decided. Byte 0 steers what the request was; the rest is head and body,
// which streams through.
#include "fuzz_support.hpp"

#include <mad/proxy/forward.hpp>

#include <string>

using namespace mad::proxy;

namespace {

using body_form = mad::net::http::response_body;

body_form form_of(framing f) {
    switch (f) {
    case framing::none:
        return body_form::none;
    case framing::sized:
        return body_form::sized;
    case framing::chunked:
        return body_form::chunked;
    case framing::until_close:
        return body_form::until_close;
    }
    return body_form::none;
}

struct read_body {
    std::string data;
    body_reader::state end = body_reader::state::more;
};

/// In pieces of `step` bytes.
read_body read(body_reader r, std::string_view wire, std::size_t step) {
    read_body out;
    while (out.end == body_reader::state::more && !wire.empty()) {
        auto piece = wire.substr(0, step), data = std::string_view();
        auto const before = piece.size();
        while ((out.end = r.next(piece, data)) == body_reader::state::piece)
            out.data += data;
        wire.remove_prefix(before - piece.size());
    }
    return out;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    mad_fuzz::input in(data, size);
    auto const steer = in.byte();
    answer_context context;
    context.head_request = (steer & 1) != 0;
    context.client_http_10 = (steer & 2) != 0;
    context.client_keep_alive = (steer & 4) == 0;
    if (steer & 8)
        context.websocket_key = "dGhlIHNhbXBsZSBub25jZQ==";
    std::string const all(in.rest());
    auto const head_end = mad::net::http::find_head_end(all);
    if (!head_end)
        return 0;
    auto const text = std::string_view(all).substr(0, *head_end);
    auto const body = std::string_view(all).substr(*head_end);

    mad::net::http::response_head h;
    if (parse_response_head(text, mad::net::http::client_limits{}, h))
        return 0;
    auto const v = judge_response(h, context);
    if (v.why != reject::none) {
        FUZZ_CHECK(!v.keep_upstream && !v.keep_client && !v.switching);
        return 0;
    }
    if (v.interim)
        return 0;
    std::string out;
    append_response(out, h, v, context, steer & 16 ? "a=b" : "", (steer & 32) != 0);

    auto wide = mad::net::http::client_limits{};
    wide.max_head_bytes *= 2;
    wide.max_fields += 8;
    mad::net::http::response_head again;
    FUZZ_CHECK(mad::net::http::find_head_end(out) == out.size());
    FUZZ_CHECK(!parse_response_head(out, wide, again));
    FUZZ_CHECK(again.status == h.status && again.version == 11);
    FUZZ_CHECK(v.switching == (h.status == 101));
    if (v.switching)
        return 0;
    if (!context.head_request) {
        FUZZ_CHECK(again.body == form_of(v.to));
        FUZZ_CHECK(v.to != framing::sized || again.content_length == v.length);
        FUZZ_CHECK((v.to == framing::none) == (v.from == framing::none));
    }
    FUZZ_CHECK(v.keep_client || again.says("Connection", "close"));
    FUZZ_CHECK(v.to != framing::until_close || context.client_http_10);

    // However the body is cut, the same comes out.
    body_reader const reader(v.from, v.length);
    auto const whole = read(reader, body, body.size());
    auto const cut = read(reader, body, 1 + steer % 7);
    FUZZ_CHECK(whole.data == cut.data && whole.end == cut.end);
    FUZZ_CHECK(whole.data.size() <= body.size());

    // And what we write of it is read back by the same rules.
    std::string wire;
    append_chunk(wire, whole.data);
    wire += last_chunk;
    auto const back = read(body_reader(framing::chunked), wire, wire.size());
    FUZZ_CHECK(back.data == whole.data && back.end == body_reader::state::done);
    return 0;
}
