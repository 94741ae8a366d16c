#ifndef MAD_TESTS_UNIT_PROXY_FORWARD_SUPPORT_HPP
#define MAD_TESTS_UNIT_PROXY_FORWARD_SUPPORT_HPP

#include <mad/proxy/forward.hpp>

#include <string>
#include <string_view>

/// One request on its way through the pure part of the proxy.
struct forwarded {
    std::string text; ///< what the views of `head` point into
    mad::net::http::head head;
    mad::proxy::verdict verdict;
    std::string out; ///< as the node gets it; empty when refused
    mad::proxy::reject why = mad::proxy::reject::none;

    explicit forwarded(std::string request, mad::proxy::client_facts const& client = someone(),
                       mad::proxy::forward_settings const& settings = {})
        : text(std::move(request)) {
        using namespace mad::proxy;
        why = reject_of(mad::net::http::parse_head(text, {}, head));
        if (why != reject::none)
            return;
        verdict = judge_request(head, client, settings);
        why = verdict.why;
        if (why == reject::none)
            append_request(out, head, verdict, client, "node:3000", settings);
    }

    forwarded(forwarded const&) = delete;

    static mad::proxy::client_facts someone() {
        return {boost::asio::ip::make_address("192.0.2.7"), false};
    }
    static mad::proxy::client_facts trusted() {
        return {boost::asio::ip::make_address("127.0.0.1"), false};
    }

    bool has_line(std::string_view line) const {
        return out.find("\r\n" + std::string(line) + "\r\n") != out.npos;
    }
    /// Whether a field of that name came through; `name` in the case it was sent in.
    bool has_field(std::string_view name) const {
        return out.find("\r\n" + std::string(name) + ":") != out.npos;
    }
    std::string_view request_line() const {
        return std::string_view(out).substr(0, out.find("\r\n"));
    }
};

/// A request with these fields beside its Host.
inline std::string asking(std::string const& fields, std::string const& line = "GET / HTTP/1.1") {
    return line + "\r\nHost: a\r\n" + fields + "\r\n";
}

#endif
