#ifndef MAD_SOCKETIO_DETAIL_CLIENT_CORE_HPP
#define MAD_SOCKETIO_DETAIL_CLIENT_CORE_HPP

#include <mad/engine/client.hpp>
#include <mad/net/shard.hpp>
#include <mad/net/task_group.hpp>
#include <mad/socketio/client.hpp>
#include <mad/socketio/detail/nsp_core.hpp>

#include <atomic>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

namespace mad::inline MAD_ABI::socketio::detail {

class client_core;
struct client_node;

/// Carries a client's answers to where its socket lives. An `ack` shares it, so it may outlive the
/// client.
class client_acks final : public ack_target {
  public:
    client_acks(std::shared_ptr<client_shared const> s, std::weak_ptr<client_node> n)
        : shared_(std::move(s))
        , node_(std::move(n)) {}
    std::string_view ack_nsp() const override { return shared_->name; }
    void send_ack(std::uint8_t, std::uint32_t, std::uint32_t generation, encoded) override;
    std::shared_ptr<client_node> node() const { return node_.lock(); }

  private:
    std::shared_ptr<client_shared const> shared_;
    std::weak_ptr<client_node> node_;
};

/// An answer that the server owes us.
struct client_ack {
    client_ack(client_node& n, std::uint64_t i, ack_callback d);
    client_node& node;
    std::uint64_t id;
    ack_callback done;
    net::deadline limit;
    bool sent = false;
};

/// An event that is sent until it is answered.
struct client_try {
    encoded packet; // without an ack id
    std::uint64_t number;
    milliseconds timeout;
    ack_callback done; // may be empty
    std::size_t tries = 0;
    bool pending = false;
};

/// One socket of a client, on its shard. Shared by its handles only for the time of a call.
struct client_node {
    client_node(client_core& c, net::shard& h, std::string n, bool queues);

    // From any thread.
    net::shard& home;
    std::shared_ptr<client_shared> shared;
    std::string_view name() const { return shared->name; }

    // On the shard.
    void connect(client_socket::connect_callback);
    void ask_to_join();
    void disconnect();
    void send(encoded const&, bool is_volatile);
    /// Without an id it is sent until it is answered, each time with another one.
    void send_with_ack(encoded const&, std::optional<std::uint64_t> id, milliseconds timeout,
                       ack_callback);
    void on_packet(packet const&);
    /// The connection under it has ended.
    void on_link_end(disconnect_reason, error_code);
    void on_failure(connect_failure const&);
    void settle(std::uint64_t id, result<arguments>);
    void finished();
    void start_auth(boost::asio::awaitable<void>);
    void auth_failed();
    /// The client is gone: who still waits is told, and nothing calls back any more.
    void forget();

    client_core* core; // null once the client is gone
    std::shared_ptr<client_acks> answers;
    listener_table listeners;
    std::vector<std::function<void()>> connect_handlers;
    std::vector<std::function<void(disconnect_reason)>> disconnect_handlers;
    std::vector<std::function<void(connect_failure const&)>> error_handlers;
    std::vector<std::function<void(server_error const&)>> server_error_handlers;
    std::vector<client_socket::connect_callback> waiting; // for the outcome of a connect
    /// Shared, as it may set another one while it runs.
    std::shared_ptr<std::function<void(client_socket::auth_answer)> const> auth_source;
    json auth;
    std::string id;
    std::string pid, offset;      // for recovery, where the server has it; the offset is JSON text
    std::string query;            // `?a=1`, revision 3
    std::uint32_t generation = 0; // counts connects
    std::uint16_t unfinished = 0;
    bool active = false; // wants to be connected
    bool asked = false;  // CONNECT is on its way
    bool asking = false; // the answer of `auth_source` is on its way
    bool paused = false;
    bool shows_outgoing = false; // somebody listens for what is sent
    bool joined() const { return shared->joined.load(std::memory_order_relaxed); }

  private:
    struct buffered {
        encoded packet;
        std::optional<std::uint64_t> ack_id;
    };
    struct early { // came before the reply to CONNECT
        std::string text;
        std::vector<std::string> attachments;
    };

    void send_connect(json const& auth);
    void ask_old_server();
    void send_disconnect();
    bool has_room(std::size_t bytes) const;
    bool keep(encoded const&, std::optional<std::uint64_t>);
    void unkeep(std::uint64_t ack_id);
    void expect_answer(std::uint64_t ack_id, milliseconds timeout, ack_callback, bool sent);
    void enqueue(encoded const&, milliseconds timeout, ack_callback);
    void send_head();
    /// Out, with the listeners told before.
    void transmit(encoded const&);
    void show_outgoing(net::wire_block const& text, std::span<net::wire_block const> attachments);
    void head_settled(std::uint64_t number, result<arguments>);
    void on_connected(packet_view const&);
    void joined_as(std::string id);
    void on_error(packet_view const&);
    void keep_early(packet const&);
    void forget_early();
    void on_event(packet const&);
    void flush();
    void left(disconnect_reason);
    void tell_waiting(result<void> const&);

