#ifndef MAD_REDIS_TLS_HPP
#define MAD_REDIS_TLS_HPP

#include <mad/net/tls_dialer.hpp>
#include <mad/redis/config.hpp>

#include <memory>

namespace mad::inline MAD_ABI::redis {

/// What `settings::tls` needs for `rediss`: TLS over OpenSSL (link mad::tls), the name of each host
/// checked against its certificate. Sentinels and Clusters name servers by address unless they are
/// told otherwise (`resolve-hostnames`, `cluster-announce-hostname`): certificates must have those.
///
///     settings.tls = mad::redis::make_tls(config).value();
inline net::tls_result<std::shared_ptr<net::cipher_dialer>> make_tls(config const& c) {
    net::tls_client_settings s;
    s.ca_file = c.ca_file;
    s.alpn.clear();
    auto context = net::tls_client_context::load(std::move(s));
    if (!context)
        return context.error();
    return std::shared_ptr<net::cipher_dialer>(std::make_shared<net::tls_dialer>(*context));
}

} // namespace mad::inline MAD_ABI::redis

#endif
