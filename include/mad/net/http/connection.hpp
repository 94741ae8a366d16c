#ifndef MAD_NET_HTTP_CONNECTION_HPP
#define MAD_NET_HTTP_CONNECTION_HPP

#include <mad/net/http/chunked.hpp>
#include <mad/net/http/diverter.hpp>
#include <mad/net/http/exchange.hpp>
#include <mad/net/http/head.hpp>
#include <mad/net/http/router.hpp>
#include <mad/net/outbox.hpp>
#include <mad/net/shard.hpp>

#include <memory>
#include <optional>
#include <string>

namespace mad::inline MAD_ABI::net::http {

class connection;

/// Who owns the connections of one shard.
class connection_owner {
  public:
    /// The connection is over (or its stream has been taken): destroy it when the turn ends.
    virtual void release(connection&) = 0;
    /// A request could not be read, or took too long; this is the status of its answer.
    virtual void refused(int status) = 0;
    virtual limits const& http_limits() const = 0;
    virtual router const& routes() const = 0;
    /// Null: this process alone serves the address.
    virtual diverter* elsewhere() const { return nullptr; }

  protected:
    virtual ~connection_owner() = default;
};

/// One HTTP/1.1 connection of a server: reads heads and bodies, hands requests to routes, writes
/// answers in order. One request at a time; pipelined ones wait in the buffer.
class connection final : public poll_target, public turn_work, public exchange_owner {
  public:
    connection(shard&, connection_owner&, stream, boost::asio::ip::address peer);
    ~connection() override;

    /// Begins to read. False: the descriptor cannot be watched; the caller destroys it.
    bool start();

    /// Ends it now, without a word.
    void close();

    /// Ends it after the answer that is under way; at once when idle.
    void drain();

    std::size_t slot = 0; ///< position in the owner's table

  private:
    enum class phase : std::uint8_t { head, body, answer, lingering, closed };

    /// A request whose body is still on its way; the head is kept because views point into it.
    struct partial {
        std::string head_text;
        head h;
        std::string body;
        std::size_t max_body = 0;
        std::optional<chunk_decoder> chunks;
        bool slow_checked = false;
    };

    void on_ready(std::uint32_t events) override;
    void on_fault() override { close(); }
    void on_turn_end() override;
    void respond(response&&) override;
    stream take_stream(std::string& rest) override;
    void abandon() override { close(); }

    /// The request that comes is not to be read now: another process has the connection, or what
    /// is there does not tell yet whose it is.
    bool diverted();
    /// Reads nothing before more than so many bytes are there.
    void look_after(std::size_t bytes);
    void read();
    void consume(std::string_view in);
    /// Takes requests off the front while it can; keeps the rest.
    void process(std::string_view in);
    bool take_head(std::string_view& in);
    bool take_body(std::string_view& in);
    void begin(std::string_view& in, std::size_t head_bytes);
    void wait_for_body(std::string_view head_text, std::size_t max_body, exchange);
    void deliver(request&, exchange);
    void refuse(int status);
    void send(response const&, bool close);
    void write();
    void linger();
    void peer_ended();
    bool idle() const { return phase_ == phase::head && in_.empty() && out_.empty(); }
    /// False while answers pile up: then no further request is begun.
    bool may_begin() const;
    bool wants_input() const;
    void interest();
    void on_deadline();

    shard& shard_;
    connection_owner& owner_;
    stream stream_;
    outbox out_;
    std::string in_; // bytes that wait: an incomplete head, or pipelined requests
    std::string_view* unread_ = nullptr; // while `process` runs: what it has not taken yet
    std::unique_ptr<partial> partial_;
    exchange uploading_; // while a body arrives
    deadline deadline_;
    boost::asio::ip::address peer_;
    std::size_t in_flight_ = 0; // when the deadline of a write was set
    std::uint32_t interest_ = 0, lingered_ = 0, served_ = 0;
    std::uint32_t looked_at_ = 0; // bytes of a request that are left unread until there are more
    phase phase_ = phase::head;
    bool keep_alive_ = true, head_request_ = false, close_after_write_ = false;
    bool body_missing_ = false; // an answer given now ends the connection
    bool head_begun_ = false;   // the deadline is that of a head that is partly there
    bool peer_ended_ = false;   // its direction is closed; what we owe still goes out
    bool draining_ = false, blocked_ = false;
};

} // namespace mad::inline MAD_ABI::net::http

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/net/http/impl/connection.ipp>
#endif

#endif