    std::deque<buffered> buffer_;
    std::deque<client_try> tries_;                     // only the first one is under way
    std::size_t buffered_bytes_ = 0, early_bytes_ = 0; // both of the first two; of the next one
    std::vector<early> early_;
    std::unordered_map<std::uint64_t, std::unique_ptr<client_ack>> acks_;
    std::uint64_t numbers_ = 0;
    std::uint32_t auth_round_ = 0; // counts questions to `auth_source`
    bool early_lost_ = false;

    friend class client_core;
};

/// What a client is made of, on its shard: the connection, its end and return, the sockets on it.
class client_core {
  public:
    client_core(net::shard&, client_settings);
    ~client_core();

    net::shard& home() { return shard_; }
    client_settings const& settings() const { return settings_; }
    net::task_group& tasks() { return tasks_; }
    /// Connections, those included whose goodbye is under way. From any thread.
    std::size_t wires() const { return wires_; }

    /// From any thread.
    std::shared_ptr<client_node> node(std::string_view name);

    // For nodes.
    bool open() const { return state_ == state::open; }
    bool writable() const { return link_ && link_->engine.writable(); }
    bool waiting_to_retry() const { return reconnecting_; }
    /// The server is of 2.x, and joins everybody to `/` by itself.
    bool old_server() const { return settings_.engine.rev == engine::revision::eio3; }
    enum class root : std::uint8_t { awaited, joined, left };
    root root_state = root::awaited;
    void connect();
    void transmit(encoded const& p) { transmit(p.text(), p.attachments()); }
    void transmit(net::wire_block const& text, std::span<net::wire_block const> attachments);
    void transmit_text(std::string_view);
    /// A socket no longer wants the connection.
    void released();
    void pause();
    void resume();
    /// A user's function threw.
    void fault(std::string_view event) const;

    void close();
    void drop();
    /// The client is gone: says goodbye and leaves the registry when that is done.
    void retire();
    void retire_if_idle();

    std::vector<std::function<void(std::size_t)>> on_attempt, on_reconnect;
    std::vector<std::function<void(error_code)>> on_reconnect_error, on_error;
    std::vector<std::function<void()>> on_gave_up, on_opened, on_pinged;
    std::vector<std::function<void(disconnect_reason, error_code)>> on_closed;
    std::vector<std::function<void(engine::transport_kind)>> on_upgraded;
    std::vector<std::function<void(packet const&)>> on_packets;

    engine::client const* session() const { return link_ && open() ? &link_->engine : nullptr; }

  private:
    enum class state : std::uint8_t { closed, opening, open };

    /// One connection; kept after its end until its goodbye is said.
    struct link final : engine::client_events {
        link(client_core& c)
            : core(c)
            , engine(c.shard_, c.engine_settings()) {}
        void on_open() override { core.on_open(); }
        void on_message(std::string_view data, bool binary) override {
            core.on_message(data, binary);
        }
        void on_close(engine::close_reason why, error_code ec) override { core.on_close(why, ec); }
        void on_finished() override { core.on_finished(*this); }
        void on_ping() override { core.tell(core.on_pinged, "ping"); }
        void on_upgrade() override {
            core.had_websocket_ = true;
            core.tell(core.on_upgraded, "upgrade", engine::transport_kind::websocket);
        }
        client_core& core;
        engine::client engine;
    };

    engine::client_settings engine_settings() const;
    void on_open();
    void on_message(std::string_view data, bool binary);
    void on_close(engine::close_reason, error_code);
    void on_finished(link&);
    void on_retry();
    void reconnect();
    void close_link(engine::close_reason);
    template <class Fn>
    void each_node(Fn);
    template <class Handlers, class... Args>
    void tell(Handlers const&, std::string_view event, Args const&...);

    net::shard& shard_;
    client_settings settings_;
    decoder decoder_;
    backoff backoff_;
    net::deadline retry_;
    net::task_group tasks_;
    std::unique_ptr<link> link_;
    std::vector<std::unique_ptr<link>> leaving_;
    std::mutex mutex_; // for nodes_: sockets may be asked for from any thread
    std::map<std::string, std::shared_ptr<client_node>, std::less<>> nodes_;
    std::atomic<std::size_t> wires_{0};
    state state_ = state::closed;
    bool had_websocket_ = false; // and nothing has failed since
    bool reconnecting_ = false, skip_reconnect_ = false, retired_ = false;
};

/// Owns the clients of one io_context, so that a goodbye can go on after the client's owner has
/// gone, and everything ends with the io_context.
class client_registry final : public boost::asio::execution_context::service {
  public:
    using key_type = client_registry;
    inline static boost::asio::execution_context::id id;

    explicit client_registry(boost::asio::execution_context& ctx)
        : service(ctx) {}

    void add(std::shared_ptr<client_core>);
    std::shared_ptr<client_core> remove(client_core const&);

  private:
    void shutdown() override;

    std::mutex mutex_;
    std::vector<std::shared_ptr<client_core>> clients_;
};

} // namespace mad::inline MAD_ABI::socketio::detail

#endif
