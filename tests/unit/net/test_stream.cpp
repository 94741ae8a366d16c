#include "tls_pair.hpp"

#include <mad/net/stream.hpp>

#include <catch2/catch.hpp>
#include <support/socket_pair.hpp>

#include <vector>

using namespace mad::net;
using namespace mad_test;

namespace {

io_outcome write_text(stream& s, std::string_view text) {
    iovec const part{const_cast<char*>(text.data()), text.size()};
    return s.write({&part, 1});
}

/// Two streams that face each other, secure ones with the handshake done.
struct both {
    explicit both(bool secure, int send_buffer = 0)
        : pair(send_buffer) {
        std::unique_ptr<cipher> x, y;
        if (secure) {
            authority ca;
            auto const files = ca.issue("server", {"localhost", {"DNS:localhost"}});
            x = serve(files)->accept();
            y = trust(ca.ca_file())->connect("localhost");
        }
        a = stream(pair.take_a(), std::move(x));
        b = stream(pair.take_b(), std::move(y));
        for (int i = 0; i < 20 && !(a.established() && b.established()); ++i) {
            b.flush();
            read(a);
            read(b);
        }
        REQUIRE(a.established());
        REQUIRE(b.established());
    }

    io_outcome read(stream& s, std::size_t most = 64 * 1024) {
        into.assign(most, '\0');
        return s.read(into, scratch);
    }

    std::string text(io_outcome r) const { return {into.data(), r.bytes}; }

    socket_pair pair;
    stream a, b;
    std::vector<char> into, scratch = std::vector<char>(64 * 1024);
};

} // namespace

TEST_CASE("bytes go both ways, and nothing is waited for") {
    auto const secure = GENERATE(false, true);
    both p(secure);
    CHECK(p.a.secure() == secure);
    CHECK(p.read(p.a).status == io_status::blocked);
    CHECK_FALSE(p.a.has_input());
    CHECK(write_text(p.b, "hello").bytes == 5);
    CHECK(p.a.has_input());
    auto const r = p.read(p.a);
    CHECK(r.status == io_status::ok);
    CHECK(p.text(r) == "hello");
    CHECK(p.read(p.a).status == io_status::blocked);
    CHECK(p.a.failure().empty());
}

