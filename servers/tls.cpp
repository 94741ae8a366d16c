#include "tls.hpp"

#include "options.hpp"

#include <mad/net/tls_dialer.hpp>
#include <mad/net/tls_engine.hpp>

namespace programs {

std::shared_ptr<mad::net::cipher_dialer> load_client_tls(std::string const& ca_file) {
    mad::net::tls_client_settings s;
    s.ca_file = ca_file;
    auto context = mad::net::tls_client_context::load(s);
    if (!context)
        throw usage_error("--ca-file: " + context.error().message);
    return std::make_shared<mad::net::tls_dialer>(*context);
}

std::shared_ptr<mad::net::cipher_factory> options::load_tls() const {
    if (tls_certs_.empty())
        return nullptr;
    std::vector<mad::net::tls_identity> identities;
    for (std::size_t i = 0; i < tls_certs_.size(); ++i)
        identities.push_back({tls_certs_[i], tls_keys_[i]});
    auto loaded = mad::net::tls_server_context::load(std::move(identities));
    if (!loaded)
        throw usage_error("--tls-cert, --tls-key: " + loaded.error().message);
    return *loaded;
}

} // namespace programs
