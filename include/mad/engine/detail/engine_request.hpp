#ifndef MAD_ENGINE_DETAIL_ENGINE_REQUEST_HPP
#define MAD_ENGINE_DETAIL_ENGINE_REQUEST_HPP

#include <mad/core/json_text.hpp>
#include <mad/engine/server.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace mad::inline MAD_ABI::engine::detail {

/// What the engine needs of a request, apart from its body; may travel to another shard.
struct engine_request {
    request_query query;
    request_method method = request_method::other;
    bool upgrade = false;
    bool binary_body = false;
    std::string fields; // CORS lines for the answer
    std::string websocket_key;
    std::optional<net::ws_deflate_terms> deflate;               // agreed for the websocket
    net::content_coding coding = net::content_coding::identity; // of the answer
};

inline request_method method_of(std::string_view m) {
    return m == "GET"    ? request_method::get
           : m == "POST" ? request_method::post
                         : request_method::other;
}

inline bool wants_websocket(net::http::request const& r) {
    return r.upgrade && net::http::has_token(r.header("Upgrade"), "websocket");
}

inline net::http::response error_answer(error e, std::string_view fields,
                                        std::string message = {}) {
    auto const a = answer_of(e).value_or(http_answer{500, -1, "Internal Server Error"});
    net::http::response r;
    r.status = a.status;
    if (a.code >= 0)
        r.set("Content-Type", "application/json").set("Cache-Control", "no-store");
    r.fields.append(fields);
    r.body = message.empty() ? error_body(e) : std::move(message);
    return r;
}

/// A refused websocket is answered before any 101: the message alone, and the connection ends.
inline net::http::response upgrade_refusal(error e, std::string_view fields,
                                           std::string_view message = {}) {
    auto const a = answer_of(e).value_or(http_answer{400, -1, "Bad request"});
    net::http::response r;
    r.status = e == error::forbidden ? 403 : 400;
    r.set("Content-Type", "text/html");
    r.fields.append(fields);
    r.body = message.empty() ? a.message : message;
    r.close = true;
    return r;
}

inline std::string forbidden_body(std::string_view message) {
    std::string out = "{\"code\":4,\"message\":";
    append_json_string(out, message);
    return out += '}';
}

/// What the application adds to an answer.
inline void add_fields(header_hook const& fn, std::string& fields, net::http::request const& r) {
    net::http::response answer;
    fn(answer, r);
    fields.append(answer.fields);
}

inline void tell_refusal(server_settings const& s, request_query const& query, error_code why,
                         net::http::request const* r = nullptr, std::string_view message = {}) {
    if (!s.on_connection_error)
        return;
    auto const a =
        answer_of(static_cast<error>(why.value())).value_or(http_answer{400, -1, "Bad request"});
    s.on_connection_error({a.code, message.empty() ? a.message : message, query, r});
}

/// All that the field's lines say together (RFC 6455 section 11.3.2).
inline std::string extensions_of(net::http::request const& r) {
    std::string out;
    for (auto const& f : r.fields)
        if (net::http::iequals(f.name, "Sec-WebSocket-Extensions"))
            out.append(out.empty() ? "" : ", ").append(f.value);
    return out;
}

inline std::string switching_answer(engine_request const& e) {
    std::string out = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                      "Connection: Upgrade\r\nSec-WebSocket-Accept: ";
    out.append(net::ws_accept_key(e.websocket_key)).append("\r\n");
    if (e.deflate)
        out.append("Sec-WebSocket-Extensions: ")
            .append(net::ws_deflate_answer(*e.deflate))
            .append("\r\n");
    return out.append(e.fields).append("\r\n");
}

} // namespace mad::inline MAD_ABI::engine::detail

#endif
