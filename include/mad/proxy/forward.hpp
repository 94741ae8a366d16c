#ifndef MAD_PROXY_FORWARD_HPP
#define MAD_PROXY_FORWARD_HPP

#include <mad/net/http/head.hpp>
#include <mad/net/http/response_head.hpp>
#include <mad/net/trust.hpp>
#include <mad/proxy/body.hpp>
#include <mad/proxy/error.hpp>

#include <boost/asio/ip/address.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace mad::inline MAD_ABI::proxy {

struct forward_settings {
    /// Peers whose `X-Forwarded-*`, `Forwarded` and `X-Real-IP` are believed and passed on; those
    /// of everybody else are dropped. Default: loopback.
    net::trust_list trust = net::trust_list::loopback();
    std::string engine_path = "/socket.io/"; ///< begins and ends in `/`
    std::string api_path = "/api/";          ///< what any node may answer; empty: nothing
    std::string cookie_name = "mad_node";    ///< the affinity cookie
};

/// What is known of a client before it has said anything.
struct client_facts {
    boost::asio::ip::address peer; ///< of the connection, or of its PROXY header
    bool secure = false;           ///< its connection is TLS
};

/// Whom a path is for.
enum class destination : std::uint8_t {
    engine,  ///< the engine path: a node, by affinity
    api,     ///< the API: any node that is ready
    health,  ///< `/health`: the proxy itself
    metrics, ///< `/metrics`: of nodes, not for the outside
    other,   ///< the web node
};

/// What is known of a request once its head has been judged. Views point into the head's text.
struct verdict {
    reject why = reject::none;
    destination to = destination::other;
    bool upgrade = false;   ///< a websocket handshake: a 101 makes a tunnel of it
    bool trusted = false;   ///< the peer is a proxy that we believe
    bool handshake = false; ///< GET without sid or body on the engine path: may be tried again
    bool polling = false;   ///< engine path, transport polling
    bool jsonp = false;     ///< has `j=`: answers are script
    bool secure = false;    ///< the client speaks TLS, here or at a trusted proxy
    std::uint8_t eio = 0;   ///< revision of the query: 3 or 4; 0: neither
    boost::asio::ip::address client; ///< the right-most that is not trusted
    std::string_view path, query;
    std::string_view host;          ///< empty for HTTP/1.0 without one
    std::string_view sid;           ///< as sent; empty: none
    std::string_view cookie;        ///< value of the affinity cookie; empty: none
    std::string_view websocket_key; ///< of an upgrade
    std::string_view jsonp_index;   ///< value of `j`, as sent

    // For `append_request`.
    std::string_view target;   ///< in origin form
    bool add_slash = false;    ///< the target had an authority and no path
    bool names_fields = false; ///< `Connection` names fields that are not to be passed on
};

/// Judges a head that `net::http::parse_head` has taken, by the stricter rules of one who passes it
/// on: repeated lengths, odd hosts and targets, an authority that is not the Host, methods that we
/// do not know, bad websocket handshakes. Costs one pass over the fields and allocates nothing.
verdict judge_request(net::http::head const&, client_facts const&, forward_settings const&);

/// Appends the head as a node gets it: written anew from what was understood, with fields between
/// neighbours (`Connection` and those it names, `Upgrade`, `TE`, …) and names outside `A-Za-z0-9-`
/// left out, one Host, one Cookie, our framing, and the `X-Forwarded-*` that are true. The body
/// follows as `request_framing` says. `authority` stands in for a Host that HTTP/1.0 may leave out.
void append_request(std::string& out, net::http::head const&, verdict const&, client_facts const&,
                    std::string_view authority, forward_settings const&);

/// How the body of a request is framed, on both sides; what `body_reader` wants to know.
framing request_framing(net::http::head const&);

/// What an answer is judged by: facts of its request and its client.
struct answer_context {
    bool head_request = false;
    bool client_http_10 = false;
    bool client_keep_alive = true;
    /// `Sec-WebSocket-Key` as the node got it; empty when it was asked for no upgrade.
    std::string_view websocket_key = {};

    static answer_context of(net::http::head const& h, verdict const& v) {
        return {h.req.method == "HEAD", h.req.version == 10, h.req.keep_alive, v.websocket_key};
    }
};

struct response_verdict {
    reject why = reject::none;  ///< or `bad_gateway`: answer 502, drop the node's connection
    bool interim = false;       ///< 100, 102, 103: dropped, the real answer follows
    bool switching = false;     ///< the 101 that was asked for: both sides are streams from here on
    bool keep_upstream = false; ///< the node's connection is good for another request afterwards
    bool keep_client = false;   ///< as far as this answer goes, so is the client's
    framing from = framing::none; ///< how the node frames the body
    framing to = framing::none;   ///< how we frame it for the client
    std::uint64_t length = 0;     ///< for `sized`
};

/// Judges an answer that `net::http::parse_response_head` has taken: a length beside a coding,
/// repeated lengths, a body where there can be none, a 101 that nobody asked for or that has the
/// wrong `Sec-WebSocket-Accept` are all 502.
response_verdict judge_response(net::http::response_head const&, answer_context const&);

/// Appends the head as the client gets it. `set_cookie` is the value of a field to add, empty for
/// none; `close` announces that the connection ends behind this answer.
void append_response(std::string& out, net::http::response_head const&, response_verdict const&,
                     answer_context const&, std::string_view set_cookie, bool close);

} // namespace mad::inline MAD_ABI::proxy

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/proxy/impl/forward.ipp>
#endif

#endif
