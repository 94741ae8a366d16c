#ifndef MAD_NET_HTTP_HEAD_HPP
#define MAD_NET_HTTP_HEAD_HPP

#include <mad/core/clock.hpp>
#include <mad/net/http/message.hpp>

#include <optional>
#include <vector>

namespace mad::inline MAD_ABI::net::http {

/// Limits of one request and one connection. Defaults: see each; over a limit the answer named is
/// given and the connection ends.
struct limits {
    std::size_t max_head_bytes = 16 * 1024;          ///< request line and fields: 431
    std::size_t max_target_bytes = 8 * 1024;         ///< 414
    std::size_t max_fields = 100;                    ///< 431
    std::size_t max_chunk_overhead_bytes = 4 * 1024; ///< chunk extensions; trailers alike: 400
    std::size_t max_requests = 1000;                 ///< per connection, then `Connection: close`
    std::size_t max_queued_bytes = 1024 * 1024; ///< answers not taken yet: over it reading stops
    milliseconds head_timeout{10'000};          ///< from the first byte, or from accept to it: 408
    milliseconds body_timeout{10'000};          ///< whole body: 408
    milliseconds body_slow_after{5'000};        ///< from then on at least 1 KB/s: 408
    milliseconds idle_timeout{10'000};          ///< between requests: closed
    milliseconds write_timeout{30'000};         ///< an answer that makes no progress: closed
};

enum class body_kind : std::uint8_t { none, sized, chunked };

/// A parsed request head. Views point into the text given to `parse_head`.
struct head {
    request req;
    std::vector<field> fields; ///< storage behind `req.fields`
    body_kind body = body_kind::none;
    std::uint64_t content_length = 0;
    bool expects_continue = false;
};

/// Where the head at the front of `text` ends: the number of bytes up to and with the empty line.
/// nullopt: not complete yet.
std::optional<std::size_t> find_head_end(std::string_view text, std::size_t from = 0);

/// 0 while `text`, the beginning of a head that is not complete, may still become one; else the
/// status to refuse it with. Judges what need not wait for the rest: bare LF, NUL, lengths.
int judge_partial_head(std::string_view text, limits const&);

/// Parses a complete head (with its empty line). 0, or the status to refuse it with: 400, 414, 431,
/// 501 (a transfer coding other than one `chunked`), 505. Strict where leniency would allow request
/// smuggling: obs-fold, repeated or odd lengths, length with coding, missing or second Host.
int parse_head(std::string_view text, limits const&, head& out);

} // namespace mad::inline MAD_ABI::net::http

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/net/http/impl/head.ipp>
#endif

#endif
