#include "http.hpp"

#include <charconv>

#include <strings.h>

namespace bench {

std::size_t body_length(std::string_view head) {
    constexpr std::string_view wanted = "content-length:";
    if (head.substr(0, 12) != "HTTP/1.1 200")
        throw failure("not 200: " + std::string(head.substr(0, head.find('\r'))));
    for (auto at = head.find("\r\n"); at != std::string_view::npos; at = head.find("\r\n", at)) {
        at += 2;
        auto const line = head.substr(at, head.find("\r\n", at) - at);
        if (line.size() <= wanted.size() ||
            ::strncasecmp(line.data(), wanted.data(), wanted.size()) != 0)
            continue;
        auto const value = line.substr(line.find_first_not_of(' ', wanted.size()));
        std::size_t length = 0;
        auto const* const end = value.data() + value.size();
        if (std::from_chars(value.data(), end, length).ec == std::errc{})
            return length;
    }
    throw failure("no Content-Length: " + std::string(head.substr(0, 200)));
}

std::size_t http_connection::on_bytes(std::string_view bytes) {
    auto const end = bytes.find("\r\n\r\n");
    if (end == std::string_view::npos)
        return 0;
    auto const length = body_length(bytes.substr(0, end));
    auto const body = end + 4;
    if (bytes.size() - body < length)
        return 0;
    events_.on_response(*this, bytes.substr(body, length));
    return body + length;
}

} // namespace bench
