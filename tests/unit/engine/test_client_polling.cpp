#include <mad/engine/client_polling.hpp>

#include <catch2/catch.hpp>

using namespace mad;

namespace {

/// Text messages and, with `b` in front, binary ones.
std::vector<net::wire_block> queue(std::vector<std::string> const& packets) {
    std::vector<net::wire_block> out;
    for (auto const& p : packets)
        out.push_back(p.starts_with('b') ? net::wire_block::message(p.substr(1), true)
                                         : net::wire_block::message(p, false));
    return out;
}

/// The body that so many of the packets make.
std::size_t body_size(std::vector<net::wire_block> const& q, std::size_t n) {
    std::string body;
    for (std::size_t i = 0; i < n; ++i)
        engine::append_payload(
            engine::revision::eio4, body,
            q[i].binary() ? engine::packet_view{engine::packet_type::message, true, q[i].payload()}
                          : engine::packet_view{engine::packet_type::message, false,
                                                q[i].payload().substr(1)},
            i == 0);
    return body.size();
}

} // namespace

TEST_CASE("a polling body takes as many packets as fit") {
    struct row {
        std::vector<std::string> packets;
        std::size_t limit, fit;
    };
    auto const r = GENERATE(
        row{{}, 10, 0}, row{{"4a"}, 10, 1}, row{{"4a"}, 2, 1}, row{{"4a", "4b"}, 5, 2},
        row{{"4a", "4b"}, 4, 1}, row{{"4a", "4b", "4c"}, 8, 3}, row{{"4a", "4b", "4c"}, 7, 2},
        row{{"4aaaaaaaaaa"}, 5, 1}, row{{"4aaaaaaaaaa", "4b"}, 5, 1},
        row{{"4a", "4bbbbbbbb"}, 5, 1}, row{{"b123", "4a"}, 8, 2}, row{{"b123", "4a"}, 7, 1},
        row{{"b1234"}, 9, 1}, row{{"4\xc3\xa9", "4a"}, 6, 2}, row{{"4\xc3\xa9", "4a"}, 5, 1});
    auto const q = queue(r.packets);
    CAPTURE(r.packets, r.limit);
    auto const n = engine::fitting_packets(q, r.limit);
    CHECK(n == r.fit);
    if (n > 1)
        CHECK(body_size(q, n) <= r.limit);
    if (n > 0 && n < q.size())
        CHECK(body_size(q, n + 1) > r.limit);
}

TEST_CASE("without a limit of the server everything goes at once") {
    CHECK(engine::fitting_packets(queue({"4a", "4b", "b1"}), std::nullopt) == 3);
}
