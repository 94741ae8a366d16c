#ifndef MAD_NET_HTTP_MESSAGE_HPP
#define MAD_NET_HTTP_MESSAGE_HPP

#include <mad/config.hpp>
#include <mad/net/wire_block.hpp>

#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace mad::inline MAD_ABI::net::http {

struct field {
    std::string_view name, value;
};

/// ASCII case-insensitive equality, as header names and many values want it.
bool iequals(std::string_view a, std::string_view b);

/// Without blanks and tabs around it.
std::string_view trim(std::string_view s);

/// True when a comma-separated list (`keep-alive, Upgrade`) has `token`.
bool has_token(std::string_view list, std::string_view token);

/// True when a `Host` field names this machine itself: `localhost`, `127.0.0.1:3000`, `[::1]`. What
/// listens on loopback only and has no other lock asks this, against pages of other sites that
/// point a name of theirs at 127.0.0.1.
bool is_loopback_host(std::string_view host);

/// One request as it arrived. All views point into the connection's buffers and hold during the
/// call that hands the request out, no longer.
struct request {
    std::string_view method, target;
    std::string_view path;  ///< target up to `?`, as sent (not percent-decoded)
    std::string_view query; ///< target after `?`
    std::span<field const> fields;
    std::string_view body;
    int version = 11; ///< 10 or 11
    bool keep_alive = true;
    bool upgrade = false; ///< `Connection: upgrade` with an `Upgrade` field
    bool secure = false;  ///< arrived over TLS
    bool whole = true;    ///< the body, if any, had arrived with the head
    boost::asio::ip::address peer;

    /// The first field of that name; empty when there is none.
    std::string_view header(std::string_view name) const;
    bool has(std::string_view name) const;
};

/// What a handler answers. `Content-Length`, `Date` and `Connection` are added when it is sent.
struct response {
    int status = 200;
    std::string fields; ///< `Name: value\r\n` lines, see `set`
    std::string body;
    wire_block shared_body; ///< used instead of `body` when set: many answers, one memory
    bool close = false;     ///< end the connection after this answer
    bool bodiless = false;  ///< no body and no `Content-Length` (1xx, 204 and 304 never have one)

    /// Appends a field. Line breaks in a value are replaced by spaces: nothing that came from a
    /// peer can add a field.
    response& set(std::string_view name, std::string_view value);
};

/// `http://127.0.0.1:3000`; a wildcard address is shown as the loopback of its family.
std::string url_of(boost::asio::ip::tcp::endpoint const&, bool secure);

/// `Not Found` for 404. A number without a phrase gives `Unknown`.
std::string_view reason_phrase(int status);

/// A plain answer whose body is one line of text.
response text_answer(int status, std::string_view text);
response json_answer(int status, std::string body);

/// False for answers that end with their head (RFC 9110 section 6.4.1), whatever `body` holds.
bool has_body(response const&);

/// The text of the answer on the wire. `head_request`: the body is left out, its length kept.
/// A shared body is not appended, only counted.
void append_response(std::string& out, response const&, bool close, bool head_request);

} // namespace mad::inline MAD_ABI::net::http

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/net/http/impl/message.ipp>
#endif

#endif
