#include <mad/net/http/redirect.hpp>
#include <mad/net/shard.hpp>

#include <catch2/catch.hpp>

using namespace mad::net;
using namespace mad::net::http;

namespace {

struct owner final : exchange_owner {
    void respond(response&& r) override { last = std::move(r); }
    stream take_stream(std::string&) override { return {}; }
    void abandon() override {}
    response last;
};

} // namespace

TEST_CASE("the same place over TLS") {
    struct row {
        char const *host, *target;
        std::uint16_t port;
        char const* to;
    };
    auto const c =
        GENERATE(row{"a.example", "/", 443, "https://a.example/"},
                 row{"a.example:80", "/x?y=z", 443, "https://a.example/x?y=z"},
                 row{"a.example:8080", "/", 8443, "https://a.example:8443/"},
                 row{"10.0.0.1", "/", 443, "https://10.0.0.1/"},
                 row{"[::1]:8080", "/", 443, "https://[::1]/"},
                 row{"[fe80::1]", "/", 9, "https://[fe80::1]:9/"},
                 // no host, or something that would lead elsewhere
                 row{"", "/", 443, ""}, row{"a/b", "/", 443, ""}, row{"a b", "/", 443, ""},
                 row{"user@a.example", "/", 443, ""}, row{"[::1", "/", 443, ""},
                 row{"[]", "/", 443, ""}, row{"[::1]x", "/", 443, ""}, row{"[a/b]", "/", 443, ""},
                 row{":80", "/", 443, ""}, row{"a.example", "*", 443, ""},
                 row{"a.example", "http://b.example/", 443, ""}, row{"a.example", "", 443, ""});
    CAPTURE(c.host, c.target);
    CHECK(https_location(c.host, c.target, c.port) == c.to);
    CHECK(https_location(std::string(300, 'a'), "/", 443).empty());
}

TEST_CASE("every request is sent on, with its method kept, or told that it has no Host") {
    struct row {
        char const *method, *host;
        int status;
    };
    auto const c = GENERATE(row{"GET", "a.example", 308}, row{"POST", "a.example", 308},
                            row{"BREW", "a.example", 308}, row{"GET", "a/b", 400});
    boost::asio::io_context ctx;
    field const host{"Host", c.host};
    request q;
    q.method = c.method;
    q.target = q.path = "/x";
    q.fields = {&host, 1};
    owner o;
    exchange x(o);
    std::size_t max_body = 0;
    redirect_to_https(8443)->on_head(shard::of(ctx), q, x, max_body);
    CHECK_FALSE(x.open());
    CHECK(o.last.status == c.status);
    CHECK((o.last.fields.find("Location: https://a.example:8443/x\r\n") != std::string::npos) ==
          (c.status == 308));
}
