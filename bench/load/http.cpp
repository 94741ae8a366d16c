#include "http.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string>

#include <strings.h>

namespace bench {

namespace {

/// The value of `line` when it is the field `name` (with its colon).
std::optional<std::string_view> value_of(std::string_view line, std::string_view name) {
    if (line.size() <= name.size() || ::strncasecmp(line.data(), name.data(), name.size()) != 0)
        return std::nullopt;
    return line.substr(std::min(line.find_first_not_of(' ', name.size()), line.size()));
}

} // namespace

answer read_answer(std::string_view head) {
    if (head.substr(0, 12) != "HTTP/1.1 200")
        throw failure("not 200: " + std::string(head.substr(0, head.find('\r'))));
    answer made;
    bool counted = false;
    for (auto at = head.find("\r\n"); at != std::string_view::npos; at = head.find("\r\n", at)) {
        at += 2;
        auto const line = head.substr(at, head.find("\r\n", at) - at);
        if (auto const length = value_of(line, "content-length:")) {
            auto const* const end = length->data() + length->size();
            counted = std::from_chars(length->data(), end, made.length).ec == std::errc{};
        } else if (auto const how = value_of(line, "connection:")) {
            made.last = how->size() == 5 && ::strncasecmp(how->data(), "close", 5) == 0;
        }
    }
    if (!counted)
        throw failure("no Content-Length: " + std::string(head.substr(0, 200)));
    return made;
}

std::size_t http_connection::on_bytes(std::string_view bytes) {
    auto const end = bytes.find("\r\n\r\n");
    if (end == std::string_view::npos)
        return 0;
    auto const [length, last] = read_answer(bytes.substr(0, end));
    auto const body = end + 4;
    if (bytes.size() - body < length)
        return 0;
    auto const all = bytes.size();
    events_.on_response(*this, bytes.substr(body, length));
    if (!last)
        return body + length;
    owner_.redial(*this, to_); // what was said meanwhile is queued and leaves on the new one
    return all;
}

} // namespace bench
