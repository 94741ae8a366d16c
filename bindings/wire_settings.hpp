#ifndef MAD_BINDINGS_WIRE_SETTINGS_HPP
#define MAD_BINDINGS_WIRE_SETTINGS_HPP

#include <mad/net/compression.hpp>
#include <mad/socketio/parser.hpp>

#include <cstddef>
#include <memory>
#include <string>
#include <tuple>

namespace mad_python {

/// Websockets, HTTP, threshold in bytes, level, window bits, context takeover.
using compression_terms = std::tuple<bool, bool, std::size_t, int, int, bool>;

// Null when it is not wanted. Refuses what makes no sense, or what zlib is missing for.
std::shared_ptr<mad::net::message_compression const>
websocket_compression(compression_terms const&);
std::shared_ptr<mad::net::body_compression const> http_compression(compression_terms const&);

/// `json` or `msgpack`.
mad::socketio::packet_parser parser_of(std::string const& name);

} // namespace mad_python

#endif
