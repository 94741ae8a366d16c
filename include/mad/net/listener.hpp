#ifndef MAD_NET_LISTENER_HPP
#define MAD_NET_LISTENER_HPP

#include <mad/core/error.hpp>
#include <mad/net/shard.hpp>

#include <boost/asio/ip/tcp.hpp>

#include <functional>
#include <vector>

namespace mad::inline MAD_ABI::net {

/// Opens a listening TCP socket: non-blocking, close-on-exec. `share` sets SO_REUSEPORT, so that
/// each shard can have one on the same port.
result<int> open_listener(boost::asio::ip::tcp::endpoint const&, bool share);

/// The endpoint that a socket is bound to.
result<boost::asio::ip::tcp::endpoint> local_endpoint(int fd);

/// True when nobody listens on that endpoint yet. SO_REUSEPORT would let a second server of the
/// same user join silently and take half of the connections.
error_code probe_listener(boost::asio::ip::tcp::endpoint const&);

/// The listening sockets passed by the service manager (`LISTEN_FDS`, sd_listen_fds(3)); empty when
/// there are none for this process. The variables are removed from the environment.
std::vector<int> passed_listeners();

/// Accepts on one socket for one shard. Survives every error of accept: out of descriptors, it
/// gives up a spare one to tell the peer at once, and waits a little.
class acceptor final : public poll_target {
  public:
    using handler = std::function<void(int fd, boost::asio::ip::address const& peer)>;

    /// Owns `fd`.
    acceptor(shard&, int fd, handler);
    ~acceptor() override;

    error_code start();

    /// Takes what is in the queue, then closes the socket.
    void stop();

    /// Closes the socket now.
    void close();

  private:
    void on_ready(std::uint32_t) override { accept_some(256); }
    void on_fault() override {}
    void accept_some(int most);
    void exhausted(int why);

    shard& shard_;
    int fd_, spare_ = -1;
    handler handler_;
    deadline pause_;
    time_point last_logged_{};
};

} // namespace mad::inline MAD_ABI::net

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/net/impl/listener.ipp>
#endif

#endif
