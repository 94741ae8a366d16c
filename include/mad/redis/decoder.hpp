#ifndef MAD_REDIS_DECODER_HPP
#define MAD_REDIS_DECODER_HPP

#include <mad/redis/reply.hpp>

#include <cstddef>
#include <memory>
#include <span>

// hiredis' name, so that this header needs none of its headers.
struct redisReader;

namespace mad::inline MAD_ABI::redis {

/// Bytes of a connection in, replies out; hiredis reads them, our values are built straight away.
/// RESP2, and RESP3 where hiredis is 1.0 or newer. Arrays may be nested as deep as hiredis follows
/// (7 levels in 0.14).
class decoder {
  public:
    /// `max_bytes`: what one reply may cost, as bytes that wait for its end and as memory.
    explicit decoder(std::size_t max_bytes);
    decoder(decoder const&) = delete;
    decoder& operator=(decoder const&) = delete;
    ~decoder();

    /// Whether this hiredis knows RESP3.
    static bool speaks_resp3();

    /// Most bytes that one `feed` should bring: more works, and costs more copying.
    static constexpr std::size_t best_feed_bytes = 16 * 1024;

    void feed(std::span<char const>);

    /// Whether a reply is complete: `current()` then has it. An error is final: `error::bad_reply`
    /// or `error::reply_too_large`.
    result<bool> next();

    /// The reply that `next` found. It may be moved from; what is left there is used again, so that
    /// reading it in place allocates nothing once it has had that shape.
    reply& current() { return root_; }

  private:
    struct calls; // what hiredis calls
    struct deleter {
        void operator()(redisReader*) const;
    };

    std::unique_ptr<redisReader, deleter> reader_;
    reply root_;
    std::size_t max_bytes_;
    std::size_t cost_ = 0; // of the reply that is being built
    error failed_ = error::none;
};

} // namespace mad::inline MAD_ABI::redis

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/redis/impl/decoder.ipp>
#endif

#endif
