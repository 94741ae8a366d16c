#ifndef MAD_PROXY_DETAIL_PART_HPP
#define MAD_PROXY_DETAIL_PART_HPP

#include <mad/net/address_limits.hpp>
#include <mad/net/listener.hpp>
#include <mad/net/shard.hpp>
#include <mad/proxy/control.hpp>
#include <mad/proxy/counters.hpp>
#include <mad/proxy/detail/client_connection.hpp>
#include <mad/proxy/detail/lane.hpp>
#include <mad/proxy/detail/splice_pipe.hpp>
#include <mad/proxy/settings.hpp>

#include <atomic>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace mad::inline MAD_ABI::proxy::detail {

/// The settings as the shards read them; replaced whole on a reload.
struct config {
    explicit config(settings const&);

    settings all;
    forward_settings forward;
    net::http::client_limits answers;
    std::string cookie_fields; ///< what follows the value of the affinity cookie
};

/// What all shards of a server share.
struct core {
    core(settings const& s, net::shard& home);

    net::shard& home;
    sid_table sids;
    control pool;
    std::unique_ptr<control> web;
    net::address_limits addresses;
    std::atomic<std::size_t> open{0}; ///< connections of clients, tunnels included
    /// Tunnels with TLS at an end, and plain ones to the web upstream.
    std::atomic<std::size_t> secure_tunnels{0}, web_tunnels{0};
    logger log;
};

/// A count that one thread adds to and others read.
class tally {
  public:
    void add(std::uint64_t n = 1) {
        n_.store(n_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
    }
    std::uint64_t get() const { return n_.load(std::memory_order_relaxed); }

  private:
    std::atomic<std::uint64_t> n_{0};
};

struct tallies {
    tally accepted, requests, handshakes, by_sid, by_cookie, by_hash, retries, upgrades;
    tally session_gone, shed, connects, connect_failures, reused, bytes_in, bytes_out;
    std::array<tally, reject_count> rejects;
    struct first_byte_tallies {
        std::array<tally, first_byte_buckets.size() + 1> buckets;
        tally sum_ms;
    };
    std::array<first_byte_tallies, answer_kinds> first_byte;
    // Gauges: what was opened, and what was closed.
    tally clients_opened, clients_closed, tunnels_opened, tunnels_closed;
    tally upstream_opened, upstream_closed, idle_begun, idle_ended;

    void add_to(counters_snapshot&) const;
};

/// What one shard owns of a server.
class part {
  public:
    part(core&, net::shard&, std::shared_ptr<config const>);
    ~part();

    // On the shard, all of them.

    void open();
    void listen(int fd, net::acceptor::handler);
    void accepted(int fd, boost::asio::ip::address const& peer);
    void adopt(passed_client);
    void adopt(passed_tunnel);
    void set_config(std::shared_ptr<config const>);
    void set_view(control::view_ptr);
    void set_web(control::view_ptr);
    /// Asks so many sessions of that target to go; how many it has found.
    std::size_t shed(std::uint32_t id, std::size_t sessions);
    /// So many more go when they ask again.
    void owe_sheds(std::uint32_t id, std::size_t sessions);
    void cut(std::uint32_t id);
    void drain();
    void release_to(std::shared_ptr<heir>);
    void close();

    // Of what it owns.

    lane& lane_of(std::shared_ptr<target const> const&, bool of_web);
    void release(client_connection&);
    std::unique_ptr<passage> take_passage();
    void give_back(std::unique_ptr<passage>);
    /// Text to fill; who takes it is done with it before anybody else does.
    std::string& text() {
        text_.clear();
        return text_;
    }
    std::string& cookie_text() {
        cookie_text_.clear();
        return cookie_text_;
    }
    /// True while connections go to an heir as soon as they can.
    bool releasing() const { return heir_ != nullptr; }
    void offer(client_connection&);
    void offer(tunnel&);
    /// Whether one more of those whom the limits of addresses keep out is told so: some of them a
    /// second, each for a second at most, TLS handshake included. The others are closed upon: a
    /// flood is not to live on our answers.
    bool may_turn_away();
    /// A poll of a session that is to go may be answered with its end now.
    bool take_shed(std::uint32_t id);

    bool draining() const { return phase_ != phase::open; }
    bool closed() const { return phase_ == phase::closed; }

    settings const& set() const { return conf->all; }

    core& all;
    net::shard& shard;
    std::shared_ptr<config const> conf;
    control::view_ptr view, web;
    std::shared_ptr<net::cipher_factory> tls;
    tallies count;
    splice_pipe pipe;

    /// Milliseconds of a clock that costs next to nothing, to a few of them.
    static std::uint32_t now_ms();

  private:
    enum class phase : std::uint8_t { open, draining, closed };

    std::shared_ptr<target const> known(std::uint64_t key) const;
    void renew_lanes();
    void on_tick();
    void drain_slice();

    /// By the target's id; those of the web pool have a higher bit set.
    std::unordered_map<std::uint64_t, std::unique_ptr<lane>> lanes_;
    lane* last_lane_ = nullptr;
    std::vector<std::unique_ptr<client_connection>> clients_;
    std::vector<std::unique_ptr<net::acceptor>> acceptors_;
    std::vector<std::unique_ptr<passage>> spare_;
    std::unordered_map<std::uint32_t, std::size_t> owed_sheds_;
    std::shared_ptr<heir> heir_;
    unsigned turned_away_ = 0; ///< in this second
    std::string text_, cookie_text_;
    net::deadline tick_, slice_;
    time_point drain_until_{};
    phase phase_ = phase::open;
};

} // namespace mad::inline MAD_ABI::proxy::detail

#if !defined(MAD_SEPARATE_COMPILATION)
// All of them here: they know each other.
#include <mad/proxy/impl/client_answer.ipp>
#include <mad/proxy/impl/client_connection.ipp>
#include <mad/proxy/impl/client_request.ipp>
#include <mad/proxy/impl/end.ipp>
#include <mad/proxy/impl/lane.ipp>
#include <mad/proxy/impl/part.ipp>
#include <mad/proxy/impl/tunnel.ipp>
#include <mad/proxy/impl/upstream_connection.ipp>
#endif

#endif
