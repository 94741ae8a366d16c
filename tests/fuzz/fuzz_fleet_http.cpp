// The HTTP API over a fleet: whatever is asked, each request has one answer that is no 5xx, with
// fields that are lines, and a body of the type that they say. Byte 0 steers; then come requests,
// parted by byte 0xff: a byte for the method and one for the fields, the target behind `/api/v1/`,
// a line feed, the body.
#include "fuzz_shown.hpp"

#include <mad/net/http/router.hpp>

#include <unit/fleet/http_api_world.hpp>

using namespace mad_test;
using namespace mad::fleet;

namespace {

constexpr std::string_view methods[] = {"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE"};

void fill(fake_fleet& f) {
    auto& web = f.add("web-1", host_state::crit);
    web.facts.name = "web \"1\"";
    web.facts.region = "=eu";
    web.facts.tags = {"role:web", "a,b"};
    web.now.set(metric::cpu, 97.1);
    f.add("gone/1", host_state::offline).own = true;
    f.log.add(f.now_ms, {"web-1", host_state::ok, host_state::crit, "cpu", 97.1, 95, f.now_ms});
}

void check_reply(http_api_world::reply const& r, bool broken) {
    FUZZ_CHECK(r.status >= 200);
    FUZZ_CHECK(r.status < 500 || (broken && r.status == 503));
    std::string_view fields = r.fields;
    while (!fields.empty()) {
        auto const line = fields.substr(0, fields.find("\r\n"));
        FUZZ_CHECK(line.find_first_of(std::string_view("\r\n\0", 3)) == line.npos);
        FUZZ_CHECK(line.find(": ") != line.npos);
        fields.remove_prefix(line.size() + 2);
    }
    if (r.body.empty())
        return;
    auto const type = r.header("Content-Type");
    if (type.find("json") != type.npos)
        mad_fuzz::check_json(r.body);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    mad_fuzz::input in(data, size);
    auto const steer = in.byte();
    http_api_settings settings;
    settings.gauges.tags = {"role"};
    if (steer & 1)
        settings.cors.origins = {"https://pages.example"};
    if (steer & 2)
        settings.admit = [&](mad::net::http::request const&, http_role) {
            return http_admission{
                {"somebody", static_cast<http_role>(steer >> 2 & 3), true, {}, "role:web"}};
        };
    http_api_world world(std::move(settings));
    fill(*world.fleet);
    world.fleet->broken = steer & 16;
    world.fleet->link_key = !(steer & 32);
    for (auto rest = in.rest(); !rest.empty();) {
        auto const end = std::min(rest.find('\xff'), rest.size());
        mad_fuzz::input one(reinterpret_cast<std::uint8_t const*>(rest.data()), end);
        rest.remove_prefix(std::min(end + 1, rest.size()));
        auto const method = methods[one.byte() % std::size(methods)];
        auto const how = one.byte();
        auto const line = std::min(one.rest().find('\n'), one.rest().size());
        // What the reader of heads lets through.
        auto const path = one.take(line);
        if (std::any_of(path.begin(), path.end(), [](char c) { return c > '\0' && c <= ' '; }) ||
            path.find_first_of(std::string_view("\0\x7f", 2)) != path.npos)
            continue;
        (void)one.take(1);
        http_api_world::fields fields;
        if (!(how & 1))
            fields.push_back({"Content-Type", "application/json"});
        if (how & 2)
            fields.push_back(
                {"Accept", how & 4 ? "text/csv" : "application/json;q=0.5, */*;q=0.1"});
        if (how & 8)
            fields.push_back(
                {"Origin", how & 16 ? "https://pages.example" : "http://127.0.0.1:3000"});
        auto const target = "/api/v1/" + std::string(path);
        check_reply(world.ask(method, target, fields, one.rest()), world.fleet->broken);
    }
    return 0;
}
