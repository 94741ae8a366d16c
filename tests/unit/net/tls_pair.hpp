#ifndef MAD_TESTS_UNIT_NET_TLS_PAIR_HPP
#define MAD_TESTS_UNIT_NET_TLS_PAIR_HPP

#include <mad/net/tls_engine.hpp>
#include <support/certificates.hpp>

#include <openssl/ssl.h>

#include <algorithm>
#include <array>
#include <functional>
#include <memory>
#include <string>
#include <utility>

namespace mad_test {

/// One end of a connection in memory: its engine, what it was given and how it failed.
struct tls_side {
    explicit tls_side(std::unique_ptr<mad::net::cipher> c)
        : engine(std::move(c)) {}

    /// Reads all that can be read.
    void read() {
        std::array<char, 20'000> buffer;
        while (!error) {
            auto const n = engine->read(buffer);
            if (!n) {
                error = n.error();
                return;
            }
            if (*n == 0)
                return;
            got.append(buffer.data(), *n);
        }
    }

    mad::net::tls_engine& tls() { return static_cast<mad::net::tls_engine&>(*engine); }

    std::unique_ptr<mad::net::cipher> engine;
    std::string got;
    mad::error_code error;
};

/// Carries at most `most` bytes over. False when there were none.
inline bool carry(tls_side& from, tls_side& to, std::size_t most) {
    std::string const piece(from.engine->owed().substr(0, most));
    if (piece.empty())
        return false;
    from.engine->wrote(piece.size());
    to.engine->put(piece);
    to.read();
    return true;
}

/// Carries both ways in pieces of `chunk` until neither owes anything.
inline void talk(tls_side& a, tls_side& b, std::size_t chunk = 1 << 20) {
    for (int i = 0; i < 1'000'000; ++i) {
        bool const there = carry(a, b, chunk);
        bool const back = carry(b, a, chunk);
        if (!there && !back)
            return;
    }
    throw std::runtime_error("the two never stop talking");
}

/// Writes all of `text` and carries it over as it goes.
inline mad::error_code tell(tls_side& from, tls_side& to, std::string_view text,
                            std::size_t chunk = 1 << 20) {
    while (!text.empty()) {
        auto const n = from.engine->write(text);
        if (!n)
            return n.error();
        text.remove_prefix(*n);
        talk(from, to, chunk);
    }
    return {};
}

/// A client that our own context would never make.
inline std::unique_ptr<mad::net::cipher> odd_client(std::function<void(SSL_CTX*)> const& set_up,
                                                    SSL** out = nullptr) {
    mad::net::detail::tls_context_handle ctx(SSL_CTX_new(TLS_client_method()));
    set_up(ctx.get());
    mad::net::detail::tls_handle ssl(SSL_new(ctx.get()));
    if (out)
        *out = ssl.get();
    return std::make_unique<mad::net::tls_engine>(std::move(ssl), false, nullptr);
}

inline std::shared_ptr<mad::net::tls_server_context> serve(authority::files const& f) {
    return mad::net::tls_server_context::load(f.cert, f.key).value();
}

inline std::shared_ptr<mad::net::tls_client_context> trust(std::string const& ca_file) {
    mad::net::tls_client_settings s;
    s.ca_file = ca_file;
    return mad::net::tls_client_context::load(std::move(s)).value();
}

} // namespace mad_test

#endif
