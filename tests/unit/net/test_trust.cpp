#include <mad/net/trust.hpp>

#include <catch2/catch.hpp>

#include <string>
#include <vector>

using namespace mad::net;
using mad::net::http::field;
using mad::net::http::request;

namespace {

trust_list trusting(std::vector<std::string> const& networks) {
    trust_list t;
    for (auto const& n : networks)
        REQUIRE(t.add(n));
    return t;
}

/// Who it is, with `+` when TLS.
std::string who(trust_list const& t, std::string const& peer, std::vector<field> fields) {
    request r;
    r.peer = boost::asio::ip::make_address(peer);
    r.fields = fields;
    auto const p = t.peer_of(r);
    return p.address.to_string() + (p.secure ? "+" : "");
}

} // namespace

TEST_CASE("networks are read, and nothing else is one") {
    trust_list t;
    for (auto const* const good : {"10.0.0.0/8", "127.0.0.1", "::1", "fd00::/8", "0.0.0.0/0",
                                   "1.2.3.4/32", "::/128", "loopback"})
        CHECK(t.add(good));
    for (auto const* const bad : {"", "10.0.0/8", "10.0.0.0/33", "::1/129", "10.0.0.0/", "x",
                                  "10.0.0.0/8x", "10.0.0.0/-1", "localhost"})
        CHECK_FALSE(t.add(bad));
}

TEST_CASE("an address is in a network when its first bits are") {
    struct row {
        char const *network, *address;
        bool in;
    };
    auto const r = GENERATE(values<row>({
        {"10.0.0.0/8", "10.255.0.1", true},
        {"10.0.0.0/8", "11.0.0.1", false},
        {"10.0.0.0/9", "10.127.0.1", true},
        {"10.0.0.0/9", "10.128.0.1", false},
        {"10.1.2.3", "10.1.2.3", true},
        {"10.1.2.3", "10.1.2.4", false},
        {"0.0.0.0/0", "9.9.9.9", true},
        {"0.0.0.0/0", "::1", false},
        {"fd00::/8", "fdff::1", true},
        {"fd00::/8", "fe00::1", false},
        {"10.0.0.0/8", "::ffff:10.1.1.1", true},
        {"loopback", "127.5.5.5", true},
        {"loopback", "::1", true},
        {"loopback", "::ffff:127.0.0.1", true},
        {"loopback", "10.0.0.1", false},
    }));
    CAPTURE(r.network, r.address);
    CHECK(trusting({r.network}).has(boost::asio::ip::make_address(r.address)) == r.in);
}

TEST_CASE("the right-most address that is not trusted is the peer, from trusted ones only") {
    struct row {
        char const *peer, *forwarded, *who;
    };
    auto const t = trusting({"10.0.0.0/8", "::1"});
    CHECK(trusting({}).empty());
    auto const r = GENERATE(values<row>({
        {"9.9.9.9", "1.1.1.1", "9.9.9.9"},
        {"10.0.0.1", "1.1.1.1", "1.1.1.1"},
        {"10.0.0.1", "", "10.0.0.1"},
        {"10.0.0.1", "6.6.6.6, 1.1.1.1", "1.1.1.1"}, // the left one anybody can write
        {"10.0.0.1", "1.1.1.1, 10.0.0.7", "1.1.1.1"},
        {"10.0.0.1", " 1.1.1.1 ,10.0.0.7,\t10.0.0.8", "1.1.1.1"},
        {"10.0.0.1", "10.0.0.9, 10.0.0.8", "10.0.0.9"},
        {"10.0.0.1", "1.1.1.1:4711", "1.1.1.1"},
        {"10.0.0.1", "2001:db8::1", "2001:db8::1"},
        {"10.0.0.1", "[2001:db8::1]:4711", "2001:db8::1"},
        {"10.0.0.1", "::ffff:1.1.1.1", "1.1.1.1"},
        {"10.0.0.1", "unknown", "10.0.0.1"},
        {"10.0.0.1", "1.1.1.1, junk, 10.0.0.8", "10.0.0.8"},
        {"10.0.0.1", "[1.1.1.1", "10.0.0.1"},
        {"::1", "1.1.1.1", "1.1.1.1"},
        {"::ffff:10.0.0.1", "1.1.1.1", "1.1.1.1"},
    }));
    CAPTURE(r.peer, r.forwarded);
    CHECK(who(t, r.peer, {{"X-Forwarded-For", r.forwarded}}) == r.who);
}

TEST_CASE("several fields are one list, the last one nearest") {
    auto const t = trusting({"10.0.0.0/8"});
    CHECK(who(t, "10.0.0.1",
              {{"x-forwarded-for", "1.1.1.1"}, {"Other", "x"}, {"X-Forwarded-For", "10.0.0.2"}}) ==
          "1.1.1.1");
    CHECK(who(t, "10.0.0.1", {{"X-Forwarded-For", "1.1.1.1"}, {"X-Forwarded-For", "2.2.2.2"}}) ==
          "2.2.2.2");
}

TEST_CASE("whether the peer speaks TLS is said by the proxy") {
    auto const t = trusting({"10.0.0.0/8"});
    CHECK(who(t, "10.0.0.1", {{"X-Forwarded-Proto", "https"}}) == "10.0.0.1+");
    CHECK(who(t, "10.0.0.1", {{"X-Forwarded-Proto", "http, WSS"}}) == "10.0.0.1+");
    CHECK(who(t, "10.0.0.1", {{"X-Forwarded-Proto", "https, http"}}) == "10.0.0.1");
    CHECK(who(t, "9.9.9.9", {{"X-Forwarded-Proto", "https"}}) == "9.9.9.9");
}

TEST_CASE("a list of networks is taken whole or not at all") {
    std::vector<std::string> networks{"10.0.0.0/8", "loopback"};
    auto const t = trust_list::parse(networks);
    REQUIRE(t);
    CHECK(t->has(boost::asio::ip::make_address("10.1.1.1")));
    CHECK(t->has(boost::asio::ip::make_address("::1")));
    networks.push_back("nonsense");
    CHECK_FALSE(trust_list::parse(networks));
    CHECK(trust_list::parse({})->empty());
    CHECK(trust_list::loopback().has(boost::asio::ip::make_address("127.9.9.9")));
    CHECK_FALSE(trust_list::loopback().has(boost::asio::ip::make_address("10.1.1.1")));
}
