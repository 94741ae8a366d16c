#ifndef MAD_ENGINE_IMPL_ERROR_IPP
#define MAD_ENGINE_IMPL_ERROR_IPP

#include <mad/core/detail/named_category.hpp>
#include <mad/engine/error.hpp>

namespace mad::inline MAD_ABI::engine {

namespace detail {

inline std::string_view describe(error e) {
    switch (e) {
    case error::none:
        return "no error";
    case error::transport_unknown:
        return "Transport unknown";
    case error::session_unknown:
        return "Session ID unknown";
    case error::bad_handshake_method:
        return "Bad handshake method";
    case error::bad_request:
        return "Bad request";
    case error::forbidden:
        return "Forbidden";
    case error::unsupported_protocol:
        return "Unsupported protocol version";
    case error::bad_method:
        return "a session takes GET and POST only";
    case error::binary_body:
        return "binary body on a revision without one";
    case error::overlap:
        return "request overlaps another of the session";
    case error::payload_too_large:
        return "polling body too large";
    case error::bad_packet:
        return "malformed packet";
    case error::bad_open:
        return "malformed open packet";
    case error::session_closed:
        return "session closed";
    case error::timeout:
        return "timeout";
    case error::queue_full:
        return "send queue full";
    case error::transport_failed:
        return "transport failed";
    }
    return "unknown engine error";
}

inline std::string_view describe_value(int value) {
    return describe(static_cast<error>(value));
}

} // namespace detail

MAD_DECL std::string_view log_name(error e) {
    switch (e) {
    case error::none:
        return "none";
    case error::transport_unknown:
        return "transport_unknown";
    case error::session_unknown:
        return "session_unknown";
    case error::bad_handshake_method:
        return "bad_handshake_method";
    case error::bad_request:
        return "bad_request";
    case error::forbidden:
        return "forbidden";
    case error::unsupported_protocol:
        return "unsupported_protocol";
    case error::bad_method:
        return "bad_method";
    case error::binary_body:
        return "binary_body";
    case error::overlap:
        return "overlap";
    case error::payload_too_large:
        return "payload_too_large";
    case error::bad_packet:
        return "bad_packet";
    case error::bad_open:
        return "bad_open";
    case error::session_closed:
        return "session_closed";
    case error::timeout:
        return "timeout";
    case error::queue_full:
        return "queue_full";
    case error::transport_failed:
        return "transport_failed";
    }
    return "unknown";
}

MAD_DECL error_category const& category() {
    static mad::detail::named_category const it("mad.engine", &detail::describe_value);
    return it;
}

MAD_DECL std::optional<http_answer> answer_of(error e) {
    switch (e) {
    case error::transport_unknown:
        return http_answer{400, 0, detail::describe(e)};
    case error::session_unknown:
        return http_answer{400, 1, detail::describe(e)};
    case error::bad_handshake_method:
        return http_answer{400, 2, detail::describe(e)};
    case error::bad_request:
        return http_answer{400, 3, detail::describe(e)};
    case error::forbidden:
        return http_answer{403, 4, detail::describe(e)};
    case error::unsupported_protocol:
        return http_answer{400, 5, detail::describe(e)};
    case error::bad_method:
        return http_answer{500, -1, ""};
    case error::binary_body:
    case error::overlap:
        return http_answer{400, -1, ""};
    case error::payload_too_large:
        return http_answer{413, -1, ""};
    default:
        return std::nullopt;
    }
}

MAD_DECL std::string error_body(error e) {
    auto const answer = answer_of(e);
    std::string out;
    if (answer && answer->code >= 0) {
        out.append("{\"code\":").append(std::to_string(answer->code));
        out.append(",\"message\":\"").append(answer->message).append("\"}");
    }
    return out;
}

} // namespace mad::inline MAD_ABI::engine

#endif
