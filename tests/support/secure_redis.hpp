#ifndef MAD_TESTS_SUPPORT_SECURE_REDIS_HPP
#define MAD_TESTS_SUPPORT_SECURE_REDIS_HPP

#include <support/certificates.hpp>
#include <support/redis_server.hpp>

#include <string>

namespace mad_test {

/// A Redis that speaks TLS on its port, with a certificate for `localhost` alone.
struct secure_redis {
    secure_redis()
        : files(issuer.issue("server", wish()))
        , server({"--tls-port", std::to_string(tls_port()), "--tls-cert-file", files.cert,
                  "--tls-key-file", files.key, "--tls-ca-cert-file", issuer.ca_file(),
                  "--tls-auth-clients", "no"}) {}

    static cert_wish wish() {
        cert_wish w;
        w.names = {"DNS:localhost"};
        return w;
    }
    std::uint16_t tls_port() {
        if (port == 0)
            port = redis_server::free_port();
        return port;
    }
    std::string url(std::string const& host, std::string const& rest = "") {
        return "rediss://" + host + ':' + std::to_string(port) + rest;
    }

    std::uint16_t port = 0;
    authority issuer;
    authority::files files;
    redis_server server;
};

} // namespace mad_test

#endif
