#include "tls_pair.hpp"

#include <catch2/catch.hpp>
#include <support/print_result.hpp>

#include <cstdlib>
#include <optional>

using namespace mad;
using namespace mad::net;
using namespace mad_test;

namespace {

/// Sets a variable of the environment and puts back what was.
class with_environment {
  public:
    with_environment(char const* name, std::string const& value)
        : name_(name) {
        if (char const* const v = std::getenv(name))
            was_ = v;
        ::setenv(name, value.c_str(), 1);
    }
    ~with_environment() {
        if (was_)
            ::setenv(name_, was_->c_str(), 1);
        else
            ::unsetenv(name_);
    }

  private:
    char const* name_;
    std::optional<std::string> was_;
};

/// How a client that trusts `ca_file` finds that server under that name.
struct outcome {
    error_code error;
    std::string why;
    bool agreed;
};

outcome meet(tls_server_context& server, tls_client_context const& client,
             std::string const& host) {
    tls_side s(server.accept()), c(client.connect(host));
    talk(c, s);
    // Only who was refused hears of it by an alert.
    CHECK(s.error.failed() == c.error.failed());
    return {c.error, c.engine->failure(), c.engine->ready() && s.engine->ready()};
}

} // namespace

TEST_CASE("the name on the certificate must be the one that was asked for") {
    authority ca;
    auto const server =
        serve(ca.issue("names", {"common.example",
                                 {"DNS:a.example", "DNS:*.wild.example", "DNS:f*.part.example",
                                  "DNS:10.0.0.1", "IP:127.0.0.1", "IP:::1"}}));
    auto const client = trust(ca.ca_file());
    struct row {
        char const* host;
        bool good;
    };
    auto const r = GENERATE(
        row{"a.example", true}, row{"A.Example", true}, row{"a.example.", true},
        row{"b.example", false}, row{"x.wild.example", true}, row{"wild.example", false},
        row{"x.y.wild.example", false}, row{"foo.part.example", false},
        row{"common.example", false}, // names count, the common one does not
        row{"127.0.0.1", true}, row{"127.0.0.2", false}, row{"::1", true}, row{"[::1]", true},
        row{"[::2]", false}, row{"10.0.0.1", false}); // an address wants an address
    CAPTURE(r.host);
    auto const o = meet(*server, *client, r.host);
    CHECK(o.agreed == r.good);
    if (!r.good) {
        CHECK(o.error == tls_error::wrong_name);
        CHECK(o.why.starts_with("certificate is for another name: "));
    }
}

TEST_CASE("certificates that nobody should trust are refused, with the reason") {
    authority ca, other("somebody else"), impostor;
    cert_wish const fine{"localhost", {"DNS:localhost"}};
    auto expired = fine, early = fine;
    expired.valid_from = -7200;
    expired.valid_to = -3600;
    early.valid_from = 3600;
    early.valid_to = 7200;
    struct row {
        authority::files files;
        char const* why;
    };
    for (auto const& r : {row{ca.issue("expired", expired), "expired"},
                          row{ca.issue("early", early), "not yet valid"},
                          row{ca.self_signed("self", fine), "self-signed"},
                          row{other.issue("other", fine), "unable to get local issuer"},
                          row{impostor.issue("impostor", fine), "signature failure"}}) {
        CAPTURE(r.why);
        auto const server = serve(r.files);
        auto const o = meet(*server, *trust(ca.ca_file()), "localhost");
        CHECK(o.error == tls_error::untrusted);
        CHECK(o.why.find(r.why) != std::string::npos);
        CHECK_FALSE(o.agreed);

        tls_client_settings blind;
        blind.verify = false;
        CHECK(meet(*server, *tls_client_context::load(blind).value(), "localhost").agreed);
    }
}

TEST_CASE("a certificate file may carry the chain up to the authority") {
    authority root;
    auto const middle_key = make_key(), leaf_key = make_key();
    cert_wish middle_wish{"middle", {}};
    middle_wish.authority = true;
    auto const root_key = make_key();
    cert_wish root_wish{"root", {}};
    root_wish.authority = true;
    auto const root_cert = make_cert(root_wish, root_key.get());
    auto const middle = make_cert(middle_wish, middle_key.get(), root_cert.get(), root_key.get());
    auto const leaf =
        make_cert({"leaf", {"DNS:localhost"}}, leaf_key.get(), middle.get(), middle_key.get());
    authority::files const f{root.file("chain.pem"), root.file("chain.key")};
    write_certs(root.file("root.pem"), {root_cert.get()});
    write_key(f.key, leaf_key.get());

    write_certs(f.cert, {leaf.get(), middle.get()});
    CHECK(meet(*serve(f), *trust(root.file("root.pem")), "localhost").agreed);
    write_certs(f.cert, {leaf.get()});
    CHECK_FALSE(meet(*serve(f), *trust(root.file("root.pem")), "localhost").agreed);
}

