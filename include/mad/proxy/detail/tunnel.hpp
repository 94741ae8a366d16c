#ifndef MAD_PROXY_DETAIL_TUNNEL_HPP
#define MAD_PROXY_DETAIL_TUNNEL_HPP

#include <mad/net/deadline.hpp>
#include <mad/proxy/detail/end.hpp>
#include <mad/proxy/passed.hpp>

#include <boost/asio/ip/address.hpp>

#include <cstdint>
#include <memory>
#include <string_view>

namespace mad::inline MAD_ABI::proxy::detail {

class lane;

/// A websocket through the proxy: two ends, and bytes that go from one to the other as they come.
/// Idle, it holds no buffer, and its deadline is not touched by messages. Owned by its lane.
class tunnel final : public end_owner {
  public:
    tunnel(lane&, std::unique_ptr<end> client, std::unique_ptr<end> upstream,
           boost::asio::ip::address counted, frame_scan frames, bool session);
    ~tunnel() override;

    /// Begins, with what has come already: from the upstream behind its 101 (or nothing), and from
    /// the client behind its request.
    void start(std::string_view head, std::string_view from_upstream, std::string_view from_client);

    /// Begins where another process has left off.
    void adopted();

    void close();

    /// Tells the client to come again (close 1012) as soon as a frame has ended, and gives it
    /// `half_closed` to go. What it still says reaches the upstream.
    void shed();

    /// The upstream is dead: ends at once, with close 1012 where that is possible.
    void cut();

    bool shedding() const { return shed_ != stage::open; }
    bool of_web() const;

    /// Whether it can be carried on by another process; then its values, and it is over here.
    bool passable() const;
    passed_tunnel pass();

    std::uint32_t slot = 0; ///< in the lane

  private:
    enum class stage : std::uint8_t { open, asked, told };

    void on_end(end&, std::uint32_t events) override;
    void on_end_fault(end&) override { close(); }
    void pump(end& from, end& to);
    bool carry(end& to, std::string_view);
    bool carry_unseen(end& from, end& to);
    void count(bool to_client, std::size_t bytes);
    void ended(end& from, end& to);
    void say_goodbye();
    void watch();
    void on_deadline();
    void let_go();

    lane& lane_;
    std::unique_ptr<end> client_, upstream_;
    net::deadline deadline_;
    frame_scan frames_;                // of the upstream's direction
    boost::asio::ip::address counted_; // in the limits of addresses; unspecified: not
    std::uint32_t active_ms_ = 0;
    stage shed_ = stage::open;
    bool client_ended_ = false, upstream_ended_ = false, closed_ = false;
    bool const secure_;  // at an end: stays in this process
    bool const session_; // of a client; else a websocket of the interface
};

} // namespace mad::inline MAD_ABI::proxy::detail

#endif
