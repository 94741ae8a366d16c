// In place of tls.cpp where OpenSSL is not linked.

#include "options.hpp"
#include "tls.hpp"

namespace programs {

std::shared_ptr<mad::net::cipher_dialer> load_client_tls(std::string const&) {
    throw usage_error("--api: this program was built without TLS: give an http:// URL, or run the "
                      "one with TLS");
}

} // namespace programs
