#ifndef MAD_FLEET_AGENT_HPP
#define MAD_FLEET_AGENT_HPP

#include <mad/fleet/agent_siblings.hpp>
#include <mad/fleet/host_metrics.hpp>
#include <mad/host/client_id.hpp>
#include <mad/host/identity.hpp>
#include <mad/host/sampler.hpp>
#include <mad/net/http/server.hpp>
#include <mad/net/io_pool.hpp>
#include <mad/socketio/client.hpp>

#include <boost/asio/steady_timer.hpp>

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
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

    /// File with the token that nodes ask for; empty: none is sent. It goes into the `auth` of each
    /// CONNECT as `{"token":"…"}`, never into a URL, and is read anew for each. See
    /// `read_token_file`.
    std::string token_file;

    /// Wait before the next attempt after a node has refused this agent: doubled each time up to
    /// the longest, and by chance between the half and the whole. Longer than after a failure: what
    /// was refused is refused again until somebody does something.
    milliseconds refused_delay{30'000}, refused_delay_max{300'000};

    /// Name of this process among the agents of this host while a new release takes over; empty
    /// (default): there are no others. `NAME.agent` in `instance_folder` is where the next one asks
    /// it to be silent: see `agent_siblings`.
    std::string instance_name, instance_folder;

    /// TLS for `https`; see `tls_dialer.hpp`.
    std::shared_ptr<net::cipher_dialer> tls;

    mad::host::sampler_settings host;
    std::string version = MAD_VERSION;

    /// Told on the agent's thread: the first sample with rates is there, whether anybody has it or
    /// not; and how the connection is, in words for people.
    std::function<void()> on_first_sample = [] {};
    std::function<void(std::string_view)> on_status = [](std::string_view) {};

    logger log;
};

/// What is wrong with the settings, for people; empty when nothing is.
std::string judge_agent_settings(agent_settings const&);

/// When the tick after the one planned for `planned` is due: one interval later, or the first
/// moment of that grid after `now` when more than one was missed.
time_point next_tick(time_point planned, time_point now, milliseconds interval);

/// The messages of one agent. Reuses its buffers: a tick allocates nothing once they have grown.
class agent_messages {
  public:
    agent_messages(agent_settings const&, std::string id);

    std::string const& id() const { return id_; }

    /// Takes a sample and gives its message as JSON, valid until the next call. `with_info`: once
    /// for each connection, and when it has changed.
    std::string const& next(bool with_info);

    /// Whether the last message had `info`.
    bool had_info() const { return had_info_; }

    /// `{"id":"..."}`: the clean leave.
    std::string leave() const;

    /// Takes a sample that only starts the rates.
    void baseline() { mad::host::follow(who_, sampler_.take()); }

    /// What the last message was made of.
    mad::host::sample const& last() const { return sampler_.last(); }
    mad::host::identity const& who() const { return who_; }

  private:
    agent_settings const& settings_;
    std::string id_, run_, text_;
    mad::host::identity who_;
    mad::host::sampler sampler_;
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

    /// Serves `GET /metrics` (see `append_host_metrics`) and `GET /health` from the agent's own
    /// thread, for this machine only: pages of browsers are refused. Before `start` or `run`. The
    /// endpoint really bound, or why not.
    result<boost::asio::ip::tcp::endpoint> serve_metrics(boost::asio::ip::tcp::endpoint const&);

    /// Begins, on a thread of its own. As `run`, throws std::system_error when the socket of the
    /// instance cannot be made.
    void start();

    /// Instead of `start`: everything happens on the calling thread, until `leave` is done.
    void run();

    /// Reads the token again, and tries at once when a node had refused it. From any thread. What
    /// is wrong with the file, for people; empty when nothing is: else the token stays as it was.
    std::string reload();

    /// Says that it leaves, then ends; `run` returns. At most `drain` for the goodbye, also when
    /// nobody answers. Nothing is said while another instance speaks for this host, or does again.
    /// From any thread, at once.
    void leave(milliseconds drain);

    /// The same after `start`, and waits for it. Not from its own thread.
    void stop(milliseconds drain = milliseconds(1000));

    /// What it runs on, for other work of a program with one thread.
    net::shard& home() { return pool_[0]; }

    std::string const& id() const { return messages_->id(); }
    bool connected() const { return connected_; }
    /// Messages given to the connection so far.
    std::uint64_t sent() const { return sent_; }

  private:
    void add_handlers();
    void begin();
    void tick();
    void schedule();
    void send(char const* event, bool with_info);
    void on_joined();
    void on_left(socketio::disconnect_reason);
    void on_failure(socketio::connect_failure const&);
    void on_draining(json const& notice);
    void connect_in(milliseconds wait);
    /// Asks those before us to be silent, once we could speak ourselves.
    void take_over();
    void on_silence(bool silent, std::function<void()> done);
    bool speaks() const { return !siblings_ || (took_over_ && !siblings_->silent()); }
    void end(milliseconds drain);
    void await_end(time_point limit);
    json auth();
    std::string metrics() const;
    std::string health() const;

    agent_settings settings_;
    std::unique_ptr<agent_messages> messages_;
    socketio::raw_json message_;
    net::io_pool pool_;
    boost::asio::steady_timer timer_, again_, move_, leaving_;
    std::unique_ptr<net::http::server> http_;
    std::unique_ptr<socketio::client> client_;
    std::unique_ptr<agent_siblings> siblings_; ///< null without `instance_name`
    socketio::backoff refused_, dismissed_;
    std::mutex token_mutex_;
    std::string token_;
    std::string last_failure_; ///< said already
    time_point next_{}, born_{}, joined_at_{};
    std::atomic<bool> connected_{false}, left_{false};
    std::atomic<std::uint64_t> sent_{0};
    agent_numbers numbers_;
    bool greeted_ = false, sampled_ = false, running_ = false, ending_ = false, alone_ = false;
    bool taking_over_ = false, took_over_ = false;
};

} // namespace mad::inline MAD_ABI::fleet

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/fleet/impl/agent.ipp>
#endif

#endif
