#ifndef MAD_NET_HTTP_SERVER_HPP
#define MAD_NET_HTTP_SERVER_HPP

#include <mad/core/log.hpp>
#include <mad/net/address_limits.hpp>
#include <mad/net/cipher.hpp>
#include <mad/net/http/connection.hpp>
#include <mad/net/http/counters.hpp>
#include <mad/net/io_pool.hpp>
#include <mad/net/listener.hpp>
#include <mad/net/trust.hpp>
#include <mad/net/unix_socket.hpp>

#include <boost/asio/ip/tcp.hpp>

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace mad::inline MAD_ABI::net::http {

struct server_settings {
    http::limits limits;
    address_limits_settings addresses;
    /// Proxies: not counted by address, since many peers come through each. Whoever resolves the
    /// addresses that they forward counts those.
    trust_list trust;
    /// Connections in all; over it a new one gets 503 with `Retry-After: 5`.
    /// Default: the descriptor limit less 512.
    std::size_t max_connections = default_max_connections();
    /// TLS when set: see `tls_engine.hpp`.
    std::shared_ptr<cipher_factory> tls;
    /// Where connections go that are another process's; null: there is none. See `diverter.hpp`.
    std::shared_ptr<diverter> elsewhere;
    logger log;
};

/// HTTP/1.1 over any number of shards: each has a listener of its own (SO_REUSEPORT) and owns the
/// connections that it accepted.
class server {
  public:
    /// The shards and their threads must outlive the server, and be stopped (or idle) when it is
    /// destroyed.
    server(std::vector<shard*> shards, router, server_settings);
    ~server();
    server(server const&) = delete;
    server& operator=(server const&) = delete;

    /// Binds and listens. Port 0: the kernel chooses. The endpoint really bound, or why not
    /// (`address_in_use`: somebody else listens there).
    result<boost::asio::ip::tcp::endpoint> listen(boost::asio::ip::tcp::endpoint const&);

    /// Serves a listening socket that the service manager has opened (`LISTEN_FDS`).
    result<boost::asio::ip::tcp::endpoint> adopt(int listening_fd);

    /// Listens on a unix socket, mode 0600: see `open_unix_listener`. Its file goes with the
    /// server. Peers count as this machine's loopback address.
    error_code listen_unix(std::string const& path, unix_taken = unix_taken::refuse);

    /// Serves a connection that another process accepted. From any thread.
    void take(int fd, boost::asio::ip::address const& peer);

    /// Stops accepting on sockets of `adopt`, which somebody else serves, too; connections stay.
    /// From any thread.
    void leave_adopted();

    /// Stops accepting (what is in the queue is still taken) and closes idle connections; others
    /// end with their answer. From any thread.
    void drain();

    /// Closes everything. From any thread; done when the shards have run it.
    void close();

    /// Connections open now, those included that were upgraded and are served elsewhere.
    std::size_t connections() const;
    http::counters const& counters() const { return counters_; }

    /// Exchanges the certificate for new connections. From any thread.
    void set_tls(std::shared_ptr<cipher_factory>);

    server_settings const& settings() const { return settings_; }

  private:
    class part; // what one shard owns
    struct ledger;

    void accept_for_all(int listening_fd, bool adopted);
    void accepted(part&, int fd, boost::asio::ip::address const& peer);

    router routes_;
    server_settings settings_;
    std::shared_ptr<ledger> ledger_;
    http::counters counters_;
    std::vector<std::unique_ptr<part>> parts_;
    std::vector<unix_socket_file> files_;
    std::atomic<std::size_t> next_part_{0};
};

} // namespace mad::inline MAD_ABI::net::http

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/net/http/impl/server.ipp>
#endif

#endif
