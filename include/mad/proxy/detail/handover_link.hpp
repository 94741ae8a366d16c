#ifndef MAD_PROXY_DETAIL_HANDOVER_LINK_HPP
#define MAD_PROXY_DETAIL_HANDOVER_LINK_HPP

#include <mad/core/error.hpp>
#include <mad/core/log.hpp>
#include <mad/proxy/handover_message.hpp>
#include <mad/proxy/passed.hpp>
#include <mad/proxy/server.hpp>
#include <mad/proxy/sid_table.hpp>

#include <atomic>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace mad::inline MAD_ABI::proxy::detail {

/// One message and the descriptors beside it, which it owns.
struct handed {
    handover::message what;
    std::vector<int> fds;

    handed(handover::message m, std::vector<int> f)
        : what(std::move(m))
        , fds(std::move(f)) {}
    handed(handed&&) noexcept = default;
    handed& operator=(handed&&) = delete;
    ~handed();

    /// The descriptors, which are the caller's from here on.
    std::vector<int> take() { return std::exchange(fds, {}); }
};

/// A connection between two processes. Calls block, at most so long; for one thread.
class handover_wire {
  public:
    /// Owns the socket.
    explicit handover_wire(int fd)
        : fd_(fd) {}
    handover_wire(handover_wire const&) = delete;
    handover_wire& operator=(handover_wire const&) = delete;
    ~handover_wire();

    error_code send(handover::message const&, std::span<int const> fds, milliseconds patience);

    /// `end_of_file`: the other has gone; `bad_message`: it says what it cannot.
    result<handed> receive(milliseconds patience);

    /// Whether the process at the other end is the same user's, or root's.
    bool same_user() const;

    int fd() const { return fd_; }

  private:
    error_code await(short events, time_point until) const;

    int fd_;
    bool reset_ = false; ///< the system has said that the other has gone
};

/// What two processes have to say to each other once the new one serves: sessions that either
/// learns, and connections that the old one lets go. Its thread writes what was queued, in order.
class handover_link final : public heir, public sid_observer {
  public:
    /// Learns from now on; says it when started. `version`: what the other understands.
    handover_link(server&, logger, std::uint16_t version = handover::version);
    ~handover_link() override;

    void start(std::unique_ptr<handover_wire>);

    /// Says that nothing more will come (the old process) when all has been said, then ends.
    void finish(bool say_so);

    /// The other has said that nothing more will come, or has gone.
    bool over() const { return over_; }

    void take(passed_client) override;
    void take(passed_tunnel) override;
    bool takes_web() const override { return version_ >= 2; }
    void learnt(std::string_view sid, std::uint32_t target, bool polling) override;

  private:
    struct fresh {
        std::string sid;
        std::uint32_t target;
        bool polling;
    };

    void put(handover::message, std::vector<int> fds);
    void wake() const;
    void run();
    bool say_all();
    bool hear();
    void break_off();

    server& server_;
    logger log_;
    std::uint16_t version_;
    std::unique_ptr<handover_wire> wire_;
    int wake_ = -1;
    std::thread thread_;
    std::mutex mutex_; ///< for the queues
    std::vector<fresh> sessions_;
    std::vector<handed> queue_;
    std::atomic<bool> over_{false}, broken_{false}, finish_{false}, say_end_{false};
};

/// Puts sessions of another process into the server's table.
void restore_sessions(server&, handover::known_sessions const&);

} // namespace mad::inline MAD_ABI::proxy::detail

#endif
