#include <mad/proxy/handover_message.hpp>

#include <catch2/catch.hpp>

using namespace mad;
using namespace mad::proxy;
using namespace std::chrono_literals;

namespace {

boost::asio::ip::address at(char const* text) {
    return boost::asio::ip::make_address(text);
}

upstream server() {
    upstream u;
    u.name = "node-1";
    u.host = "10.0.0.5";
    u.port = 3000;
    u.secure = true;
    u.weight = 1000;
    u.node_tag = 65535;
    u.proxy_protocol = 2;
    return u;
}

/// One of each, with every member set.
std::vector<handover::message> all_messages() {
    std::vector<handover::message> out{
        handover::hello{7, "0.1.0"},
        handover::refusal{"no"},
        handover::secret{std::string("\0\xff secret", 9)},
        handover::known_upstream{server(), upstream_state::held, true},
        handover::known_upstream{},
        handover::known_sessions{{{"sid-1", "node-1", true, 1500ms}, {"sid-2", "b", false, 0ms}}},
        handover::known_sessions{},
        handover::listeners{handover::listener_use::redirect},
        handover::word::state_end,
        handover::word::end,
    };
    std::get<handover::known_upstream>(out[4]).to.name = "a";
    passed_client c;
    c.rest = "GET / HT";
    c.peer = at("2001:db8::1");
    c.counted = at("10.1.2.3");
    c.secure = true;
    c.served = 42;
    out.emplace_back(c);
    passed_tunnel t;
    t.frames.feed("\x82\x7e\x01"); // within a length
    t.upstream = "node-1";
    t.counted = at("10.1.2.3");
    out.emplace_back(t);
    out.emplace_back(handover::web_tunnel{t});
    out.emplace_back(handover::other_tunnel{t});
    return out;
}

} // namespace

TEST_CASE("what one process says the other understands") {
    for (auto const& m : all_messages()) {
        auto const text = handover::encode(m);
        CAPTURE(m.index());
        auto const back = handover::decode(text);
        REQUIRE(back);
        REQUIRE(back->index() == m.index());
        CHECK(handover::encode(*back) == text);
    }
    auto const back = handover::decode(handover::encode(all_messages()[3]));
    CHECK(std::get<handover::known_upstream>(*back) ==
          handover::known_upstream{server(), upstream_state::held, true});
    auto const sessions = handover::decode(handover::encode(all_messages()[5]));
    CHECK(std::get<handover::known_sessions>(*sessions) ==
          std::get<handover::known_sessions>(all_messages()[5]));
}

TEST_CASE("a client comes as it was") {
    auto const m = handover::decode(handover::encode(all_messages()[10]));
    auto const& c = std::get<passed_client>(*m);
    CHECK(c.rest == "GET / HT");
    CHECK(c.peer == at("2001:db8::1"));
    CHECK(c.counted == at("10.1.2.3"));
    CHECK(c.secure);
    CHECK(c.served == 42);
    CHECK(c.fd == -1); // comes beside it
}

TEST_CASE("a tunnel is where it was within a frame") {
    auto m = handover::decode(handover::encode(all_messages()[11]));
    auto& t = std::get<passed_tunnel>(*m);
    CHECK_FALSE(t.frames.at_boundary());
    t.frames.feed(std::string_view("\x02", 1)); // 0x0102 bytes follow
    t.frames.feed(std::string(0x101, 'x'));
    CHECK_FALSE(t.frames.at_boundary());
    t.frames.feed("x");
    CHECK(t.frames.at_boundary());
    CHECK(t.upstream == "node-1");
    CHECK_FALSE(t.web);
    CHECK(t.session);
}

TEST_CASE("a tunnel to the web upstream says so, and a process of before does not hear of it") {
    auto const text = handover::encode(all_messages()[12]);
    auto const m = handover::decode(text);
    auto const& t = std::get<handover::web_tunnel>(*m).what;
    CHECK(t.web);
    CHECK_FALSE(t.session);
    CHECK(t.upstream == "node-1");
    CHECK_FALSE(t.frames.at_boundary());
    // All others are as they were in version 1, and in their old places.
    CHECK(handover::encode(all_messages()[11]).substr(1) == text.substr(1));
    CHECK(all_messages()[11].index() == 8);
    CHECK(all_messages()[12].index() == 9);
    // The same again for one that is no session.
    auto const other = handover::encode(all_messages()[13]);
    CHECK(other.substr(1) == text.substr(1));
    auto const o = handover::decode(other);
    CHECK_FALSE(std::get<handover::other_tunnel>(*o).what.session);
    CHECK_FALSE(std::get<handover::other_tunnel>(*o).what.web);
}

TEST_CASE("nothing that is cut, or has more behind it, is understood") {
    for (auto const& m : all_messages()) {
        auto const text = handover::encode(m);
        CAPTURE(m.index());
        // A list of sessions may end behind each of them.
        bool const list = std::holds_alternative<handover::known_sessions>(m);
        for (std::size_t n = 0; n < text.size(); ++n)
            if (!list || n == 0)
                CHECK_FALSE(handover::decode(std::string_view(text).substr(0, n)));
        CHECK_FALSE(handover::decode(text + "x"));
    }
}

TEST_CASE("numbers out of their range are refused") {
    auto const broken = [](handover::message const& m, std::size_t place, char c) {
        auto text = handover::encode(m);
        text.at(place < text.size() ? place : text.size() - 1) = c;
        return handover::decode(text).has_value();
    };
    CHECK_FALSE(broken(handover::word::end, 1, 4));
    CHECK_FALSE(broken(handover::listeners{}, 1, 3));
    CHECK_FALSE(broken(handover::word::end, 0, 99)); // no such message
    auto const u = all_messages()[3];
    auto const last = handover::encode(u).size() - 1;
    CHECK_FALSE(broken(u, last, 2));     // by_hand
    CHECK_FALSE(broken(u, last - 1, 8)); // state
    CHECK_FALSE(broken(u, last - 2, 3)); // PROXY version
    CHECK_FALSE(broken(u, 5, '/'));      // name
    CHECK_FALSE(handover::decode({}));
    CHECK_FALSE(handover::decode(std::string(handover::max_bytes + 1, '\0')));
}

TEST_CASE("no message is longer than it may be") {
    passed_client c;
    c.rest = std::string(handover::max_bytes, 'x');
    CHECK(handover::encode(c).empty());
    handover::known_sessions many;
    many.all.assign(2'000, {std::string(128, 's'), std::string(64, 'n'), true, 1ms});
    auto const text = handover::encode(many);
    CHECK(text.size() <= handover::max_bytes);
    CHECK(std::get<handover::known_sessions>(*handover::decode(text)).all.size() > 256);
    CHECK(handover::encode(handover::refusal{std::string(1'000'000, 'x')}).size() < 2'000);
}

TEST_CASE("each message says how many descriptors belong to it") {
    CHECK(handover::descriptors_of(handover::hello{}) == 0u);
    CHECK(handover::descriptors_of(passed_client{}) == 1u);
    CHECK(handover::descriptors_of(passed_tunnel{}) == 2u);
    CHECK(handover::descriptors_of(handover::web_tunnel{}) == 2u);
    CHECK_FALSE(handover::descriptors_of(handover::listeners{}));
}
