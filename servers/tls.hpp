#ifndef MAD_SERVERS_TLS_HPP
#define MAD_SERVERS_TLS_HPP

#include <mad/net/dialer.hpp>

#include <memory>
#include <string>

namespace programs {

/// TLS for `https` URLs, which trusts `ca_file`, or the system's certificates without one. Throws
/// usage_error, which names the flag; a program that was built without TLS always does.
std::shared_ptr<mad::net::cipher_dialer> load_client_tls(std::string const& ca_file);

} // namespace programs

#endif
