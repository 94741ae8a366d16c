#include "ambiguous_requests.hpp"
#include "proxy_world.hpp"

#include <support/http_recorder.hpp>

#include <algorithm>
#include <map>

using namespace mad_test;

namespace {

/// What came back over one connection.
struct answers {
    std::vector<std::string> receipts; ///< bodies of all 200, in order
    std::size_t refusals = 0;
    bool ended = true; ///< the connection was closed in time
    bool whole = true; ///< nothing but answers, all of them complete
};

answers read_answers(std::string_view text) {
    answers out;
    while (!text.empty()) {
        auto const end = text.find("\r\n\r\n");
        if (end == text.npos || !text.starts_with("HTTP/1.1 "))
            return out.whole = false, out;
        http_answer a;
        a.head = std::string(text.substr(0, end + 4));
        a.status = std::stoi(a.head.substr(9, 3));
        text.remove_prefix(end + 4);
        if (a.status == 100)
            continue;
        auto const length = a.header("content-length");
        if (length.empty() || text.size() < std::stoul(length))
            return out.whole = false, out;
        auto const body = text.substr(0, std::stoul(length));
        text.remove_prefix(body.size());
        if (a.status == 200)
            out.receipts.emplace_back(body);
        else
            ++out.refusals;
    }
    return out;
}

/// The connection that a receipt belongs to: the number between slashes in its target.
std::size_t id_of(std::string const& receipt) {
    auto const space = receipt.find(' ');
    auto const end = receipt.find(' ', space + 1);
    auto const last = receipt.rfind('/', end);
    auto const before = receipt.rfind('/', last - 1);
    return std::stoul(receipt.substr(before + 1, last - before - 1));
}

struct sent {
    std::string bytes;
    answers back;
};

std::string showing(std::string const& text) {
    std::string out;
    for (unsigned char const c : text.substr(0, 1500)) {
        char escaped[8];
        std::snprintf(escaped, sizeof escaped, c == '\n' ? "\\n\n" : "\\x%02x", c);
        out += (c >= 0x20 && c < 0x7f) ? std::string(1, static_cast<char>(c))
               : c == '\r'             ? "\\r"
                                       : escaped;
    }
    return out;
}

/// Sends each over a connection of its own, several at a time, and reads to the end of each.
void send_all(std::vector<sent>& all, std::uint16_t port, std::size_t at_a_time) {
    std::atomic<std::size_t> next{0};
    std::vector<std::thread> threads;
    for (std::size_t t = 0; t < at_a_time; ++t)
        threads.emplace_back([&] {
            for (std::size_t i = 0; (i = next++) < all.size();) {
                raw_client c(port);
                try {
                    (void)c.send(all[i].bytes);
                    all[i].back = read_answers(c.read_to_end());
                } catch (std::runtime_error const&) { // it never ends
                    all[i].back.ended = false;
                }
            }
        });
    for (auto& t : threads)
        t.join();
}

} // namespace

