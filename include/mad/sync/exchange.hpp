#ifndef MAD_SYNC_EXCHANGE_HPP
#define MAD_SYNC_EXCHANGE_HPP

#include <mad/core/clock.hpp>
#include <mad/core/json.hpp>
#include <mad/core/log.hpp>
#include <mad/socketio/adapter.hpp>
#include <mad/sync/bus.hpp>
#include <mad/sync/detail/gate.hpp>
#include <mad/sync/message.hpp>

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace mad::inline MAD_ABI::sync {

/// What all adapters have in common.
struct exchange_settings {
    /// How long other nodes may take to say which sockets or rooms they have, and to answer a
    /// server's event. Default 5 s: `requestsTimeout` of @socket.io/redis-adapter.
    milliseconds requests_timeout{5000};

    /// Requests that wait for other nodes; one more ends at once with `error::too_many_pending`.
    /// Ours.
    std::size_t max_pending = 10'000;

    /// What the answers to one request may hold together, in bytes; more ends it with
    /// `error::too_big`. Ours.
    std::size_t max_answer_bytes = 64 * 1024 * 1024;

    message_limits limits;

    mad::clock const* clock = &system_clock::instance();
    logger log;
};

/// The nodes of one namespace talking, whatever the dialect: what is asked of others and who still
/// owes an answer, and what others ask of the sockets here. Knows no wire (`bus`) and no form of
/// messages (`codec`). From any thread; kept by a shared_ptr.
class exchange : public std::enable_shared_from_this<exchange> {
  public:
    using acks_handler = std::function<void(socketio::ack_responses)>;
    using infos_handler = std::function<void(result<std::vector<socketio::socket_info>>)>;
    using names_handler = std::function<void(result<std::vector<std::string>>)>;
    /// Sends a message in another way; false: it is to be published.
    using sender = std::function<bool(message_view const&)>;

    struct traits {
        bool old_dialect = false; ///< requests as 5.x says them
        bool sharded = false;     ///< SPUBLISH and SHARDNUMSUB
    };

    exchange(std::string nsp, socketio::local_sockets&, std::shared_ptr<sync::bus>,
             std::shared_ptr<codec const>, traits, exchange_settings);

    void send_by(sender s) { sender_ = std::move(s); }
    /// Nothing reaches the local sockets any more, and nobody is called back. Waits for who is in.
    void close();

    // What the server asks. What concerns local sockets is done here too, once and at once: Redis
    // may be away.

    void broadcast(socketio::encoded const&, socketio::target const&, socketio::broadcast_flags);
    void ask(socketio::encoded const&, std::uint64_t id, socketio::target const&,
             socketio::broadcast_flags, milliseconds timeout, acks_handler);
    void join(socketio::target const&, std::vector<std::string> rooms);
    void leave(socketio::target const&, std::vector<std::string> rooms);
    void disconnect(socketio::target const&, bool close);
    void fetch(socketio::target const&, infos_handler);
    void all_rooms(names_handler);
    void server_event(std::string_view event, socketio::arguments const&);
    void server_event(std::string_view event, socketio::arguments const&, milliseconds timeout,
                      acks_handler);

    // What comes from others.

    void receive(std::string_view channel, std::string_view body);
    void handle(message);
    /// The event of a broadcast, ready to be sent to sockets.
    result<socketio::encoded> event_of(message const&, std::optional<std::uint64_t> id = {}) const;
    /// Counts what is thrown away, and logs it once in ten seconds.
    void drop(error_code why, std::string_view channel);

    /// A call of a handler of Redis that holds the local sockets.
    template <class Fn>
    void inside(Fn&& fn) {
        if (detail::gate::pass const p(gate_); p)
            fn();
    }

    socketio::local_sockets& local() { return local_; }
    sync::bus& bus() { return *bus_; }
    codec const& language() const { return *codec_; }
    exchange_settings const& settings() const { return settings_; }
    std::string const& nsp() const { return nsp_; }
    std::uint64_t dropped() const { return dropped_.load(std::memory_order_relaxed); }
    std::size_t pending() const;

  private:
    struct request;
    using request_ptr = std::unique_ptr<request>;

    void say(message_view const&);
    void publish(message_view const&);
    void count_nodes(std::function<void(result<std::size_t>)>);
    std::string new_id() const;
    bool start(std::string const& id, request_ptr);
    void arm(std::unique_lock<std::mutex>&);
    void on_time();
    /// Changes a request; runs its handler when that completes it.
    void change(std::string const& id, std::function<void(request&)> const&);
    static void finish(request&);
    void fetch_from_others(socketio::target const&, bool with_local, infos_handler);
    void ask_others(message_kind, socketio::target const&, request_ptr,
                    std::function<void(std::string const& id)> begun);
    void each_remote(socketio::target const&, std::function<void(std::string const& id)>);
    void on_answer(message&);
    void on_broadcast(message&);
    void on_change(message&);
    void on_server_event(message&);
    void answer(message const& to, message_view);

    std::string const nsp_;
    socketio::local_sockets& local_;
    std::shared_ptr<sync::bus> const bus_;
    std::shared_ptr<codec const> const codec_;
    traits const traits_;
    exchange_settings const settings_;
    sender sender_;
    detail::gate gate_;
    std::atomic<std::uint64_t> dropped_{0};

    mutable std::mutex mutex_;
    std::unordered_map<std::string, request_ptr> requests_;
    std::multimap<time_point, std::string> deadlines_;
    std::optional<time_point> armed_, logged_;
    bool closed_ = false;
};

} // namespace mad::inline MAD_ABI::sync

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/sync/impl/exchange.ipp>
#include <mad/sync/impl/exchange_heard.ipp>
#endif

#endif
