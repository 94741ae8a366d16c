#ifndef MAD_TESTS_SUPPORT_SECURE_TOPOLOGIES_HPP
#define MAD_TESTS_SUPPORT_SECURE_TOPOLOGIES_HPP

#include <support/certificates.hpp>
#include <support/redis_topologies.hpp>

#include <string>

namespace mad_test {

/// A certificate for what sentinels and Clusters name, which are addresses.
struct address_certificate {
    explicit address_certificate(std::string const& name = "IP:127.0.0.1")
        : files(issuer.issue("server", wish(name))) {}

    static cert_wish wish(std::string const& name) {
        cert_wish w;
        w.names = {name};
        return w;
    }
    /// For a server that speaks nothing but TLS on its port, to others of its kind as well.
    redis_server::words server() const {
        return {"--port",
                "0",
                "--tls-port",
                "{port}",
                "--tls-cert-file",
                files.cert,
                "--tls-key-file",
                files.key,
                "--tls-ca-cert-file",
                issuer.ca_file(),
                "--tls-auth-clients",
                "no",
                "--tls-replication",
                "yes",
                "--tls-cluster",
                "yes"};
    }
    /// For a sentinel that speaks TLS on that port, and to its servers.
    std::string sentinel(std::uint16_t port) const {
        return "tls-port " + std::to_string(port) + "\ntls-cert-file " + files.cert +
               "\ntls-key-file " + files.key + "\ntls-ca-cert-file " + issuer.ca_file() +
               "\ntls-auth-clients no\ntls-replication yes\n";
    }

    authority issuer;
    authority::files files;
};

/// `watched`, over TLS throughout.
struct secure_watched {
    explicit secure_watched(std::string const& name = "IP:127.0.0.1")
        : certificate(name)
        , port(redis_server::free_port())
        , all(certificate.server(), certificate.sentinel(port)) {}

    std::string url() const {
        return "rediss+sentinel://127.0.0.1:" + std::to_string(port) +
               "/mymaster?ca_file=" + certificate.issuer.ca_file();
    }

    address_certificate certificate;
    std::uint16_t port;
    watched all;
};

/// `small_cluster`, over TLS throughout.
struct secure_cluster {
    explicit secure_cluster(std::string const& name = "IP:127.0.0.1")
        : certificate(name)
        , all(certificate.server()) {}

    /// `first`: as its certificate names it.
    std::string url(std::string const& first = "127.0.0.1") const {
        return "rediss://" + first + ':' + std::to_string(all.nodes[0]->port()) +
               "?cluster=1&ca_file=" + certificate.issuer.ca_file();
    }

    address_certificate certificate;
    small_cluster all;
};

} // namespace mad_test

#endif