TEST_CASE("behind the proxy arrives what was answered in front, and nothing that was smuggled") {
    constexpr std::size_t connections = 2'400;
    http_recorder node;
    auto const url = "http://127.0.0.1:" + std::to_string(node.port());
    proxy_world w({url}, [&](proxy::settings& s) {
        s.web = proxy::parse_upstream("web=" + url).value();
        // Bodies that never come whole are given up soon: half of the connections wait for one.
        s.limits.head_timeout = s.limits.body_timeout = 300ms;
        s.limits.body_slow_after = 200ms;
        s.limits.idle_timeout = 300ms;
    });
    REQUIRE(w.up() > 0);

    REQUIRE(
        wait_until([&] { return w.client().ask(get("/ready")).status == 200; })); // the web node

    ambiguous_requests maker(20'260'101);
    std::vector<sent> all(connections);
    for (std::size_t i = 0; i < connections; ++i)
        all[i].bytes = maker.next(i);
    send_all(all, w.port, 32);

    std::vector<std::vector<std::string>> arrived(connections);
    auto const receipts = node.receipts();
    for (auto const& r : receipts)
        arrived.at(id_of(r)).push_back(r);
    CHECK(node.garbage().empty());

    std::size_t answered = 0, refused = 0, cut = 0;
    for (std::size_t i = 0; i < connections; ++i) {
        auto const& s = all[i];
        // What a reader by the letter makes of it: what arrives may be less, never other.
        std::vector<std::string> meant;
        for (auto const& r : read_all_strictly(s.bytes))
            meant.push_back(receipt_of(r));
        INFO("connection " << i << ":\n" << showing(s.bytes));
        bool const prefix = arrived[i].size() <= meant.size() &&
                            std::equal(arrived[i].begin(), arrived[i].end(), meant.begin());
        if (!s.back.ended)
            FAIL("the connection stays open");
        if (!s.back.whole)
            FAIL("an answer that is none");
        if (arrived[i] != s.back.receipts)
            FAIL("arrived: " << Catch::Detail::stringify(arrived[i])
                             << "\nanswered: " << Catch::Detail::stringify(s.back.receipts));
        if (!prefix)
            FAIL("arrived: " << Catch::Detail::stringify(arrived[i])
                             << "\nmeant: " << Catch::Detail::stringify(meant));
        answered += s.back.receipts.size();
        refused += s.back.refusals;
        cut += arrived[i].size() < meant.size();
    }
    CHECK(answered == receipts.size());
    INFO(answered << " answered, " << refused << " refused, " << cut << " read shorter");
    // It does not hold because everything is refused, and not because nothing is.
    CHECK(answered > connections);
    CHECK(refused > connections / 3);
    CHECK(cut < connections / 10);
}

TEST_CASE(
    "an answer that two readers could read in two ways is 502, its connection not used again") {
    auto const bad = GENERATE(
        as<std::string>{},
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, identity\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 2\r\n\r\nok",
        "HTTP/1.1 200 OK\nContent-Length: 2\n\nok\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX: a\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\nok",
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
        "HTTP/1.1 100 Continue\r\nContent-Length: 2\r\n\r\nok", "HTTP/2.0 200 OK\r\n\r\n",
        "HTTP/1.1 999 What\r\nContent-Length: 0\r\n\r\n", "SSH-2.0-x\r\n\r\n");
    CAPTURE(bad);
    raw_node node;
    proxy_world w({node.url()});
    REQUIRE(w.up() > 0);
    std::string const request = "GET /api/x HTTP/1.1\r\nHost: a\r\n\r\n";

    auto c = w.client();
    REQUIRE(c.send(request));
    auto first = node.accept();
    first.take_until("\r\n\r\n");
    first.send(bad);
    CHECK(c.answer().status == 502);
    CHECK(w.rejected(proxy::reject::bad_gateway) == 1);
    first.read_to_end(); // the proxy hangs up

    auto again = w.client();
    REQUIRE(again.send(request));
    auto second = node.accept();
    second.take_until("\r\n\r\n");
    second.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood");
    CHECK(again.answer().body == "good");
}

TEST_CASE("what a node sends behind its answer is nobody's answer") {
    auto const evil =
        GENERATE(as<std::string>{}, "x", "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil");
    auto const good =
        GENERATE(as<std::string>{}, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
                 "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
                 "HTTP/1.1 204 No Content\r\n\r\n",
                 "HTTP/1.1 304 Not Modified\r\nContent-Length: 4\r\n\r\n");
    bool const at_once = GENERATE(true, false);
    CAPTURE(evil, good, at_once);
    raw_node node;
    proxy_world w({node.url()});
    REQUIRE(w.up() > 0);
    std::string const request = "GET /api/x HTTP/1.1\r\nHost: a\r\n\r\n";

    auto c = w.client();
    REQUIRE(c.send(request));
    auto first = node.accept();
    first.take_until("\r\n\r\n");
    first.send(at_once ? good + evil : good);
    auto const status = good.substr(9, 3);
    CHECK(c.take_until("\r\n\r\n").substr(9, 3) == status);
    if (!at_once)
        first.send(evil);
    first.read_to_end(); // the proxy hangs up

    auto again = w.client();
    REQUIRE(again.send(request));
    auto second = node.accept();
    second.take_until("\r\n\r\n");
    second.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood");
    CHECK(again.answer().body == "good");
}
