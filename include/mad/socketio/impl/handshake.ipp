#ifndef MAD_SOCKETIO_IMPL_HANDSHAKE_IPP
#define MAD_SOCKETIO_IMPL_HANDSHAKE_IPP

#include <mad/core/json.hpp>
#include <mad/core/json_parse.hpp>
#include <mad/socketio/handshake.hpp>

namespace mad::inline MAD_ABI::socketio {

MAD_DECL json handshake::auth() const {
    json_limits limits;
    limits.lone_surrogates = true;
    auto v = parse_json(auth_, limits);
    return v ? std::move(*v) : json::object();
}

MAD_DECL json handshake::query_object() const {
    auto out = json::object();
    query().for_each([&](std::string key, std::string value) {
        if (!out.contains(key))
            out[key] = std::move(value);
    });
    return out;
}

} // namespace mad::inline MAD_ABI::socketio

#endif
