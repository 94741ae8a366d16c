#ifndef MAD_NET_HTTP_CODING_HPP
#define MAD_NET_HTTP_CODING_HPP

#include <mad/net/compression.hpp>
#include <mad/net/http/message.hpp>

#include <string_view>

namespace mad::inline MAD_ABI::net::http {

/// What to compress an answer with, from a request's `Accept-Encoding` (RFC 9110 section 12.5.3):
/// the best of gzip, deflate and nothing by their q-values, in this order where these are equal.
/// Nothing for an empty field; elements that are malformed do not count.
content_coding choose_coding(std::string_view accept_encoding);

/// Compresses the body of an answer, when it is long enough and becomes shorter, and says so in its
/// fields. Any route may use it; a body that is shared or coded already stays as it is.
void compress_body(response&, content_coding, body_compression const&);

} // namespace mad::inline MAD_ABI::net::http

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/net/http/impl/coding.ipp>
#endif

#endif
