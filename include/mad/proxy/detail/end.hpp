#ifndef MAD_PROXY_DETAIL_END_HPP
#define MAD_PROXY_DETAIL_END_HPP

#include <mad/net/shard.hpp>
#include <mad/net/stream.hpp>
#include <mad/proxy/detail/leftover.hpp>

#include <cstdint>
#include <span>

namespace mad::inline MAD_ABI::proxy::detail {

class end;

/// Whom an end works for just now.
class end_owner {
  public:
    /// `events` as epoll gives them; never again once the owner has let the end go.
    virtual void on_end(end&, std::uint32_t events) = 0;
    /// Something threw while this end was served.
    virtual void on_end_fault(end&) = 0;

  protected:
    virtual ~end_owner() = default;
};

/// One end of what is relayed, a client's or an upstream's: the stream, how it is watched, and what
/// it has not taken yet. It is watched from its first to its last day by the same registration,
/// whoever it belongs to: an idle connection that is given work, or one that becomes half of a
/// tunnel, costs no system call for it.
///
/// While a plain stream is read and owes nothing, it is watched edge-triggered: the kernel then
/// looks at it once a message, not once more to find that nothing is left. What a reader leaves
/// behind is announced again all the same. Everything else, and TLS (which reads less at a time
/// than there may be), is level-triggered.
class end final : public net::poll_target {
  public:
    end(net::shard& s, net::stream st, end_owner* o)
        : stream(std::move(st))
        , owner(o)
        , shard_(s) {}
    /// With the server, while the shards rest; else `close` it, and let the shard destroy it.
    ~end() override;

    /// Begins to watch for input. False: the descriptor cannot be watched.
    bool watch();

    /// Its descriptor came from another process, which may have it open for a moment yet: to close
    /// it here does not end the watch then, and events would be told to an end that is gone.
    void came_from_elsewhere() { shared_ = true; }

    /// What is watched from here on: input, or while nothing is read only the peer's going (unless
    /// not even that is to be noticed), and room for output as long as something waits for it.
    void want_input(bool yes, bool notice = true);

    /// While a connect is under way, room for output means that it is over.
    void await_connect();

    /// As `net::stream::read`. A plain stream is read by nothing else while it is watched.
    net::io_outcome read(std::span<char> into, std::span<char> scratch);

    /// Sends, and keeps what the peer does not take now. False: broken.
    bool send(std::span<iovec const> parts);
    bool send(std::string_view text);

    /// Past the cipher, all or nothing: what comes before TLS begins.
    bool send_plain(std::string_view text);

    /// Keeps what follows the first `sent` bytes, for the next `flush`.
    void keep(std::span<iovec const> parts, std::size_t sent) { rest_.keep(parts, sent); }

    /// Drops what was kept: the peer takes nothing any more.
    void forget() { rest_.clear(); }

    /// Sends what was kept. False: broken.
    bool flush();

    /// True while something waits that the peer has not taken: then nothing should be read for it.
    bool blocked() const { return !rest_.empty() || stream.owes(); }
    std::size_t waiting_bytes() const { return rest_.size() + stream.owed_bytes(); }

    /// Closes the descriptor, or (`take`) gives the stream away, unwatched. Nothing is heard of it
    /// afterwards.
    void close();
    net::stream take();

    bool reads() const { return reads_; }

    net::stream stream;
    end_owner* owner;

  private:
    void on_ready(std::uint32_t events) override;
    void on_fault() override {
        if (owner)
            owner->on_end_fault(*this);
    }

    std::uint32_t input_events() const;
    void announce_again();

    net::shard& shard_;
    leftover rest_;
    std::uint32_t events_ = 0;
    bool watched_ : 1 = false, reads_ : 1 = true, shared_ : 1 = false;
    bool unread_ : 1 = false;  // announced, and not yet read to where nothing is left
    bool ending_ : 1 = false;  // the peer's end was announced: reading is not over before that
    bool serving_ : 1 = false; // in `on_ready`
};

} // namespace mad::inline MAD_ABI::proxy::detail

#endif
