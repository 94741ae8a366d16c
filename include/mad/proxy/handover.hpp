#ifndef MAD_PROXY_HANDOVER_HPP
#define MAD_PROXY_HANDOVER_HPP

#include <mad/core/error.hpp>
#include <mad/core/log.hpp>
#include <mad/net/unix_socket.hpp>
#include <mad/proxy/handover_message.hpp>
#include <mad/proxy/server.hpp>

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace mad::inline MAD_ABI::proxy {

namespace detail {
class handover_link;
class handover_wire;
} // namespace detail

struct handover_settings {
    /// Path of the unix socket (mode 0600) at which this process waits for the next.
    std::string path;

    /// Listening sockets beside those of the server, by their use. Descriptors stay the caller's.
    std::function<std::vector<int>(handover::listener_use)> listeners;

    /// Whether an upstream was brought by hand (the admin interface), so that no list names it.
    /// Default: none was.
    std::function<bool(std::string const& name)> by_hand;

    /// The next process serves; this one is to end when it is empty. On a thread of its own.
    std::function<void()> given;

    /// Most time for one step of the other. Over it the hand-over has failed, and this process
    /// serves on.
    milliseconds patience{10'000};

    logger log;
};

/// The old process' side: waits for the next one, tells it all that it knows, then gives it its
/// listening sockets, and each plain connection and tunnel as soon as nothing of it is under way.
/// Until the next one has said that it is ready to serve, nothing changes here; who fails before is
/// forgotten.
class handover_offer {
  public:
    /// The server outlives it.
    handover_offer(server&, handover_settings);
    /// Ends its thread. What could not be given is closed.
    ~handover_offer();
    handover_offer(handover_offer const&) = delete;
    handover_offer& operator=(handover_offer const&) = delete;

    /// Listens and starts a thread. `address_in_use`: another process offers there; with `replace`
    /// (after a hand-over) the name is taken from it.
    error_code start(net::unix_taken = net::unix_taken::refuse);

    /// Whether the next process serves.
    bool given() const { return given_; }

  private:
    void wait();
    bool give(int fd);
    bool tell_state(detail::handover_wire&);

    server& server_;
    handover_settings settings_;
    int listening_ = -1, wake_ = -1;
    net::unix_socket_file file_;
    std::thread thread_;
    std::atomic<bool> given_{false};
    std::shared_ptr<detail::handover_link> link_;
};

/// Why nothing was taken over.
struct handover_failure {
    error_code code; ///< `connection_refused`, `no_such_file_or_directory`: nobody is there
    std::string message;

    /// Whether that only means that there is no process to take over from.
    bool nobody() const;
};

template <class T>
using handover_result = boost::system::result<T, handover_failure>;

[[noreturn]] void throw_exception_from_error(handover_failure const&,
                                             boost::source_location const&);

/// The new process' side: what the old one has told. Then, in this order: make a server with its
/// secret, `restore`, run its shards, `commit`, adopt the listeners.
class inheritance {
  public:
    /// Asks the process at that path. Blocks, at most `patience` a step.
    static handover_result<std::unique_ptr<inheritance>>
    claim(std::string const& path, logger, milliseconds patience = milliseconds(10'000));

    /// Closes what was not taken.
    ~inheritance();
    inheritance(inheritance const&) = delete;
    inheritance& operator=(inheritance const&) = delete;

    std::string const& cookie_secret() const { return secret_; }
    std::vector<handover::known_upstream> const& upstreams() const { return upstreams_; }

    /// The listening sockets of that use; they are the caller's from here on.
    std::vector<int> take_listeners(handover::listener_use);

    /// Puts states of upstreams and sessions into the server. Those that it has no upstream for are
    /// left out.
    void restore(server&);

    /// From here on the other one accepts nothing more, and what it lets go comes into that server,
    /// which outlives this object. First all of its shards, which must run, get to know what was
    /// restored. A failure: the other one goes on as if nothing had been.
    handover_result<void> commit(server&, std::vector<net::shard*> const& shards);

    /// Whether the old process has nothing left to give.
    bool done() const;

  private:
    static handover_result<std::unique_ptr<inheritance>>
    claim(std::string const& path, logger, milliseconds patience, std::uint16_t version);

    inheritance(std::unique_ptr<detail::handover_wire>, logger, milliseconds patience);

    std::unique_ptr<detail::handover_wire> wire_;
    logger log_;
    milliseconds patience_;
    std::string secret_;
    std::vector<handover::known_upstream> upstreams_;
    std::vector<handover::known_sessions> sessions_;
    std::map<handover::listener_use, std::vector<int>> listeners_;
    std::shared_ptr<detail::handover_link> link_;
};

} // namespace mad::inline MAD_ABI::proxy

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/proxy/impl/handover.ipp>
#endif

#endif
