#include "pool_world.hpp"

#include <mad/core/json.hpp>
#include <mad/proxy/metrics.hpp>

#include <catch2/catch.hpp>

#include <set>
#include <sstream>

using namespace pool_world;

namespace {

/// Two upstreams, one of which has been down, and some numbers.
proxy::overview some_day() {
    world w;
    auto const ids = w.add_all({"a", "b"});
    w.down(ids[1]);
    w.now += 1500ms;
    proxy::overview o;
    o.upstreams = w.it.status(w.now);
    o.now = w.now;
    o.uptime = 90s;
    o.known_sessions = 7;
    o.open_descriptors = 12;
    o.max_descriptors = 1024;
    auto& a = *o.upstreams[0].at->count;
    a.tunnels = 4;
    a.other_tunnels = 1;
    a.polling_sessions = 2;
    a.handshakes = 9;
    a.by_cookie = 4;
    o.count.tunnels = 3;
    o.count.requests = 100;
    o.count.rejects[static_cast<std::size_t>(proxy::reject::no_upstream)] = 5;
    auto& requests = o.count.first_byte[static_cast<std::size_t>(proxy::answer_kind::request)];
    requests.buckets[0] = 90; // up to 1 ms
    requests.buckets[3] = 1;  // up to 10 ms
    requests.buckets.back() = 1;
    requests.sum_ms = 6'000;
    auto& handshakes = o.count.first_byte[static_cast<std::size_t>(proxy::answer_kind::handshake)];
    handshakes.buckets[0] = 8;
    handshakes.sum_ms = 250;
    auto& polls = o.count.first_byte[static_cast<std::size_t>(proxy::answer_kind::poll)];
    polls.buckets[10] = 2; // up to 25 s
    polls.sum_ms = 40'000;
    return o;
}

bool has_line(std::string const& text, std::string const& line) {
    return ("\n" + text).find("\n" + line + "\n") != std::string::npos;
}

} // namespace

TEST_CASE("metrics show what hardening asks for") {
    auto const text = proxy::metrics_text(some_day());
    for (auto const* const line :
         {"mad_proxy_uptime_seconds 90",
          "mad_proxy_tunnels 3",
          "mad_proxy_known_sessions 7",
          "mad_proxy_requests_total 100",
          "mad_proxy_rejects_total{reason=\"no_upstream\"} 5",
          "mad_proxy_rejects_total{reason=\"bad_request\"} 0",
          "mad_proxy_unknown_sid_answers_total 0",
          "mad_proxy_open_descriptors 12",
          "mad_proxy_max_descriptors 1024",
          "mad_proxy_panic 0",
          "mad_proxy_first_byte_seconds_bucket{kind=\"request\",le=\"0.001\"} 90",
          "mad_proxy_first_byte_seconds_bucket{kind=\"request\",le=\"0.005\"} 90",
          "mad_proxy_first_byte_seconds_bucket{kind=\"request\",le=\"0.01\"} 91",
          "mad_proxy_first_byte_seconds_bucket{kind=\"request\",le=\"1.0\"} 91",
          "mad_proxy_first_byte_seconds_bucket{kind=\"request\",le=\"+Inf\"} 92",
          "mad_proxy_first_byte_seconds_count{kind=\"request\"} 92",
          "mad_proxy_first_byte_seconds_sum{kind=\"request\"} 6",
          "mad_proxy_first_byte_seconds_count{kind=\"handshake\"} 8",
          "mad_proxy_first_byte_seconds_bucket{kind=\"poll\",le=\"5.0\"} 0",
          "mad_proxy_first_byte_seconds_bucket{kind=\"poll\",le=\"25.0\"} 2",
          "mad_proxy_first_byte_seconds_count{kind=\"poll\"} 2",
          "mad_proxy_first_byte_seconds_sum{kind=\"poll\"} 40",
          "mad_proxy_upstream_state{upstream=\"a\",state=\"up\"} 1",
          "mad_proxy_upstream_state{upstream=\"a\",state=\"down\"} 0",
          "mad_proxy_upstream_state{upstream=\"b\",state=\"down\"} 1",
          "mad_proxy_upstream_sessions{upstream=\"a\",transport=\"websocket\"} 3",
          "mad_proxy_upstream_sessions{upstream=\"a\",transport=\"polling\"} 2",
          "mad_proxy_upstream_handshakes_total{upstream=\"a\"} 9",
          "mad_proxy_upstream_routed_total{upstream=\"a\",rule=\"cookie\"} 4",
          "mad_proxy_upstream_state_changes_total{upstream=\"b\"} 2"}) {
        CAPTURE(line);
        CHECK(has_line(text, line));
    }
    CHECK(text.ends_with("\n# EOF\n"));
}

