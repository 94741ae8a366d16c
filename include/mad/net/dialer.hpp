#ifndef MAD_NET_DIALER_HPP
#define MAD_NET_DIALER_HPP

#include <mad/core/clock.hpp>
#include <mad/net/dial_proxy.hpp>
#include <mad/net/shard.hpp>
#include <mad/net/stream.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace mad::inline MAD_ABI::net {

/// Makes the cipher of an outgoing connection. `tls_dialer.hpp` has the one over OpenSSL; who does
/// not include it needs no OpenSSL.
class cipher_dialer {
  public:
    virtual ~cipher_dialer() = default;

    /// `host` is the name, or the address, that the peer's certificate must have.
    virtual std::unique_ptr<cipher> connect(std::string const& host) = 0;
};

struct dial_target {
    std::string host; ///< name or address; IPv6 without brackets
    std::uint16_t port = 0;
    bool secure = false;
};

struct dial_settings {
    /// For everything together: look-up, all addresses, TLS. An address gets its share of it.
    /// Default: `timeout` of socket.io-client 4.8.
    milliseconds timeout{20'000};

    /// Needed for secure targets only; without it they end with `operation_not_supported`.
    std::shared_ptr<cipher_dialer> tls;

    /// A proxy to go through. Its addresses are tried then; the target's name is for it to look up.
    /// Default none: nothing is read from the environment.
    std::optional<dial_proxy> proxy;

    /// What the target hears first of all, before TLS: a PROXY header, say. At most some hundred
    /// bytes, which every fresh connection takes at once. Default: nothing.
    std::string preamble = {};
};

/// Opens one TCP connection: looks the name up, tries each address in the order of the system's
/// resolver, and for a secure target brings the TLS handshake to its end before the stream is
/// handed out. Lives and is used on one shard; destroying it gives up. (A look-up that is under way
/// keeps `ioc.run()` from returning until the system's resolver has answered.)
class dialer final : public poll_target {
  public:
    /// A stream that is connected and nowhere watched, or why not: an error of the look-up, of the
    /// last address tried, `timed_out`, a `tls_error`, or with a proxy an `http::client_error`.
    using handler = std::function<void(result<stream>)>;

    dialer(shard&, dial_settings);
    ~dialer() override;

    /// Once. `done` is never called from inside, and not after this object is destroyed; it may
    /// destroy it by way of `shard::reap`.
    void start(dial_target, handler done);

    /// Gives up: `done` is forgotten.
    void cancel();

    /// Why TLS, or the proxy, failed, in words for a log; empty when it did not.
    std::string const& failure() const { return failure_; }

  private:
    struct lookup;

    void on_ready(std::uint32_t events) override;
    void on_fault() override;

    void begin();
    void try_next(error_code why);
    void connect_to(boost::asio::ip::tcp::endpoint const&);
    void connected();
    void ask_proxy();
    void hear_proxy();
    void through();
    void shake_hands();
    void drop();
    void finish(result<stream>);

    shard& shard_;
    dial_settings settings_;
    dial_target target_;
    handler done_;
    std::unique_ptr<lookup> lookup_;
    std::vector<boost::asio::ip::tcp::endpoint> addresses_;
    std::size_t next_ = 0;
    int fd_ = -1;
    std::uint32_t interest_ = 0;
    std::unique_ptr<cipher> cipher_;
    std::string failure_;
    std::string to_proxy_, from_proxy_;
    bool asking_proxy_ = false;
    deadline limit_, attempt_;
    std::shared_ptr<int> alive_ = std::make_shared<int>(0);
};

/// The same as a coroutine. Cancelling it gives up.
boost::asio::awaitable<result<stream>> dial(shard&, dial_target, dial_settings);

} // namespace mad::inline MAD_ABI::net

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/net/impl/dialer.ipp>
#endif

#endif
