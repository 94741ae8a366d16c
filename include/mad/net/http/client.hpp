#ifndef MAD_NET_HTTP_CLIENT_HPP
#define MAD_NET_HTTP_CLIENT_HPP

#include <mad/core/clock.hpp>
#include <mad/net/dialer.hpp>
#include <mad/net/http/response_head.hpp>
#include <mad/net/shard.hpp>

#include <boost/asio/awaitable.hpp>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mad::inline MAD_ABI::net::http {

namespace detail {
class client_connection;
}

/// A request of ours. `Host`, `Connection` and `Content-Length` are added when it is sent.
struct client_request {
    std::string method = "GET";
    std::string target = "/"; ///< path and query, as they go over the wire
    std::string fields;       ///< `Name: value\r\n` lines, see `set`
    std::string body;
    bool upgrade = false; ///< `Connection: Upgrade`; the caller sets `Upgrade` itself

    /// Appends a field. Line breaks in name and value are replaced: nothing can add another one.
    client_request& set(std::string_view name, std::string_view value);
};

struct client_response {
    int status = 0;
    std::vector<std::pair<std::string, std::string>> fields;
    std::string body;

    /// The first field of that name; empty when there is none.
    std::string_view header(std::string_view name) const;
    bool says(std::string_view name, std::string_view token) const;
};

struct client_settings {
    dial_target to;
    dial_settings dial;
    client_limits limits;

    /// The `Host` field.
    std::string authority;

    /// A connection that was idle for longer is not used again: servers close such (Node after 5
    /// s), and a request could cross with that. Default 3 s.
    milliseconds max_idle{3000};
};

/// Sends requests to one server, one at a time, over one connection that is kept alive, made when
/// needed and made anew when the server has closed it. Nothing is followed, decompressed or cached.
/// Lives and is used on one shard.
class client {
  public:
    using handler = std::function<void(result<client_response>)>;

    client(shard&, client_settings);
    ~client();
    client(client const&) = delete;
    client& operator=(client const&) = delete;

    /// `done` is never called from inside, and not after this object is destroyed or closed; it may
    /// send the next request, and it may `shard::reap` the client. `timeout` (0: none) is for
    /// connecting and answering together. A GET whose kept connection turns out dead before a byte
    /// of the answer has come is sent once more over a new one. Throws std::logic_error while
    /// another request is under way.
    void request(client_request, milliseconds timeout, handler done);

    /// The same as a coroutine. Cancelling it closes the connection.
    boost::asio::awaitable<result<client_response>> request(client_request, milliseconds timeout);

    bool busy() const { return static_cast<bool>(done_); }

    /// The connection, after an answer 101; `rest` is what came behind it.
    stream take_stream(std::string& rest);

    /// Cuts the connection; a request under way is forgotten.
    void close();

    /// Why TLS failed, in words for a log; empty when it did not.
    std::string const& failure() const { return failure_; }

  private:
    friend class detail::client_connection;

    void dial();
    void dialed(result<stream>);
    void transmit();
    void answered(result<client_response>, bool begun);
    void finish(result<client_response>);
    void drop_connection();

    shard& shard_;
    client_settings settings_;
    std::unique_ptr<dialer> dialer_;
    std::unique_ptr<detail::client_connection> connection_;
    client_request request_;
    handler done_;
    std::string failure_;
    deadline limit_;
    time_point idle_since_{};
    bool reused_ = false;
};

} // namespace mad::inline MAD_ABI::net::http

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/net/http/impl/client.ipp>
#endif

#endif
