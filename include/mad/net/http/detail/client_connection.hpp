#ifndef MAD_NET_HTTP_DETAIL_CLIENT_CONNECTION_HPP
#define MAD_NET_HTTP_DETAIL_CLIENT_CONNECTION_HPP

#include <mad/net/http/chunked.hpp>
#include <mad/net/http/client.hpp>
#include <mad/net/outbox.hpp>

namespace mad::inline MAD_ABI::net::http::detail {

/// One connection of a `client` and the exchange that is under way on it.
class client_connection final : public poll_target, public turn_work {
  public:
    client_connection(client& owner, stream s);
    ~client_connection() override;

    error_code start();
    void transmit(client_request const&);

    /// Open, between two requests, and the peer has said nothing since.
    bool reusable() const { return stream_.is_open() && phase_ == phase::idle; }

    stream take_stream(std::string& rest);
    void shut();

  private:
    enum class phase : std::uint8_t { idle, head, body, switched, over };

    void on_ready(std::uint32_t events) override;
    void on_fault() override { finish(error_code(client_error::ended)); }
    void on_turn_end() override;

    void read();
    void write();
    void feed(std::string_view in);
    bool read_head();
    void feed_body(std::string_view in);
    void complete(std::string_view rest);
    void ended(io_status);
    void finish(result<client_response>);

    shard& shard_;
    client& owner_; // may be gone once this is shut
    stream stream_;
    outbox out_;
    std::string in_; // head so far; after a switch what came behind it
    client_response answer_;
    response_body body_ = response_body::none;
    std::uint64_t left_ = 0;
    chunk_decoder chunks_;
    phase phase_ = phase::idle;
    bool keep_alive_ = false, upgrade_ = false, begun_ = false;
    bool blocked_ = false, broken_ = false;
};

} // namespace mad::inline MAD_ABI::net::http::detail

#endif
