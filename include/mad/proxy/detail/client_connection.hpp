#ifndef MAD_PROXY_DETAIL_CLIENT_CONNECTION_HPP
#define MAD_PROXY_DETAIL_CLIENT_CONNECTION_HPP

#include <mad/net/deadline.hpp>
#include <mad/net/http/head.hpp>
#include <mad/proxy/detail/end.hpp>
#include <mad/proxy/detail/passage.hpp>
#include <mad/proxy/error.hpp>
#include <mad/proxy/passed.hpp>

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <sys/uio.h>

namespace mad::inline MAD_ABI::proxy::detail {

class framed_piece;
class lane;
class part;

/// One HTTP/1.1 connection of a client. Reads heads, has them judged, finds the upstream, and
/// carries bodies and answers between the two, one request after the other; a websocket handshake
/// that succeeds makes a tunnel of it. Owned by its part.
class client_connection final : public end_owner, public net::turn_work {
  public:
    client_connection(part&, net::stream, boost::asio::ip::address peer);
    ~client_connection() override;

    /// Begins to read: a PROXY header first, or at once a head. False: it cannot be watched.
    bool start(bool proxy_header);
    /// The same for a connection that another process has begun.
    bool start(passed_client const&);

    /// Ends it now, and the work of an upstream for it.
    void close();

    /// Ends it after the answer that is under way; at once when idle.
    void drain();

    /// A poll that waits for its answer, of a known session.
    bool waits_in_poll() const;
    /// Answers such a poll with the end of its session.
    void shed_poll();

    /// Whether it can be carried on by another process; then its values, and it is over here.
    bool passable() const;
    passed_client pass();

    // Of the upstream's connection that works for it.
    void on_connected();
    void on_connect_failed(lane&);
    void on_upstream_input();
    void on_upstream_drained();
    void on_upstream_lost();
    /// It takes no more of the request; it may have said why.
    void on_upstream_deaf();
    /// The upstream is known to be dead.
    void on_upstream_cut();

    /// Where the client is, and where it has connected to: for a PROXY header.
    std::pair<boost::asio::ip::tcp::endpoint, boost::asio::ip::tcp::endpoint> endpoints() const;

    std::uint32_t slot = 0; ///< in the part

  private:
    enum class phase : std::uint8_t {
        introduction,
        turned_away, ///< by the limits of addresses; the answer waits for TLS
        head,
        relaying,
        lingering,
        closed,
    };

    void on_end(end&, std::uint32_t events) override;
    void on_end_fault(end&) override { close(); }
    void on_turn_end() override;

    // Input.
    void read();
    void drained();
    void peer_ended();
    bool wants_input() const;
    void interest();
    bool idle() const;
    /// The answer that is given now is the last one of this connection.
    bool ends_here() const;
    void consume(std::string_view in);
    void process(std::string_view in);
    bool take_introduction(std::string_view& in);
    bool count_address();
    void turn_away();
    bool take_head(std::string_view& in);
    void begin(std::string_view& in, std::size_t head_bytes);

    // The request on its way.
    void route(net::http::head const&, verdict const&, std::string_view& in);
    reject find_upstream(std::string_view sid, std::string_view cookie,
                         std::shared_ptr<target const>&);
    bool frame_body(std::string_view& in, framed_piece& out);
    bool take_body(std::string_view& in);
    void send_request(std::shared_ptr<target const> const&, std::span<iovec const>);
    void not_connected(lane&);
    void repeat(std::shared_ptr<target const> const&);
    void drop_upstream();

    // Answers.
    void take_answer(std::string_view in, bool ended);
    bool take_answer_head(std::string_view& in, std::string& text, std::string& kept);
    void count_first_byte();
    void sniff(std::string_view data, bool over);
    void become_tunnel(std::string_view head, std::string_view rest);
    void finish(bool keep_upstream);
    void answer_failed(reject);
    void refuse(reject, bool close_it);
    void answer(std::string_view text, bool close_it);
    void answer_health(net::http::head const&);
    void after_answer();
    void linger();

    // Time.
    void await_body_or_answer();
    void await_answer();
    void on_deadline();
    void on_body_deadline();

    part& part_;
    std::unique_ptr<end> end_;
    std::unique_ptr<passage> passage_;
    std::string in_; // bytes that wait: an incomplete head, or pipelined requests
    net::deadline deadline_;
    boost::asio::ip::address peer_, counted_;
    std::size_t in_flight_ = 0; // when the deadline of a write was set
    std::uint32_t served_ = 0, lingered_ = 0;
    phase phase_ = phase::head;
    bool secure_ = false; // its connection, or its PROXY header says so
    bool head_begun_ = false;
    bool head_request_ = false;
    bool processing_ = false; // what was read is not yet all in `in_`
    bool read_again_ = false; // plaintext may have come that the descriptor does not announce
    bool close_after_ = false, draining_ = false, was_blocked_ = false;
    bool peer_ended_ = false; // its direction; it may still read
};

} // namespace mad::inline MAD_ABI::proxy::detail

#endif
