#ifndef MAD_FLEET_API_HPP
#define MAD_FLEET_API_HPP

#include <mad/core/ids.hpp>
#include <mad/engine/siblings.hpp>
#include <mad/fleet/gate.hpp>
#include <mad/fleet/ledger.hpp>
#include <mad/fleet/mutes.hpp>
#include <mad/fleet/record.hpp>
#include <mad/fleet/rules.hpp>
#include <mad/fleet/store.hpp>
#include <mad/net/dialer.hpp>
#include <mad/socketio/server.hpp>

#include <array>
#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace mad::inline MAD_ABI::fleet {

struct api_settings {
    /// Listening address; port 0: the kernel chooses.
    boost::asio::ip::tcp::endpoint listen{boost::asio::ip::address_v4::loopback(), 3000};
    /// Listening sockets of the service manager; used instead of `listen` when there are some.
    std::vector<int> passed_listeners;

    /// Name of this process among those that serve one listening socket on this machine, while a
    /// new release takes over; empty (default): there are no others. In `instance_folder`, which
    /// they share and nobody else may enter, it serves `NAME.sock`, too, and they pass each other
    /// connections (`mad/engine/siblings.hpp`).
    std::string instance_name, instance_folder;

    /// Shards. 0: one for each core.
    std::size_t threads = 0;

    /// Name of this node; random when empty.
    std::string node_id;

    /// Makes what keeps the records: by default this process alone. Gets the node's name;
    /// `make_redis_store` (mad/fleet/redis_store.hpp) shares them with other nodes.
    std::function<std::unique_ptr<fleet::store>(std::string const& node)> make_store;

    /// Makes what outlives this node, for the same Redis: `make_redis_ledger`
    /// (mad/fleet/redis_ledger.hpp). By default nothing does.
    std::function<std::unique_ptr<fleet::ledger>(std::string const& node)> make_ledger;

    /// What makes a host warn or crit, and when nobody is notified. All nodes of a fleet should
    /// have the same. Default: `rule_set::presets`, and no mutes.
    rule_set rules = rule_set::presets();
    std::vector<mute> mutes;

    /// How long a host that is offline stays listed.
    milliseconds offline_keep = std::chrono::hours(24);

    /// Where changes of state are posted (docs/alerts.md); empty: nowhere. `webhook_tls` is for
    /// `https`.
    std::string webhook, webhook_secret;
    std::shared_ptr<net::cipher_dialer> webhook_tls;

    /// Keys of tags that become labels of the gauges of hosts, see `host_gauge_settings`.
    std::vector<std::string> metrics_tags;

    /// Makes what reaches the sockets of other servers, on the shard given. By default nothing
    /// does.
    std::function<socketio::adapter_factory(net::shard&)> make_adapters;
    /// Where proxies reach this node, `http://10.0.0.5:3000`: announced to those that look for
    /// nodes (mad/fleet/discovery.hpp) when the store is shared. Empty (default): the listening
    /// address, where it is neither loopback nor every address of the machine, of which nobody can
    /// tell which one leads here; then, and with `off`, nothing is announced.
    std::string advertise;

    std::string version = MAD_VERSION;

    /// Open to peers that are not on this machine. Without it, requests must name a loopback host,
    /// which keeps pages of other sites out even when they point a name of theirs here.
    bool anonymous = false;

    /// Who may come in, and do what. By default whoever reaches it may read and write, and who is
    /// on this machine may manage.
    gate_settings access;

    socketio::server_settings sockets = default_sockets();
    record_limits records;