TEST_CASE("several parts become one text") {
    both p(GENERATE(false, true));
    std::string const one(3000, 'a'), two(20'000, 'b'), three = "c";
    std::array<iovec, 4> const parts{{{const_cast<char*>(one.data()), one.size()},
                                      {nullptr, 0},
                                      {const_cast<char*>(two.data()), two.size()},
                                      {const_cast<char*>(three.data()), three.size()}}};
    CHECK(p.a.write(parts).bytes == 23'001);
    std::string got;
    for (int i = 0; i < 10 && got.size() < 23'001; ++i)
        got += p.text(p.read(p.b));
    CHECK(got == one + two + three);
}

TEST_CASE("an end in order is told from one that is not") {
    SECTION("plain: the end of the stream is all there is") {
        both p(false);
        p.b.shutdown_send();
        CHECK(p.read(p.a).status == io_status::ended);
        CHECK(write_text(p.a, "still open this way").status == io_status::ok);
        CHECK(p.read(p.b).bytes == 19);
    }
    SECTION("secure, with close_notify") {
        both p(true);
        write_text(p.b, "bye");
        p.b.shutdown_send();
        CHECK(p.text(p.read(p.a)) == "bye");
        CHECK(p.read(p.a).status == io_status::ended);
        CHECK(write_text(p.a, "understood").bytes == 10);
        CHECK(p.text(p.read(p.b)) == "understood");
    }
    SECTION("secure, cut off: somebody may have cut the end off") {
        both p(true);
        write_text(p.b, "by");
        p.b.close();
        CHECK(p.text(p.read(p.a)) == "by");
        CHECK(p.read(p.a).status == io_status::failed);
    }
}

TEST_CASE("a secure stream holds nothing back that the descriptor would not announce") {
    both p(true);
    auto const into = GENERATE(std::size_t{32 * 1024}, std::size_t{64 * 1024});
    std::string sent, got;
    for (int i = 0; i < 200; ++i) {
        std::string const text(static_cast<std::size_t>(i * 379 % 17'000),
                               static_cast<char>('a' + i % 26));
        std::size_t taken = 0;
        while (taken < text.size()) {
            auto const w = write_text(p.b, std::string_view(text).substr(taken));
            REQUIRE(w.status != io_status::failed);
            taken += w.bytes;
            if (i % 5 && taken == text.size())
                break;
            // As the poller does: read only while the descriptor has something.
            for (int k = 0; k < 1000 && p.a.has_input(); ++k) {
                auto const r = p.read(p.a, into);
                REQUIRE(r.bytes < into);
                got += p.text(r);
                p.b.flush();
            }
        }
        sent += text;
    }
    for (int k = 0; k < 1000 && (p.a.has_input() || p.b.owes()); ++k) {
        p.b.flush();
        got += p.text(p.read(p.a, into));
    }
    CHECK(got == sent);
}

TEST_CASE("a secure stream that filled a small buffer is read again") {
    both p(true);
    write_text(p.b, std::string(10'000, 'x'));
    std::string got;
    for (int i = 0; i < 100 && got.size() < 10'000; ++i) {
        auto const r = p.read(p.a, 1000);
        REQUIRE(r.status == io_status::ok);
        got += p.text(r);
    }
    CHECK(got.size() == 10'000);
    CHECK(p.read(p.a, 1000).status == io_status::blocked);
}

TEST_CASE("what the wire does not take is bounded, and leaves when it does") {
    both p(true, 4096);
    std::string const text(1'000'000, 'x');
    std::size_t taken = 0;
    for (int i = 0; i < 100; ++i) {
        auto const w = write_text(p.a, std::string_view(text).substr(taken));
        taken += w.bytes;
        if (w.status == io_status::blocked)
            break;
    }
    CHECK(taken < text.size());
    CHECK(p.a.owes());
    CHECK(p.a.owed_bytes() < 96 * 1024);
    CHECK(write_text(p.a, "more").status == io_status::blocked);
    std::size_t got = 0;
    for (int i = 0; i < 10'000 && (got < taken || p.a.owes()); ++i) {
        got += p.read(p.b).bytes;
        p.a.flush();
    }
    CHECK(got == taken);
    CHECK_FALSE(p.a.owes());
}

TEST_CASE("a failed handshake leaves its alert with the peer, and its reason with us") {
    authority ca, stranger("a stranger");
    auto const files = ca.issue("server", {"localhost", {"DNS:localhost"}});
    socket_pair pair;
    stream server(pair.take_a(), serve(files)->accept());
    stream client(pair.take_b(), trust(stranger.ca_file())->connect("localhost"));
    std::vector<char> into(4096), scratch(64 * 1024);
    client.flush();
    CHECK_FALSE(server.established());
    CHECK(server.read(into, scratch).status == io_status::blocked);
    CHECK(client.read(into, scratch).status == io_status::failed);
    CHECK(client.failure().find("certificate is not trusted") == 0);
    CHECK(server.read(into, scratch).status == io_status::failed);
    CHECK(server.failure().find("unknown ca") != std::string::npos);
}

TEST_CASE("a closed stream gives its descriptor and its lease back, moved ones keep theirs") {
    socket_pair pair;
    auto const lease = std::make_shared<int>(1);
    stream a(pair.take_a(), nullptr, lease);
    stream b(std::move(a));
    CHECK_FALSE(a.is_open()); // NOLINT
    CHECK(b.is_open());
    CHECK(lease.use_count() == 2);
    stream c;
    c = std::move(b);
    CHECK(lease.use_count() == 2);
    CHECK_FALSE(pair.at_end());
    c.close();
    CHECK(lease.use_count() == 1);
    CHECK(pair.at_end());
    c.close();
    c.shutdown_send();
}