TEST_CASE("every series belongs to the family above it, and no family comes twice") {
    std::istringstream lines(proxy::metrics_text(some_day()));
    std::set<std::string> families, series;
    std::string family, type;
    for (std::string line; std::getline(lines, line) && line != "# EOF";) {
        CAPTURE(line);
        std::istringstream words(line);
        std::string mark, what;
        words >> mark >> what;
        if (mark == "#" && what == "TYPE") {
            words >> family >> type;
            CHECK(families.insert(family).second);
        } else if (mark != "#") {
            CHECK(mark.starts_with(family));
            CHECK(series.insert(mark).second);
            CHECK(mark.starts_with(family + "_total") == (type == "counter"));
        }
    }
    CHECK(families.size() > 30);
}

TEST_CASE("a thousand upstreams are shown one by one, no more") {
    proxy::overview o;
    proxy::upstream_status one;
    for (std::uint32_t i = 0; i < 1'500; ++i) {
        one.at = target_of(i + 1, "u" + std::to_string(i));
        o.upstreams.push_back(one);
    }
    auto const text = proxy::metrics_text(o);
    CHECK(text.find("upstream=\"u999\"") != text.npos);
    CHECK(text.find("upstream=\"u1000\"") == text.npos);
    CHECK(has_line(text, "mad_proxy_upstreams 1500"));
}

TEST_CASE("the pool as JSON") {
    auto const o = some_day();
    auto const all = json::parse(proxy::upstreams_json(o));
    CHECK(all["panic"] == false);
    CHECK(all["uptime_ms"] == 90'000);
    CHECK(all["sessions"] == 6); // what a drain has before it: all tunnels
    CHECK(all["rejects"] == json{{"no_upstream", 5}});
    CHECK(all["first_byte"] ==
          json{{"count", 100}, {"mean_ms", 62.5}, {"p50_ms", 1}, {"p99_ms", 10}});
    CHECK(all["first_byte_polls"] ==
          json{{"count", 2}, {"mean_ms", 20'000.0}, {"p50_ms", 25'000}, {"p99_ms", 25'000}});
    auto const& a = all["upstreams"][0];
    CHECK(a["name"] == "a");
    CHECK(a["url"] == "http://10.0.0.1:3000");
    CHECK(a["state"] == "up");
    CHECK(a["sessions"] == 6);
    CHECK(a["polling_sessions"] == 2);
    CHECK(a["tag"].is_null());
    auto const& b = all["upstreams"][1];
    CHECK(b["state"] == "down");
    CHECK(b["since_ms"] == 1'500);
    CHECK(b["why"] == "said so");
    auto const health = json::parse(proxy::health_json(o));
    CHECK(health["healthy"] == true);
    CHECK(health["upstreams"] == 2);
    CHECK(health["up"] == 1);
}

TEST_CASE("nothing measured is null, and nothing is divided by it") {
    auto const all = json::parse(proxy::upstreams_json({}));
    CHECK(all["upstreams"] == json::array());
    CHECK(all["first_byte"]["count"] == 0);
    CHECK(all["first_byte"]["mean_ms"].is_null());
    CHECK(all["first_byte"]["p99_ms"].is_null());
    CHECK(proxy::metrics_text({}).ends_with("# EOF\n"));
}

TEST_CASE("open descriptors are counted") {
    auto const before = proxy::open_descriptors();
    CHECK(before >= 3);
    auto* const one = std::fopen("/dev/null", "re");
    CHECK(proxy::open_descriptors() == before + 1);
    std::fclose(one);
}
