#ifndef MAD_NET_TLS_DIALER_HPP
#define MAD_NET_TLS_DIALER_HPP

#include <mad/net/dialer.hpp>
#include <mad/net/tls_engine.hpp>

#include <memory>
#include <string>
#include <utility>

namespace mad::inline MAD_ABI::net {

/// TLS over OpenSSL for outgoing connections:
///
///     auto context = mad::net::tls_client_context::load();
///     settings.tls = std::make_shared<mad::net::tls_dialer>(*context);
class tls_dialer final : public cipher_dialer {
  public:
    explicit tls_dialer(std::shared_ptr<tls_client_context const> context)
        : context_(std::move(context)) {}

    std::unique_ptr<cipher> connect(std::string const& host) override {
        return context_->connect(host);
    }

  private:
    std::shared_ptr<tls_client_context const> context_;
};

} // namespace mad::inline MAD_ABI::net

#endif