    /// A peer of revision 3 that says nothing for so long is a page of the original that has come
    /// back (it asks for the list once, not after each reconnection): it gets the list anew, for
    /// what it missed. Ours: two intervals of an original agent.
    milliseconds old_page_silence{5'000};

    /// So many peers that have not said yet what they are hear of all hosts, as such pages must;
    /// those beyond wait their turn, with the list at its end. Else agents that come back together
    /// would be sent what all the others say, and never get to say what they are. Ours.
    std::size_t max_silent = 64;

    /// Messages that an agent may get wrong in a minute; one more ends its connection.
    unsigned max_bad_per_minute = 10;

    logger log;

    /// As the library, with 200 packets a second (1,000 at once) from one connection.
    static socketio::server_settings default_sockets() {
        socketio::server_settings s;
        s.max_packet_rate = 200;
        return s;
    }
};

/// Numbers of a node, for `/metrics` and tests.
struct api_counters {
    std::atomic<std::uint64_t> updates{0}, refused{0}, consoles_served{0};
    std::atomic<std::size_t> agents{0};     ///< of the whole fleet
    std::atomic<std::size_t> own_agents{0}; ///< connected to this node
    std::atomic<std::size_t> consoles{0};   ///< of version 2, on this node
    /// Hosts that are listed, by `host_state`.
    std::array<std::atomic<std::size_t>, host_state_count> hosts{};
    /// What the notifier has done: see `notifier_counters`.
    std::atomic<std::uint64_t> notices_sent{0}, notices_failed{0}, notices_given_up{0},
        notices_taken_over{0};
    std::atomic<std::size_t> notices_waiting{0};
};

/// An API node: agents push their health, consoles see all of them live. Speaks the events of the
/// original system to peers of any age.
class api {
  public:
    explicit api(api_settings);
    ~api();
    api(api const&) = delete;
    api& operator=(api const&) = delete;

    /// Listens and starts its threads; the endpoint, or why not.
    result<boost::asio::ip::tcp::endpoint> start();

    /// Takes no more connections, asks those there are to leave, waits until all have gone or the
    /// time is over, then stops. From any thread but its own.
    void stop(milliseconds drain = milliseconds(0));

    /// `http://127.0.0.1:3000`; empty before `start`.
    std::string const& url() const { return url_; }
    api_counters const& counters() const { return counters_; }
    socketio::server& sockets() { return io_; }

    /// Other tokens, for an api that was made with some: sessions of those that are gone are ended.
    void set_access(access_rules r) { gate_->set_rules(std::move(r)); }

    /// Exchanges the rules and the mutes of the settings. From any thread.
    void set_rules(rule_set, std::vector<mute>);
    void set_webhook_secret(std::string);

    /// Exchanges the certificate for new connections.
    void set_tls(std::shared_ptr<net::cipher_factory> f) { io_.http().set_tls(std::move(f)); }

    /// See `net::io_pool::probe`.
    void probe(std::function<void()> fn) { pool_.probe(std::move(fn)); }

  private:
    class hub;
    class hub_view;
    struct cargo;
    std::string address(boost::asio::ip::tcp::endpoint const&) const;
    void announce(bool draining, std::function<void()> done);

    void forget(socketio::socket const&, bool left);
    void forget_console(socketio::socket const&);
    using refusal =
        std::function<void(socketio::socket const&, socketio::ack& reply, error_code why)>;
    void add_console_handlers(refusal);
    void send_list(socketio::socket const&);
    void await_old_page(socketio::socket const&, bool missed = false);
    void has_spoken(socketio::socket const&);
    void add_routes();
    void add_handlers();
    std::shared_ptr<gate> make_gate() const;
    void guard_sockets();
    bool may_watch(socketio::socket const&) const;
    error_code refuses_agent(socketio::socket const&, record_view const&, bool same) const;
    std::string metrics() const;
    void append_refusals(std::string&) const;

    api_settings settings_;
    std::string node_id_, instance_;
    std::string veil_key_ = random_id(30); ///< for `socketID`; drawn anew by each process
    std::string announced_;                ///< URL; empty: none
    net::io_pool pool_;
    std::shared_ptr<gate> gate_;
    std::shared_ptr<engine::siblings> siblings_; ///< null without `instance_name`
    socketio::server io_;
    std::shared_ptr<hub> hub_;
    api_counters counters_;
    std::string url_;
    time_point started_{};
    std::atomic<std::size_t> silent_{0}; ///< told of all hosts without having said what they are
    std::atomic<bool> draining_{false};
    std::atomic<std::int64_t> draining_since_{0};
    bool running_ = false;
};

} // namespace mad::inline MAD_ABI::fleet

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/fleet/impl/api.ipp>
#include <mad/fleet/impl/api_access.ipp>
#include <mad/fleet/impl/api_consoles.ipp>
#include <mad/fleet/impl/api_metrics.ipp>
#include <mad/fleet/impl/hub.ipp>
#include <mad/fleet/impl/hub_consoles.ipp>
#include <mad/fleet/impl/hub_shared.ipp>
#include <mad/fleet/impl/hub_view.ipp>
#endif

#endif
