#ifndef MAD_SOCKETIO_CLIENT_HPP
#define MAD_SOCKETIO_CLIENT_HPP

#include <mad/engine/client_settings.hpp>
#include <mad/socketio/backoff.hpp>
#include <mad/socketio/client_socket.hpp>

#include <boost/asio/io_context.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace mad::inline MAD_ABI::net {
class shard;
}

namespace mad::inline MAD_ABI::socketio {

namespace detail {
class client_core;
}

/// Settings of a Socket.IO client. Defaults are those of socket.io-client 4.8 unless said otherwise.
struct client_settings {
    client_settings() = default;
    /// For `http://host:port/nsp`: the URL's path names the default namespace, as in the reference.
    explicit client_settings(std::string url) { engine.url = std::move(url); }

    /// The path is `/socket.io/` here.
    engine::client_settings engine = default_engine();

    /// Whether a lost connection, or a first attempt that failed, is tried again.
    bool reconnection = true;
    /// Attempts in a row before it gives up; nothing: never.
    std::optional<std::size_t> reconnection_attempts;
    backoff_settings backoff;

    /// What one socket keeps while it is not connected; one event more is dropped, and logged. Ours:
    /// the reference keeps any number.
    std::size_t max_buffered_packets = 10'000;
    std::size_t max_buffered_bytes = 4 * 1024 * 1024;

    /// What the server's packets may cost. Attachments up to `engine.max_payload` by default.
    packet_limits packets = default_packets();

    /// Unfinished coroutine handlers of one socket; reading stops above. Ours.
    std::size_t max_unfinished = 64;

    logger log;

    static engine::client_settings default_engine() {
        engine::client_settings e;
        e.path = "/socket.io/";
        return e;
    }
    static packet_limits default_packets() {
        packet_limits l;
        l.max_attachment_bytes = 16 * 1024 * 1024;
        return l;
    }
};

/// A Socket.IO client, revision 5 of the protocol: one connection and the namespaces on it.
///
///     boost::asio::io_context ioc;
///     mad::socketio::client io(ioc, mad::socketio::client_settings("http://localhost:3000"));
///     auto s = io.socket();
///     s.on("greeting", [](std::string text) { std::cout << text << '\n'; });
///     s.on_connect([s] { s.emit("hello", "world"); });
///     s.connect();
///     ioc.run();
///
/// Handlers run on the shard given, in order of arrival; a coroutine handler is not awaited before the
/// next event starts. Calls may be made from any thread. Destroying the client leaves all namespaces;
/// the goodbye still goes out while the io_context runs. `ioc.run()` returns once nothing is connected
/// and nothing is tried again.
class client {
  public:
    /// On an io_context that the application runs with one thread. It must outlive the client, as must
    /// a shard. Throws std::invalid_argument for a URL or settings that can never work.
    client(boost::asio::io_context&, client_settings);
    client(net::shard&, client_settings);
    ~client();
    client(client const&) = delete;
    client& operator=(client const&) = delete;

    /// The socket of the URL's namespace, `/` when it names none.
    client_socket socket() const;
    /// A namespace, made on first use. The name gets a `/` in front when it has none.
    client_socket socket(std::string_view nsp) const;

    /// Leaves all namespaces, ends the connection and tries nothing more. A socket may connect again.
    void close() const;

    /// Nothing of it is on the wire any more, goodbyes included: after `close`, what was sent has
    /// gone out. From any thread.
    bool closed() const;

    /// Ends the connection under the sockets at the Engine.IO level, as if the network had failed:
    /// what is set for reconnection happens.
    void drop_connection() const;

    // Events of the connection.
    /// Before each attempt to reconnect: its number, from 1.
    void on_reconnect_attempt(std::function<void(std::size_t)>) const;
    /// Connected again, at that attempt.
    void on_reconnect(std::function<void(std::size_t)>) const;
    void on_reconnect_error(std::function<void(error_code)>) const;
    /// It gave up: `reconnection_attempts`.
    void on_reconnect_failed(std::function<void()>) const;
    /// Any attempt to connect failed, the first one included.
    void on_error(std::function<void(error_code)>) const;

    /// Engine.IO transport of the moment and its session id (a secret). Nothing and empty without a
    /// session, or outside the client's shard.
    std::optional<engine::transport_kind> transport() const;
    std::string engine_sid() const;

  private:
    void run(std::function<void(detail::client_core&)>) const;

    std::weak_ptr<detail::client_core> core_;
    net::shard* home_;
    std::string default_nsp_;
};

} // namespace mad::inline MAD_ABI::socketio

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/socketio/server.hpp> // bodies that both sides share

#include <mad/socketio/impl/client.ipp>
#include <mad/socketio/impl/client_core.ipp>
#include <mad/socketio/impl/client_node.ipp>
#include <mad/socketio/impl/client_socket.ipp>
#endif

#endif