TEST_CASE("the asked-for name picks the certificate") {
    authority ca;
    auto const a = ca.issue("a", {"a", {"DNS:a.example"}});
    auto const b = ca.issue("b", {"b", {"DNS:b.example", "DNS:*.b.example"}});
    auto server = tls_server_context::load({{a.cert, a.key}, {b.cert, b.key}}).value();
    auto const client = trust(ca.ca_file());
    CHECK(meet(*server, *client, "a.example").agreed);
    CHECK(meet(*server, *client, "b.example").agreed);
    CHECK(meet(*server, *client, "x.b.example").agreed);
    CHECK(meet(*server, *client, "c.example").error == tls_error::wrong_name);
    CHECK(meet(*server, *client, "127.0.0.1").error == tls_error::wrong_name);

    // Reloaded while a handshake is under way.
    tls_side s(server->accept()), c(client->connect("b.example"));
    server.reset();
    talk(c, s);
    CHECK(c.engine->ready());
    CHECK(c.tls().alpn() == "http/1.1");
}

TEST_CASE("files that cannot be used are named, with what is wrong") {
    authority ca;
    auto const good = ca.issue("good", {"x", {"DNS:localhost"}});
    auto const other = ca.issue("other", {"y", {"DNS:localhost"}});
    temp_folder folder;
    auto const garbage = folder.write("garbage.pem", "this is not PEM\n");
    auto const empty = folder.write("empty.pem", "");
    auto const missing = folder.file("missing.pem");
    auto const locked = folder.file("locked.key");
    write_key(locked, make_key().get(), "secret");

    struct row {
        std::string cert, key, named;
        tls_error error;
    };
    for (auto const& r :
         {row{missing, good.key, missing, tls_error::file_unreadable},
          row{good.cert, missing, missing, tls_error::file_unreadable},
          row{folder.file(""), good.key, folder.file(""), tls_error::file_unreadable},
          row{garbage, good.key, garbage, tls_error::bad_certificate},
          row{empty, good.key, empty, tls_error::bad_certificate},
          row{good.key, good.key, good.key, tls_error::bad_certificate},
          row{good.cert, garbage, garbage, tls_error::bad_key},
          row{good.cert, good.cert, good.cert, tls_error::bad_key},
          row{good.cert, locked, locked, tls_error::bad_key},
          row{good.cert, other.key, other.key, tls_error::key_mismatch}}) {
        CAPTURE(r.cert, r.key);
        auto const loaded = tls_server_context::load(r.cert, r.key);
        REQUIRE_FALSE(loaded);
        CHECK(loaded.error().code == r.error);
        CHECK(loaded.error().message.starts_with(r.named + ": "));
        CHECK(loaded.error().message.find('\n') == std::string::npos);
    }
    CHECK(tls_server_context::load(good.cert, good.key));
    CHECK(tls_server_context::load(std::vector<tls_identity>{}).error().code ==
          tls_error::bad_certificate);
    CHECK_THROWS_AS(tls_server_context::load(missing, missing).value(), std::system_error);

    for (auto const& [file, error] : {std::pair{missing, tls_error::file_unreadable},
                                      std::pair{garbage, tls_error::bad_certificate}}) {
        tls_client_settings s;
        s.ca_file = file;
        auto const loaded = tls_client_context::load(s);
        REQUIRE_FALSE(loaded);
        CHECK(loaded.error().code == error);
        CHECK(loaded.error().message.starts_with(file + ": "));
    }
}

TEST_CASE("SSL_CERT_FILE says whom to trust when the settings do not") {
    authority ca;
    auto const server = serve(ca.issue("server", {"localhost", {"DNS:localhost"}}));
    {
        with_environment const e("SSL_CERT_FILE", ca.ca_file());
        CHECK(meet(*server, *tls_client_context::load().value(), "localhost").agreed);
    }
    {
        with_environment const e("SSL_CERT_FILE", ca.file("nowhere.pem"));
        auto const loaded = tls_client_context::load();
        REQUIRE_FALSE(loaded);
        CHECK(loaded.error().message.starts_with(ca.file("nowhere.pem") + ": "));
    }
}

TEST_CASE("a certificate is never taken without a name to check") {
    authority ca;
    auto const client = trust(ca.ca_file());
    auto const host = GENERATE(std::string{}, std::string("."), std::string("a\0b", 3));
    CHECK_THROWS_AS(client->connect(host), std::invalid_argument);
}

TEST_CASE("every TLS error has words of its own") {
    std::vector<std::string> seen;
    for (int i = 0; i <= static_cast<int>(tls_error::closed); ++i) {
        auto const text = make_error_code(static_cast<tls_error>(i)).message();
        CHECK(text != "unknown error");
        CHECK(std::find(seen.begin(), seen.end(), text) == seen.end());
        seen.push_back(text);
    }
    CHECK(tls_category().message(99) == "unknown error");
    CHECK(tls_category().name() == std::string("mad.tls"));
}
