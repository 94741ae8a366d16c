#ifndef MAD_ENGINE_SIBLINGS_HPP
#define MAD_ENGINE_SIBLINGS_HPP

#include <mad/core/clock.hpp>
#include <mad/core/duration.hpp>
#include <mad/core/error.hpp>
#include <mad/core/log.hpp>
#include <mad/net/http/diverter.hpp>
#include <mad/net/unix_socket.hpp>

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>

namespace mad::inline MAD_ABI::engine {

struct siblings_settings {
    /// A folder that all instances of a server on this machine share, and nobody else may enter.
    std::string folder;
    /// Of this instance: its ids of sessions carry it.
    std::uint16_t tag = 0;
    /// How long the others may take to hear of this instance.
    milliseconds patience{1'000};
    /// How long a shard waits for one that is too busy to take a connection; then that one is given
    /// none for ten times as long.
    milliseconds hold{100};
    logger log;
};

/// Instances of one server on one machine that share a listening socket, as while a new release
/// takes over from the one before it. A polling session is in one of them, and its next request may
/// come to the other: that passes the connection on, unread (SCM_RIGHTS), by the tag in the id of
/// the session. While one drains, requests without a session go to the other, too.
///
/// Only plain connections: what has been encrypted to one process no other can read.
class siblings final : public net::http::diverter {
  public:
    explicit siblings(siblings_settings);
    ~siblings() override;
    siblings(siblings const&) = delete;
    siblings& operator=(siblings const&) = delete;

    /// Listens in the folder, and tells those that are there of this instance; when it returns they
    /// know. `take` gets connections that are for this one, from a thread of its own. To be called
    /// before the shared socket is served.
    error_code start(std::function<void(int fd, boost::asio::ip::address const& peer)> take);

    /// From now on requests without a session go to a sibling that does not drain.
    void drain();

    /// Takes no more connections. Called before what `take` uses ends.
    void stop();

    bool wanted() const noexcept override { return wanted_.load(std::memory_order_relaxed); }
    net::http::diversion divert(int fd, std::string_view start,
                                boost::asio::ip::address const& peer) override;

  private:
    /// A way to one sibling.
    struct way {
        int fd = -1;
        bool draining = false;
        time_point busy_until{};
    };

    std::string path_of(std::uint16_t tag) const;
    bool send(std::uint16_t tag, int fd, boost::asio::ip::address const& peer);
    bool tell(std::uint16_t tag, bool reply);
    void greet_all();
    void serve();
    /// False: the sibling has gone.
    bool serve_one(int fd);
    /// Ways whose other end has gone.
    void sweep();

    siblings_settings settings_;
    std::function<void(int, boost::asio::ip::address const&)> take_;
    net::unix_socket_file file_;
    int listener_ = -1, wake_ = -1;
    std::thread thread_;
    std::mutex guard_; // of `ways_`
    std::map<std::uint16_t, way> ways_;
    std::atomic<bool> wanted_{false}, draining_{false};
};

} // namespace mad::inline MAD_ABI::engine

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/engine/impl/siblings.ipp>
#endif

#endif
