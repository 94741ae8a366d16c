// Requests on their way through the proxy: whatever is passed on parses again, to the same meaning,
// with one framing and one Host, and passes a second proxy unchanged. Byte 0 steers whether the
// peer is trusted; the rest is the head.
#include "fuzz_support.hpp"

#include <mad/proxy/forward.hpp>

#include <string>

using namespace mad::proxy;
using mad::net::http::head;
using mad::net::http::iequals;

namespace {

std::size_t count(head const& h, std::string_view name) {
    return static_cast<std::size_t>(std::count_if(
        h.fields.begin(), h.fields.end(), [&](auto const& f) { return iequals(f.name, name); }));
}

/// What every node may rely on.
void check_passed(head const& h, verdict const& v) {
    FUZZ_CHECK(h.req.version == 11);
    FUZZ_CHECK(count(h, "Host") == 1);
    FUZZ_CHECK(count(h, "Content-Length") + count(h, "Transfer-Encoding") <= 1);
    FUZZ_CHECK(count(h, "Cookie") <= 1);
    FUZZ_CHECK(count(h, "X-Forwarded-For") == 1 && count(h, "X-Real-IP") == 1);
    FUZZ_CHECK(count(h, "X-Forwarded-Proto") == 1 && count(h, "X-Forwarded-Host") <= 1);
    FUZZ_CHECK(count(h, "Forwarded") <= (v.trusted ? 1 : 0));
    for (auto const* const hop : {"TE", "Trailer", "Keep-Alive", "Expect", "Proxy-Authorization",
                                  "Proxy-Connection", "HTTP2-Settings"})
        FUZZ_CHECK(count(h, hop) == 0);
    FUZZ_CHECK(count(h, "Upgrade") == (v.upgrade ? 1 : 0));
    FUZZ_CHECK(count(h, "Connection") == (v.upgrade ? 1 : 0));
    for (auto const& f : h.fields)
        for (char const c : f.name)
            FUZZ_CHECK((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-');
    FUZZ_CHECK(h.req.path == "*" || h.req.path.starts_with('/'));
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    mad_fuzz::input in(data, size);
    auto const steer = in.byte();
    client_facts const client{
        boost::asio::ip::make_address(steer & 1 ? "127.0.0.1" : "2001:db8::1"), (steer & 2) != 0};
    forward_settings const settings;
    std::string const text(in.rest());

    head h;
    if (mad::net::http::parse_head(text, {}, h) != 0)
        return 0;
    auto const v = judge_request(h, client, settings);
    if (v.why != reject::none)
        return 0;
    std::string out;
    append_request(out, h, v, client, "node:3000", settings);

    auto wide = mad::net::http::limits{}; // what we add may take it over the limit
    wide.max_head_bytes *= 8;
    wide.max_fields += 16;
    head again;
    FUZZ_CHECK(mad::net::http::find_head_end(out) == out.size());
    FUZZ_CHECK(mad::net::http::parse_head(out, wide, again) == 0);
    check_passed(again, v);
    FUZZ_CHECK(again.req.method == h.req.method);
    FUZZ_CHECK(again.req.path == v.path && again.req.query == v.query);
    FUZZ_CHECK(again.body == h.body && again.content_length == h.content_length);
    FUZZ_CHECK(again.req.upgrade == v.upgrade);

    auto const second =
        judge_request(again, {boost::asio::ip::address_v4::loopback(), false}, settings);
    FUZZ_CHECK(second.why == reject::none);
    FUZZ_CHECK(second.to == v.to && second.upgrade == v.upgrade && second.sid == v.sid);
    FUZZ_CHECK(second.handshake == v.handshake);
    FUZZ_CHECK(second.cookie == v.cookie || count(again, "Cookie") == 0); // Connection named it
    FUZZ_CHECK(mad::net::plain_address(second.client) == mad::net::plain_address(v.client) ||
               v.client.is_loopback() || v.trusted);
    return 0;
}
