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

/// Settings of a Socket.IO client. Defaults are those of socket.io-client 4.8 unless said
/// otherwise.
struct client_settings {
    client_settings() = default;
    /// For `http://host:port/nsp`: the URL's path names the default namespace, as in the reference.
    explicit client_settings(std::string url) { engine.url = std::move(url); }

    /// The path is `/socket.io/` here.
    engine::client_settings engine = default_engine();

    /// Whether a connection begins with a websocket when the one before it has got as far as that:
    /// saves the upgrade. It falls back to the order given after a failure.
    bool remember_upgrade = false;

    /// Whether a lost connection, or a first attempt that failed, is tried again.
    bool reconnection = true;
    /// Attempts in a row before it gives up; nothing: never.
    std::optional<std::size_t> reconnection_attempts;
    backoff_settings backoff;

    /// How long each answer is awaited where a call does not say (its `timeout` is 0). 0: as long
    /// as the connection lasts.
    milliseconds ack_timeout{0};
    /// How often an event that is not answered is sent again; 0: never. With it every event (but
    /// volatile ones) asks for an answer and waits in a queue until the one before it has been
    /// answered, so the server gets it at least once, and in order. Each try waits as long as
    /// `ack_timeout` or the call's `timeout` says, and has a new ack id; a disconnect ends a try.
    /// After `retries` + 1 tries the event is dropped, and who asked gets the error of the last
    /// one.
    std::size_t retries = 0;

    /// What one socket keeps while it is not connected, or for later tries; one event more is
    /// dropped, and logged. Also for what comes before the server's reply to CONNECT. Ours: the
    /// reference keeps any number.
    std::size_t max_buffered_packets = 10'000;
    std::size_t max_buffered_bytes = 4 * 1024 * 1024;

    /// What the server's packets may cost. Attachments up to `engine.max_payload` by default.
    packet_limits packets = default_packets();

    /// How packets stand on the wire; the server must use the same.
    packet_parser parser = packet_parser::json;

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

/// A Socket.IO client: one connection and the namespaces on it. It speaks to servers of 3.x
/// and 4.x, and with `engine.rev` at 3 to those of 2.x. There `/` is always joined, ids are
/// computed, there is no auth but the query, and a refusal is any JSON.
///
///     boost::asio::io_context ioc;
///     mad::socketio::client io(ioc, mad::socketio::client_settings("http://localhost:3000"));
///     auto s = io.socket();
///     s.on("greeting", [](std::string text) { std::cout << text << '\n'; });
///     s.on_connect([s] { s.emit("hello", "world"); });
///     s.connect();
///     ioc.run();
///
/// Handlers run on the shard given, in order of arrival; a coroutine handler is not awaited before
/// the next event starts. Calls may be made from any thread. Destroying the client leaves all
/// namespaces; the goodbye still goes out while the io_context runs. `ioc.run()` returns once
/// nothing is connected and nothing is tried again.
class client {
  public:
    /// On an io_context that the application runs with one thread. It must outlive the client, as
    /// must a shard. Throws std::invalid_argument for a URL or settings that can never work.
    client(boost::asio::io_context&, client_settings);
    client(net::shard&, client_settings);
    ~client();
    client(client const&) = delete;
    client& operator=(client const&) = delete;

    /// The socket of the URL's namespace, `/` when it names none.
    client_socket socket() const;
    /// A namespace, made on first use. The name gets a `/` in front when it has none.
    client_socket socket(std::string_view nsp) const;

    /// Leaves all namespaces, ends the connection and tries nothing more. A socket may connect
    /// again.
    void close() const;

    /// Nothing of it is on the wire any more, goodbyes included: after `close`, what was sent has
    /// gone out. From any thread.
    bool closed() const;

    /// Ends the connection under the sockets at the Engine.IO level, as if the network had failed:
    /// what is set for reconnection happens.
    void drop_connection() const;

    // Events of the connection (the reference's manager).
    /// The Engine.IO session is open; namespaces are being joined.
    void on_open(std::function<void()>) const;
    /// It has ended; `why` is set when something failed. Sockets have been told before.
    void on_close(std::function<void(disconnect_reason, error_code why)>) const;
    /// The server has pinged (revision 4), or has answered a ping (revision 3).
    void on_ping(std::function<void()>) const;
    /// The session has gone over to a websocket.
    void on_upgrade(std::function<void(engine::transport_kind)>) const;
    /// Each packet from the server, before its namespace is told; valid during the call.
    void on_packet(std::function<void(packet const&)>) const;
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
#include <mad/socketio/impl/client_joining.ipp>
#include <mad/socketio/impl/client_node.ipp>
#include <mad/socketio/impl/client_sending.ipp>
#include <mad/socketio/impl/client_socket.ipp>
#endif

#endif
