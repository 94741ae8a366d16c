#ifndef MAD_REDIS_DETAIL_WIRE_HPP
#define MAD_REDIS_DETAIL_WIRE_HPP

#include <mad/net/dialer.hpp>
#include <mad/net/shard.hpp>
#include <mad/net/stream.hpp>
#include <mad/redis/config.hpp>
#include <mad/redis/decoder.hpp>
#include <mad/redis/detail/handshake.hpp>
#include <mad/redis/settings.hpp>

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace mad::inline MAD_ABI::redis::detail {

/// One connection to one server, from the dial to its end: bytes of commands out, once a turn, and
/// replies in. It knows nothing of what they are for, and comes back never. Lives on one shard,
/// ends by way of `shard::reap`.
class wire final : public net::poll_target, public net::turn_work {
  public:
    class events {
      public:
        /// Connected and known to the server: from here on everything may be sent.
        virtual void on_up(server_info const&) = 0;
        /// One reply; may be moved from.
        virtual void on_reply(reply&) = 0;
        /// Once, when it has ended by itself. `was_up`: something may have been under way.
        virtual void on_down(error_code why, std::string const& text, bool was_up) = 0;
        /// Something was read.
        virtual void on_heard() {}

      protected:
        ~events() = default;
    };

    wire(net::shard&, settings const&, events&);
    wire(wire const&) = delete;
    ~wire() override;

    /// Once. No event comes from inside.
    void open(endpoint, bool tls, session_wish);

    /// Leaves at the end of the turn. Only while it is up.
    void send(std::string_view bytes) {
        out_.append(bytes);
        shard_.mark(*this);
    }

    bool up() const { return up_; }

    /// Ends it; no event comes any more.
    void close();

  private:
    void on_ready(std::uint32_t events) override;
    void on_fault() override;
    void on_turn_end() override;

    void begin(net::stream);
    void read();
    void write();
    void consume(std::span<char const>);
    void hear(reply&);
    void interest(std::uint32_t);
    void end(error_code why, std::string text);

    net::shard& shard_;
    settings const& settings_;
    events* events_;
    std::unique_ptr<net::dialer> dialer_;
    std::optional<handshake> handshake_;
    net::stream stream_;
    decoder decoder_;
    std::string out_;
    std::size_t written_ = 0; // of out_
    std::uint32_t interest_ = 0;
    net::deadline limit_; // of everything before it is up
    std::shared_ptr<int> alive_ = std::make_shared<int>(0);
    bool watched_ = false, up_ = false;
};

/// A connected unix socket, or why not: `resource_unavailable_try_again` when the server's queue is
/// full. Connecting one never waits.
result<net::stream> connect_unix(std::string const& path);

/// The kernel asks an idle peer after `idle`, then every third of it, three times.
void keep_alive(int fd, seconds idle);

} // namespace mad::inline MAD_ABI::redis::detail

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/redis/impl/wire.ipp>
#endif

#endif
