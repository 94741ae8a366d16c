#ifndef MAD_SERVERS_PROXY_FLAGS_HPP
#define MAD_SERVERS_PROXY_FLAGS_HPP

#include "options.hpp"

#include <mad/fleet/discovery.hpp>
#include <mad/proxy/settings.hpp>

#include <boost/asio/ip/tcp.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace programs {

/// Everything that mad-proxy is told, read and checked as a whole: what is wrong anywhere is a
/// usage_error, and nothing has changed.
struct proxy_config {
    using endpoint = boost::asio::ip::tcp::endpoint;

    mad::proxy::settings proxy; ///< its upstreams are in `upstreams`
    std::vector<mad::proxy::upstream> upstreams;
    bool own_secret = false; ///< `--cookie-secret-file`: it counts, whatever a hand-over brings
    std::optional<mad::fleet::discovery_settings> discover;
    std::string discover_url; ///< as it was given

    endpoint listen;
    std::size_t threads = 1;
    std::optional<endpoint> redirect; ///< HTTP, sent on to HTTPS
    std::string admin_socket;         ///< path of a unix socket, or
    std::optional<endpoint> admin;    ///< an address of this machine
    std::string admin_token;
    std::string handover; ///< path of a unix socket
};

/// The flags of mad-proxy. Made anew for each reload, so that the file is read from its beginning.
class proxy_flags {
  public:
    proxy_flags();

    /// See `options::parse`.
    std::optional<int> parse(int argc, char** argv);

    proxy_config config() const;

    options common;

  private:
    std::optional<mad::fleet::discovery_settings> discovery() const;

    std::vector<std::string> upstreams_, trust_;
    std::string discover_, discover_password_file_, web_, affinity_ = "sid,cookie,hash";
    std::string admin_, admin_token_file_, redirect_, handover_, cookie_secret_file_;
    std::size_t threads_ = 0;
    mad::proxy::settings proxy_;
    bool password_in_arguments_ = false;
};

} // namespace programs

#endif
