#include "wire_settings.hpp"

#include "letters.hpp"

#if defined(MAD_PYTHON_ZLIB)
#include <mad/net/deflate.hpp>
#endif

#include <stdexcept>

namespace mad_python {

#if defined(MAD_PYTHON_ZLIB)

std::shared_ptr<mad::net::message_compression const>
websocket_compression(compression_terms const& terms) {
    auto const& [websocket, http, threshold, level, window_bits, takeover] = terms;
    if (!websocket)
        return {};
    mad::net::message_deflate_settings s;
    s.threshold = threshold;
    s.level = level;
    s.server_no_context_takeover = s.client_no_context_takeover = !takeover;
    if (window_bits < 9 || window_bits > 15)
        refuse("window_bits must be 9 to 15");
    s.server_max_window_bits = s.client_max_window_bits = static_cast<std::uint8_t>(window_bits);
    try {
        return mad::net::make_message_deflate(s);
    } catch (std::invalid_argument const& wrong) {
        refuse(wrong.what());
    }
}

std::shared_ptr<mad::net::body_compression const> http_compression(compression_terms const& terms) {
    auto const& [websocket, http, threshold, level, window_bits, takeover] = terms;
    if (!http)
        return {};
    try {
        return mad::net::make_body_compression({threshold, level});
    } catch (std::invalid_argument const& wrong) {
        refuse(wrong.what());
    }
}

#else

std::shared_ptr<mad::net::message_compression const>
websocket_compression(compression_terms const&) {
    refuse("mad._core was built without zlib: no compression");
}

std::shared_ptr<mad::net::body_compression const> http_compression(compression_terms const&) {
    refuse("mad._core was built without zlib: no compression");
}

#endif

mad::socketio::packet_parser parser_of(std::string const& name) {
    if (name == "json")
        return mad::socketio::packet_parser::json;
    if (name == "msgpack")
        return mad::socketio::packet_parser::msgpack;
    refuse("no such parser: " + name);
}

} // namespace mad_python
