#ifndef MAD_TESTS_SUPPORT_STRICT_HTTP_HPP
#define MAD_TESTS_SUPPORT_STRICT_HTTP_HPP

#include <algorithm>
#include <cctype>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mad_test {

/// A request as the letter of RFC 9112 has it, without any of the leniencies that it allows but
/// leading empty lines. Written from the text, with nothing of the library under test.
struct strict_request {
    std::string method, target, body; ///< target without the authority of an absolute form
    bool last = false;                ///< the connection ends behind it
};

enum class strict_state { more, bad, done };

namespace detail {

inline std::string lower(std::string_view s) {
    std::string out(s);
    std::transform(out.begin(), out.end(), out.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return out;
}

inline bool is_token(std::string_view s) {
    return !s.empty() && std::all_of(s.begin(), s.end(), [](unsigned char c) {
        return std::isalnum(c) || std::string_view("!#$%&'*+-.^_`|~").find(static_cast<char>(c)) !=
                                      std::string_view::npos;
    });
}

inline bool is_digits(std::string_view s) {
    return !s.empty() && s.find_first_not_of("0123456789") == s.npos;
}

inline bool is_host(std::string_view s) {
    auto const colon = s.find(':');
    auto const name = s.substr(0, colon);
    return !name.empty() && std::all_of(name.begin(), name.end(), [](unsigned char c) {
        return std::isalnum(c) || c == '.' || c == '-' || c == '_';
    }) && (colon == s.npos || (is_digits(s.substr(colon + 1)) && s.size() - colon <= 6));
}

inline std::string_view trimmed(std::string_view s) {
    auto const from = s.find_first_not_of(" \t");
    if (from == s.npos)
        return {};
    return s.substr(from, s.find_last_not_of(" \t") - from + 1);
}

/// A chunked body at the front of `in`, moved past it when done.
inline strict_state read_chunks(std::string_view& in, std::string& body) {
    auto rest = in;
    std::size_t overhead = 0;
    for (;;) {
        std::size_t digits = 0;
        std::uint64_t size = 0;
        while (digits < rest.size() && std::isxdigit(static_cast<unsigned char>(rest[digits]))) {
            if (digits == 8)
                return strict_state::bad;
            char const c = static_cast<char>(std::tolower(rest[digits++]));
            size = size * 16 + static_cast<std::uint64_t>(c >= 'a' ? c - 'a' + 10 : c - '0');
        }
        auto const end = rest.find_first_of(std::string_view("\r\n\0", 3));
        if (end == rest.npos)
            return strict_state::more;
        auto const extension = rest.substr(digits, end - digits);
        overhead += extension.size();
        if (digits == 0 || overhead > 4096 || rest[end] != '\r' ||
            (!extension.empty() && !trimmed(extension).empty() && trimmed(extension)[0] != ';'))
            return strict_state::bad;
        if (end + 1 == rest.size())
            return strict_state::more;
        if (rest[end + 1] != '\n')
            return strict_state::bad;
        rest.remove_prefix(end + 2);
        if (size == 0)
            break;
        if (rest.size() < size + 2)
            return strict_state::more;
        body.append(rest.substr(0, size));
        if (rest.substr(size, 2) != "\r\n")
            return strict_state::bad;
        rest.remove_prefix(size + 2);
    }
    for (;;) { // trailers
        auto const end = rest.find_first_of(std::string_view("\r\n\0", 3));
        if (end == rest.npos || end + 1 >= rest.size())
            return strict_state::more;
        overhead += end;
        if (rest[end] != '\r' || rest[end + 1] != '\n' || overhead > 4096)
            return strict_state::bad;
        rest.remove_prefix(end + 2);
        if (end == 0)
            break;
    }
    in = rest;
    return strict_state::done;
}

} // namespace detail

/// The request at the front of `in`, which moves past it when it is whole and good.
inline strict_state read_strictly(std::string_view& in, strict_request& out) {
    using namespace detail;
    auto text = in;
    for (int i = 0; i < 2 && text.starts_with("\r\n"); ++i)
        text.remove_prefix(2);
    auto const end = text.find("\r\n\r\n");
    if (end == text.npos)
        return strict_state::more;
    auto head = text.substr(0, end + 2);
    auto rest = text.substr(end + 4);
    if (head.find('\0') != head.npos || end + 4 > 16 * 1024)
        return strict_state::bad;
    std::vector<std::string_view> lines;
    while (!head.empty()) {
        auto const n = head.find("\r\n");
        lines.push_back(head.substr(0, n));
        if (lines.back().find_first_of("\r\n") != head.npos)
            return strict_state::bad;
        head.remove_prefix(n + 2);
    }
    auto const line = lines.front();
    auto const a = line.find(' '), b = line.rfind(' ');
    if (a == line.npos || a == b || lines.size() > 101)
        return strict_state::bad;
    out = {};
    out.method = line.substr(0, a);
    auto target = line.substr(a + 1, b - a - 1);
    auto const version = line.substr(b + 1);
    static std::vector<std::string> const methods{"GET",   "HEAD",   "POST",   "PUT",
                                                  "PATCH", "DELETE", "OPTIONS"};
    if (std::find(methods.begin(), methods.end(), out.method) == methods.end() ||
        (version != "HTTP/1.1" && version != "HTTP/1.0") || target.size() > 8192 ||
        std::any_of(target.begin(), target.end(),
                    [](unsigned char c) { return c <= ' ' || c > '~' || c == '#'; }))
        return strict_state::bad;

    std::size_t hosts = 0, lengths = 0, codings = 0;
    std::string host, length, coding;
    bool close = false, keep = version == "HTTP/1.1";
    for (std::size_t i = 1; i < lines.size(); ++i) {
        auto const colon = lines[i].find(':');
        if (colon == lines[i].npos || !is_token(lines[i].substr(0, colon)))
            return strict_state::bad;
        auto const name = lower(lines[i].substr(0, colon));
        auto const value = trimmed(lines[i].substr(colon + 1));
        if (std::any_of(value.begin(), value.end(),
                        [](unsigned char c) { return (c < ' ' && c != '\t') || c == 0x7f; }))
            return strict_state::bad;
        if (name == "host" && ++hosts)
            host = value;
        else if (name == "content-length" && ++lengths)
            length = value;
        else if (name == "transfer-encoding" && ++codings)
            coding = lower(value);
        else if (name == "connection") {
            keep = keep || lower(value).find("keep-alive") != std::string::npos;
            close = close || lower(value).find("close") != std::string::npos;
        } else if (name == "expect" && version == "HTTP/1.1" && lower(value) != "100-continue")
            return strict_state::bad; // HTTP/1.0 knows none: ignored
    }
    if (hosts > 1 || (hosts == 0 && version == "HTTP/1.1") || (hosts == 1 && !is_host(host)))
        return strict_state::bad;
    if (lower(target).starts_with("http://")) {
        target.remove_prefix(7);
        auto const n = std::min(target.find_first_of("/?"), target.size());
        if (lower(target.substr(0, n)) != lower(host))
            return strict_state::bad;
        target.remove_prefix(n);
    }
    out.target = target.starts_with('/') ? std::string(target) : "/" + std::string(target);
    if (lengths + codings > 1 || (codings == 1 && (coding != "chunked" || version == "HTTP/1.0")))
        return strict_state::bad;
    if (codings == 1) {
        if (auto const s = read_chunks(rest, out.body); s != strict_state::done)
            return s;
    } else if (lengths == 1) {
        if (!is_digits(length) || length.size() > 18)
            return strict_state::bad;
        auto const n = std::stoull(length);
        if (rest.size() < n)
            return strict_state::more;
        out.body = rest.substr(0, n);
        rest.remove_prefix(n);
    }
    out.last = close || !keep;
    in = rest;
    return strict_state::done;
}

/// All requests that a connection carries, up to the first that is bad, not whole or the last.
inline std::vector<strict_request> read_all_strictly(std::string_view in) {
    std::vector<strict_request> out;
    strict_request r;
    while (!in.empty() && read_strictly(in, r) == strict_state::done) {
        out.push_back(r);
        if (r.last)
            break;
    }
    return out;
}

} // namespace mad_test

#endif
