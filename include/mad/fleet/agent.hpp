#ifndef MAD_FLEET_AGENT_HPP
#define MAD_FLEET_AGENT_HPP

#include <mad/host/client_id.hpp>
#include <mad/host/identity.hpp>
#include <mad/host/sampler.hpp>
#include <mad/net/io_pool.hpp>
#include <mad/socketio/client.hpp>

#include <atomic>
#include <memory>
#include <string>
#include <vector>

namespace mad::inline MAD_ABI::fleet {

struct agent_settings {
    /// The API node or the proxy in front: `http(s)://host[:port]`.
    std::string api_url;
    /// Engine path there.
    std::string path = "/socket.io/";
    /// Empty: see `host::find_client_id`.
    std::string id;
    /// Where an id that had to be drawn by lot is kept; empty: it is not.
    std::string state_file;

    /// Time between samples, 1 s to 60 s.
    milliseconds interval{2500};
    /// `key:value`, at most 20 of at most 64 bytes.
    std::vector<std::string> tags;
    std::string region;

    bool polling = true, websocket = true;
    /// TLS for `https`; see `tls_dialer.hpp`.
    std::shared_ptr<net::cipher_dialer> tls;

    host::sampler_settings host;
    std::string version = MAD_VERSION;
    logger log;
};

/// What is wrong with the settings, for people; empty when nothing is.
std::string judge_agent_settings(agent_settings const&);

/// The messages of one agent. Reuses its buffers: a tick allocates nothing once they have grown.
class agent_messages {
  public:
    agent_messages(agent_settings const&, std::string id);

    std::string const& id() const { return id_; }

    /// Takes a sample and gives its message as JSON, valid until the next call. `with_info`: once for
    /// each connection, and when it has changed.
    std::string const& next(bool with_info);

    /// Whether the last message had `info`.
    bool had_info() const { return had_info_; }

    /// `{"id":"..."}`: the clean leave.
    std::string leave() const;

    /// Takes a sample that only starts the rates.
    void baseline() { host::follow(who_, sampler_.take()); }

  private:
    agent_settings const& settings_;
    std::string id_, run_, text_;
    host::identity who_;
    host::sampler sampler_;
    std::uint64_t seq_ = 0;
    bool had_info_ = false;
};

/// One sample of this host as a JSON object, as `mad-agent --once` prints it: the message of an
/// agent with its info. Takes about 300 ms, since rates need two readings.
std::string sample_once(agent_settings const&);

/// Samples this host and pushes it to an API node, for as long as it lives: connects by itself,
/// again and again, and sends its newest sample only.
class agent {
  public:
    /// Throws std::invalid_argument when `judge_agent_settings` finds something.
    explicit agent(agent_settings);
    ~agent();
    agent(agent const&) = delete;
    agent& operator=(agent const&) = delete;

    void start();

    /// Says that it leaves, then ends. At most `drain` for the goodbye.
    void stop(milliseconds drain = milliseconds(1000));

    std::string const& id() const { return messages_->id(); }
    bool connected() const { return connected_; }
    /// Samples sent so far.
    std::uint64_t sent() const { return sent_; }

  private:
    void tick();
    void schedule();
    void send(char const* event, bool with_info);

    agent_settings settings_;
    std::unique_ptr<agent_messages> messages_;
    socketio::raw_json message_;
    net::io_pool pool_;
    boost::asio::steady_timer timer_;
    std::unique_ptr<socketio::client> client_;
    time_point next_{};
    std::atomic<bool> connected_{false}, left_{false};
    std::atomic<std::uint64_t> sent_{0};
    bool greeted_ = false, sampled_ = false, running_ = false;
};

} // namespace mad::inline MAD_ABI::fleet

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/fleet/impl/agent.ipp>
#endif

#endif
