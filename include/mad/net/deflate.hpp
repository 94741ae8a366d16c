#ifndef MAD_NET_DEFLATE_HPP
#define MAD_NET_DEFLATE_HPP

#include <mad/net/compression.hpp>

#include <cstddef>
#include <memory>

// The one header of this room that needs zlib: link `mad::zlib`, or `mad::compiled_zlib`. Who does
// not include it needs none.

namespace mad::inline MAD_ABI::net {

/// Settings of `permessage-deflate` (RFC 7692), on either side. Defaults are those of ws 8 unless
/// said otherwise.
struct message_deflate_settings {
    /// Messages shorter than this go as they are, in bytes. Default: engine.io.
    std::size_t threshold = 1024;

    /// 1 (fast) to 9 (small).
    int level = 6;
    /// 1 to 9: a compressor takes 2^(window bits + 2) + 2^(mem_level + 9) bytes.
    int mem_level = 8;

    /// Whether each message of the server, or of the client, stands for itself. Ours: the reference
    /// lets messages refer to the ones before, which costs each connection a compressor and an
    /// inflater of its own (some 300 KB) and each receiver of a broadcast a compression. Without,
    /// an idle connection holds nothing: one of each serves all connections of a thread, and a
    /// broadcast is compressed once.
    bool server_no_context_takeover = true;
    bool client_no_context_takeover = true;

    /// How far back messages may refer: 2^n bytes, 9 to 15.
    std::uint8_t server_max_window_bits = 15;
    std::uint8_t client_max_window_bits = 15;
};

/// For `per_message_deflate` of the engine's settings. Compressing happens on the shard that sends:
/// 10 to 40 ns a byte at level 6 (zlib 1.2.13). Throws std::invalid_argument for values out of
/// range.
std::shared_ptr<message_compression const> make_message_deflate(message_deflate_settings = {});

/// Settings of compressed HTTP answers.
struct body_compression_settings {
    /// Bodies shorter than this go as they are, in bytes. Default: engine.io.
    std::size_t threshold = 1024;

    /// 1 (fast) to 9 (small).
    int level = 6;
};

/// gzip and deflate, for `http_compression` of the engine's settings and for routes
/// (`net/http/coding.hpp`). Throws std::invalid_argument for values out of range.
std::shared_ptr<body_compression const> make_body_compression(body_compression_settings = {});

} // namespace mad::inline MAD_ABI::net

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/net/impl/deflate.ipp>
#endif

#endif
