#ifndef MAD_PROXY_SERVER_HPP
#define MAD_PROXY_SERVER_HPP

#include <mad/core/error.hpp>
#include <mad/net/shard.hpp>
#include <mad/proxy/control.hpp>
#include <mad/proxy/counters.hpp>
#include <mad/proxy/passed.hpp>
#include <mad/proxy/settings.hpp>

#include <boost/asio/ip/tcp.hpp>

#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

namespace mad::inline MAD_ABI::proxy {

/// A sticky proxy for Socket.IO over any number of shards: each has a listener of its own
/// (SO_REUSEPORT), owns the connections that it accepted, and keeps connections to upstreams.
///
///     net::io_pool threads(2);
///     proxy::settings s;
///     s.upstreams = {*proxy::parse_upstream("http://10.0.0.5:3000"), …};
///     proxy::server server(threads.shards(), std::move(s));
///     server.listen({asio::ip::address_v4::loopback(), 8080});
///     threads.start();
class server {
  public:
    /// The shards and their threads must outlive the server, and be stopped (or idle) when it is
    /// destroyed.
    server(std::vector<net::shard*> shards, settings);
    ~server();
    server(server const&) = delete;
    server& operator=(server const&) = delete;

    /// Binds and listens. Port 0: the kernel chooses. The endpoint really bound, or why not
    /// (`address_in_use`: somebody else listens there).
    result<boost::asio::ip::tcp::endpoint> listen(boost::asio::ip::tcp::endpoint const&);

    /// Serves a listening socket that somebody else has opened: the service manager
    /// (`LISTEN_FDS`), or the process before this one. Owns it from here on.
    result<boost::asio::ip::tcp::endpoint> adopt(int listening_fd);

    /// The same for all sockets of one address, one a shard as far as they go.
    result<boost::asio::ip::tcp::endpoint> adopt(std::vector<int> listening_fds);

    /// Upstreams: add, remove, drain, status. From any thread.
    control& pool();

    /// Where sessions live, for a hand-over. From any thread.
    sid_table& sids();

    /// Exchanges the certificate for new connections. From any thread.
    void set_tls(std::shared_ptr<net::cipher_factory>);

    /// Takes over limits (those of addresses, too), timeouts, trust, health, affinity, web and
    /// paths. Listeners, sessions and the log stay as they are; so do the certificate (`set_tls`),
    /// upstreams (`pool`) and what signs cookies (`control::set_cookies`). Nothing is changed when
    /// it is refused (`errc::invalid_argument`: the engine path). From any thread.
    result<void> reload(settings const&);

    /// Duplicates of the listening sockets, for another process; the caller owns them. From any
    /// thread.
    std::vector<int> listeners() const;

    /// Sums over all shards. From any thread.
    counters_snapshot count() const;

    /// Stops accepting (what is in the queue is still taken), closes idle connections, ends others
    /// with their answer; tunnels and sessions are asked to go, evenly over `settings::drain_over`.
    /// From any thread.
    void drain();

    /// Stops accepting without touching the sockets' queues, and gives the heir every plain
    /// connection and tunnel as soon as nothing of it is under way; TLS connections go on here.
    /// From any thread.
    void release_to(std::shared_ptr<heir>);

    /// Tunnels that no heir can go on with: TLS at an end, or to the web upstream where the heir
    /// does not take it. Others that are still here are on their way. From any thread.
    std::size_t staying() const;

    /// Goes on with what another process has let go. From any thread.
    void adopt(passed_client);
    void adopt(passed_tunnel);

    /// Waits until each upstream has been asked once and all shards know what came of it: before
    /// that, all of them are tried. At most so long; whether they have. Not from a shard's thread.
    bool wait_until_known(milliseconds most);

    /// Closes everything. From any thread; done when the shards have run it.
    void close();

    /// Connections of clients that are open now, tunnels included.
    std::size_t connections() const;

  private:
    struct state;
    std::unique_ptr<state> state_;
};

} // namespace mad::inline MAD_ABI::proxy

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/proxy/impl/server.ipp>
#endif

#endif
