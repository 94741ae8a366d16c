#ifndef MAD_NET_HTTP_RESPONSE_HEAD_HPP
#define MAD_NET_HTTP_RESPONSE_HEAD_HPP

#include <mad/core/error.hpp>
#include <mad/net/http/client_error.hpp>
#include <mad/net/http/message.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mad::inline MAD_ABI::net::http {

/// What an answer to us may cost.
struct client_limits {
    std::size_t max_head_bytes = 16 * 1024;
    std::size_t max_fields = 100;
    std::size_t max_body_bytes = 16 * 1024 * 1024;
    std::size_t max_chunk_overhead_bytes = 4 * 1024; ///< chunk extensions; trailers alike
};

/// How the body of an answer ends (RFC 9112 section 6.3).
enum class response_body : std::uint8_t { none, sized, chunked, until_close };

/// The head of an answer. Views point into the text given to `parse_response_head`.
struct response_head {
    int status = 0;
    int version = 11; ///< 10 or 11
    std::vector<field> fields;
    response_body body = response_body::none;
    std::uint64_t content_length = 0;
    bool keep_alive = false;

    /// The first field of that name; empty when there is none.
    std::string_view header(std::string_view name) const;
    /// Whether a list, which may come in several fields, has `token`.
    bool says(std::string_view name, std::string_view token) const;
};

/// Parses a complete head, with its empty line. Strict where leniency would let two readers see two
/// answers: bare line feeds, folded lines, odd or repeated lengths, a length beside a coding, a
/// coding other than one `chunked`.
result<response_head> parse_response_head(std::string_view text, client_limits const&);

/// The same into a head that may have been used before: its memory is used again.
error_code parse_response_head(std::string_view text, client_limits const&, response_head& out);

} // namespace mad::inline MAD_ABI::net::http

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/net/http/impl/response_head.ipp>
#endif

#endif
