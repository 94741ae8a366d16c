#ifndef MAD_ENGINE_POLLING_HPP
#define MAD_ENGINE_POLLING_HPP

#include <mad/engine/payload.hpp>
#include <mad/engine/revision.hpp>
#include <mad/engine/transport.hpp>
#include <mad/net/http/coding.hpp>
#include <mad/net/http/exchange.hpp>
#include <mad/net/outbox.hpp>
#include <mad/net/shard.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace mad::inline MAD_ABI::engine {

/// How the polling requests of one session are written.
struct polling_dialect {
    revision rev = revision::eio4;

    /// The peer takes no bytes. (Revision 4 never sends any in a polling body.)
    bool b64 = false;

    /// JSONP: the index of the callback (digits). Answers are scripts, POSTs are forms.
    std::optional<std::string> jsonp;
};

/// An encoded body of a polling answer, and its type.
struct polling_body {
    enum class kind : std::uint8_t { text, binary, script };

    std::string bytes;
    kind type = kind::text;
};

/// The polling wire of a session, server side: GETs carry packets to the peer, POSTs from it. At
/// most one of each at a time.
class polling final : public transport, public net::turn_work {
  public:
    /// `limits` outlives it. While more than `pause_above_bytes` waits for the peer, no further
    /// packets of a POST are handed out.
    polling(net::shard&, polling_dialect, net::outbox_limits const& limits,
            std::size_t pause_above_bytes, transport_events&);
    ~polling() override;

    /// Compresses answers from now on; null: does not.
    void set_compression(net::body_compression const* c) { compression_ = c; }

    /// A GET; `fields` are header lines for its answer (CORS), `coding` what it may be compressed
    /// with. It is answered when there is something to send. False: one was waiting already, both
    /// have been answered, and the session must end.
    bool poll(net::http::exchange, std::string fields,
              net::content_coding coding = net::content_coding::identity);

    /// A POST is being uploaded: it counts from its head on. False: one is under way already.
    bool begin_post(net::http::exchange&);

    /// Whether another POST than that one is under way.
    bool overlaps(net::http::exchange const& x) const {
        return posting_ && (!uploader_ || uploader_ != x.owner());
    }

    /// The body of that POST has arrived.
    void post(net::http::exchange, std::string_view body, bool binary_body, std::string fields);

    /// True while a GET waits.
    bool polled() const { return poll_.open(); }
    std::vector<net::wire_block> const& queue() const { return queue_; }

    /// Answers a waiting GET with a noop, if there is nothing better: an upgrade is under way.
    void flush_noop();

    /// Takes out what is queued, for another wire.
    std::vector<net::wire_block> take_queue();

    transport_kind kind() const override { return transport_kind::polling; }
    bool send(net::wire_block packet) override;
    bool writable() const override { return open_ && poll_.open() && queue_.empty(); }
    std::size_t queued_bytes() const override { return queued_bytes_; }
    std::uint32_t progress() const override { return progress_; }
    void pause() override { ++paused_; }
    void resume() override;

    /// Events end. orderly: a waiting GET gets what is queued and a close packet; without one the
    /// goodbye waits for the next GET (`last_words`). silent: a waiting GET gets a noop.
    void close(close_manner) override;

    /// Bodies for the GETs that come after an orderly close: what is queued, then noop and close.
    std::vector<polling_body> last_words();

    /// The body that holds one packet of text and nothing else (`0{...}`, `6`).
    polling_body single(std::string_view packet) const;

    /// Answers a waiting GET with what is queued. False: there was no GET, or nothing.
    bool flush_queue();

    /// That POST has been answered by somebody else.
    void cancel_post();

  private:
    void on_turn_end() override;
    void answer_poll();
    polling_body take_body();
    polling_body finished(std::string text) const;
    void emptied();
    /// Whether the peer's packets may be handed out now.
    bool may_read() const { return paused_ == 0 && queued_bytes_ <= pause_above_bytes_; }
    void read_body();
    void end_post();

    /// A POST whose packets are still being handed out.
    struct upload {
        net::http::exchange answer;
        std::string fields;
        std::string body;
        std::optional<payload_reader> reader; // over `body`
    };

    net::shard& shard_;
    net::outbox_limits const& limits_;
    transport_events* events_;
    net::http::exchange poll_;
    std::string poll_fields_;
    net::body_compression const* compression_ = nullptr;
    std::vector<net::wire_block> queue_;
    std::size_t queued_bytes_ = 0, largest_ = 0; // largest_: of the messages in the queue
    std::size_t pause_above_bytes_;
    std::unique_ptr<upload> upload_;
    net::http::exchange_owner* uploader_ = nullptr;        // its body is on the way
    std::shared_ptr<int> alive_ = std::make_shared<int>(); // for slices posted to the shard
    std::uint32_t progress_ = 0;
    std::uint8_t paused_ = 0;
    net::content_coding coding_ = net::content_coding::identity; // of the GET that waits
    polling_dialect dialect_;
    bool open_ = true, posting_ = false, reading_ = false, slice_posted_ = false;
};

} // namespace mad::inline MAD_ABI::engine

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/engine/impl/polling.ipp>
#endif

#endif
