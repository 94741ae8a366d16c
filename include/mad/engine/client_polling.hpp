#ifndef MAD_ENGINE_CLIENT_POLLING_HPP
#define MAD_ENGINE_CLIENT_POLLING_HPP

#include <mad/engine/detail/client_endpoint.hpp>
#include <mad/engine/payload.hpp>
#include <mad/engine/transport.hpp>
#include <mad/net/http/client.hpp>
#include <mad/net/outbox.hpp>
#include <mad/net/shard.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mad::inline MAD_ABI::engine {

/// How many of the first packets fit into one polling body of at most `max_bytes` (nothing: any).
/// At least one, as engine.io-client: a packet too big for the server is refused by the server.
/// Binary packets are bytes alone, in either revision.
std::size_t fitting_packets(std::span<net::wire_block const>, std::optional<std::size_t> max_bytes,
                            revision = revision::eio4);

/// The polling wire of a session, client side: one GET at a time brings packets, one POST at a time
/// takes them, each over a connection of its own.
class client_polling final : public transport, public net::turn_work {
  public:
    /// `endpoint` and `limits` outlive it.
    client_polling(net::shard&, detail::client_endpoint const&, net::outbox_limits const& limits,
                   transport_events&);
    ~client_polling() override;

    /// Sends the GET of the handshake; the open packet comes as the first one.
    void start(milliseconds timeout);

    /// From now on requests are of this session; each must be answered within `patience`.
    void set_session(std::string_view sid, std::optional<std::size_t> max_payload,
                     milliseconds patience);

    /// For an upgrade: sends no more requests, and calls `held` when those under way have ended.
    void hold(std::function<void()> held);
    /// Goes on after all.
    void release();
    std::vector<net::wire_block> take_queue();

    /// What failed, when something did.
    error_code why() const { return why_; }

    /// Called once everything has been said after an orderly `close`.
    void on_done(std::function<void()> fn) { done_ = std::move(fn); }
    bool done() const { return !open_ && !leaving_; }

    transport_kind kind() const override { return transport_kind::polling; }
    bool send(net::wire_block packet) override;
    bool writable() const override;
    std::size_t queued_bytes() const override { return queued_bytes_; }
    std::uint32_t progress() const override { return progress_; }
    void pause() override { ++paused_; }
    void resume() override;
    void close(close_manner) override;

  private:
    struct inbox { // a body that is being handed out
        inbox(revision rev, std::string b, bool binary)
            : body(std::move(b))
            , reader(rev, body, binary) {}
        std::string body;
        payload_reader reader;
    };

    void on_turn_end() override;
    void get();
    void got(result<net::http::client_response>);
    void hand_out();
    void post();
    void posted(result<net::http::client_response>);
    void leave();
    void check_held();
    void fail(error_code);
    void finish();
    net::http::client_request request(std::string method) const;

    net::shard& shard_;
    detail::client_endpoint const& endpoint_;
    net::outbox_limits const& limits_;
    transport_events* events_;
    std::unique_ptr<net::http::client> getter_, poster_;
    std::unique_ptr<inbox> inbox_;
    std::vector<net::wire_block> queue_;
    std::size_t queued_bytes_ = 0;
    std::string sid_;
    std::optional<std::size_t> max_payload_;
    milliseconds patience_{0};
    std::function<void()> held_, done_;
    error_code why_;
    std::uint32_t progress_ = 0;
    std::uint8_t paused_ = 0;
    bool open_ = true, holding_ = false, leaving_ = false, said_ = false, handing_out_ = false;
};

} // namespace mad::inline MAD_ABI::engine

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/engine/impl/client_polling.ipp>
#endif

#endif
