#ifndef MAD_NET_HTTP_IMPL_MESSAGE_IPP
#define MAD_NET_HTTP_IMPL_MESSAGE_IPP

#include <mad/net/http/message.hpp>

#include <algorithm>
#include <charconv>
#include <ctime>

namespace mad::inline MAD_ABI::net::http {

namespace detail {

constexpr char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}

/// `Date` changes once a second; making it for each answer would cost more than the answer.
inline std::string_view date_field() {
    thread_local std::time_t made_for = 0;
    thread_local char text[64];
    thread_local std::size_t size = 0;
    auto const now = std::time(nullptr);
    if (now != made_for) {
        std::tm tm{};
        gmtime_r(&now, &tm);
        size = std::strftime(text, sizeof text, "Date: %a, %d %b %Y %H:%M:%S GMT\r\n", &tm);
        made_for = now;
    }
    return {text, size};
}

inline void append_number(std::string& out, std::size_t n) {
    char buf[24];
    out.append(buf, std::to_chars(buf, buf + sizeof buf, n).ptr);
}

} // namespace detail

MAD_DECL std::string_view trim(std::string_view s) {
    auto const space = [](char c) { return c == ' ' || c == '\t'; };
    while (!s.empty() && space(s.front()))
        s.remove_prefix(1);
    while (!s.empty() && space(s.back()))
        s.remove_suffix(1);
    return s;
}

MAD_DECL bool iequals(std::string_view a, std::string_view b) {
    return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) {
               return detail::lower(x) == detail::lower(y);
           });
}

MAD_DECL bool is_loopback_host(std::string_view host) {
    std::string name(host);
    if (name.starts_with('[')) {
        auto const end = name.find(']');
        if (end == name.npos)
            return false;
        name = name.substr(1, end - 1);
    } else {
        name = name.substr(0, name.find(':'));
    }
    if (iequals(name, "localhost"))
        return true;
    error_code ec;
    auto const a = boost::asio::ip::make_address(name, ec);
    return !ec && a.is_loopback();
}

MAD_DECL bool has_token(std::string_view list, std::string_view token) {
    while (!list.empty()) {
        auto const comma = std::min(list.find(','), list.size());
        if (iequals(trim(list.substr(0, comma)), token))
            return true;
        list.remove_prefix(std::min(comma + 1, list.size()));
    }
    return false;
}

MAD_DECL std::string_view request::header(std::string_view name) const {
    for (auto const& f : fields)
        if (iequals(f.name, name))
            return f.value;
    return {};
}

MAD_DECL bool request::has(std::string_view name) const {
    return std::any_of(fields.begin(), fields.end(),
                       [&](field const& f) { return iequals(f.name, name); });
}

MAD_DECL response& response::set(std::string_view name, std::string_view value) {
    fields.append(name).append(": ");
    auto const at = fields.size();
    fields.append(value);
    std::replace_if(
        fields.begin() + static_cast<std::ptrdiff_t>(at), fields.end(),
        [](char c) { return c == '\r' || c == '\n' || c == '\0'; }, ' ');
    fields.append("\r\n");
    return *this;
}

MAD_DECL std::string url_of(boost::asio::ip::tcp::endpoint const& at, bool secure) {
    auto address = at.address();
    if (address.is_unspecified() && address.is_v4())
        address = boost::asio::ip::address_v4::loopback();
    else if (address.is_unspecified())
        address = boost::asio::ip::address_v6::loopback();
    std::string const host =
        address.is_v6() ? '[' + address.to_string() + ']' : address.to_string();
    return (secure ? "https://" : "http://") + host + ':' + std::to_string(at.port());
}

MAD_DECL std::string_view reason_phrase(int status) {
    switch (status) {
    case 100:
        return "Continue";
    case 101:
        return "Switching Protocols";
    case 200:
        return "OK";
    case 201:
        return "Created";
    case 204:
        return "No Content";
    case 206:
        return "Partial Content";
    case 301:
        return "Moved Permanently";
    case 302:
        return "Found";
    case 304:
        return "Not Modified";
    case 308:
        return "Permanent Redirect";
    case 400:
        return "Bad Request";
    case 401:
        return "Unauthorized";
    case 403:
        return "Forbidden";
    case 404:
        return "Not Found";
    case 405:
        return "Method Not Allowed";
    case 406:
        return "Not Acceptable";
    case 408:
        return "Request Timeout";
    case 409:
        return "Conflict";
    case 413:
        return "Payload Too Large";
    case 414:
        return "URI Too Long";
    case 415:
        return "Unsupported Media Type";
    case 417:
        return "Expectation Failed";
    case 421:
        return "Misdirected Request";
    case 422:
        return "Unprocessable Content";
    case 426:
        return "Upgrade Required";
    case 429:
        return "Too Many Requests";
    case 431:
        return "Request Header Fields Too Large";
    case 500:
        return "Internal Server Error";
    case 501:
        return "Not Implemented";
    case 502:
        return "Bad Gateway";
    case 503:
        return "Service Unavailable";
    case 504:
        return "Gateway Timeout";
    case 505:
        return "HTTP Version Not Supported";
    default:
        return "Unknown";
    }
}

MAD_DECL response text_answer(int status, std::string_view text) {
    response r;
    r.status = status;
    r.set("Content-Type", "text/plain; charset=utf-8").set("X-Content-Type-Options", "nosniff");
    r.body = text;
    return r;
}

MAD_DECL response json_answer(int status, std::string body) {
    response r;
    r.status = status;
    r.set("Content-Type", "application/json").set("Cache-Control", "no-store");
    r.set("X-Content-Type-Options", "nosniff");
    r.body = std::move(body);
    return r;
}

MAD_DECL bool has_body(response const& r) {
    return !r.bodiless && r.status >= 200 && r.status != 204 && r.status != 304;
}

MAD_DECL void append_response(std::string& out, response const& r, bool close, bool head_request) {
    out.append("HTTP/1.1 ");
    detail::append_number(out, static_cast<std::size_t>(r.status));
    out.append(" ").append(reason_phrase(r.status)).append("\r\n");
    out.append(r.fields).append(detail::date_field());
    auto const size = r.shared_body ? r.shared_body.payload().size() : r.body.size();
    if (has_body(r)) {
        out.append("Content-Length: ");
        detail::append_number(out, size);
        out.append("\r\n");
    }
    out.append(close ? "Connection: close\r\n\r\n" : "Connection: keep-alive\r\n\r\n");
    if (!head_request && has_body(r) && !r.shared_body)
        out.append(r.body);
}

} // namespace mad::inline MAD_ABI::net::http

#endif
