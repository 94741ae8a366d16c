#ifndef MAD_FLEET_IMPL_HTTP_ANSWERS_IPP
#define MAD_FLEET_IMPL_HTTP_ANSWERS_IPP

#include <mad/core/base64.hpp>
#include <mad/core/json_text.hpp>
#include <mad/fleet/detail/http_operation.hpp>
#include <mad/fleet/host_row.hpp>

#include <array>
#include <charconv>
#include <cmath>
#include <cstring>
#include <memory>

namespace mad::inline MAD_ABI::fleet {

MAD_DECL std::string_view to_string(http_role r) {
    constexpr std::array<std::string_view, 4> names{"nobody", "agent", "viewer", "admin"};
    return names[static_cast<std::size_t>(r) & 3];
}

namespace detail {

MAD_DECL std::string_view error_code_of(int status) {
    switch (status) {
    case 400:
        return "bad_request";
    case 401:
        return "unauthorized";
    case 403:
        return "forbidden";
    case 404:
        return "not_found";
    case 405:
        return "method_not_allowed";
    case 406:
        return "not_acceptable";
    case 409:
        return "conflict";
    case 413:
        return "too_large";
    case 415:
        return "unsupported_media_type";
    case 422:
        return "invalid";
    case 503:
        return "unavailable";
    default:
        return "internal";
    }
}

MAD_DECL net::http::response http_error(int status, std::string_view message) {
    std::string body = "{\"error\":{\"code\":";
    append_json_string(body, error_code_of(status));
    append_json_string(body.append(",\"message\":"), message);
    auto r = net::http::json_answer(status, body += "}}");
    if (status == 401)
        r.set("WWW-Authenticate", "Bearer");
    if (status == 503)
        r.set("Retry-After", "5");
    return r;
}

MAD_DECL net::http::response outcome_answer(change_outcome o, std::string_view what) {
    switch (o) {
    case change_outcome::none_such:
        return http_error(404, std::string("there is no ").append(what));
    case change_outcome::refused:
        return http_error(409, std::string("the ").append(what).append(" is in use"));
    case change_outcome::unavailable:
        return http_error(503, "what the nodes share cannot be reached now");
    case change_outcome::done:
        break;
    }
    net::http::response r;
    r.status = 204;
    return r;
}

MAD_DECL bool knows_tag(std::string_view list, std::string_view tag) {
    while (!list.empty()) {
        auto const comma = std::min(list.find(','), list.size());
        auto item = net::http::trim(list.substr(0, comma));
        list.remove_prefix(std::min(comma + 1, list.size()));
        if (item.starts_with("W/")) // RFC 9110 13.1.2: compared weakly
            item.remove_prefix(2);
        if (item == "*" || item == tag)
            return true;
    }
    return false;
}

/// Two lanes of multiplications over eight bytes at a time: a tag tells honest answers apart, and
/// a list of ten thousand hosts is hashed in less than a millisecond.
MAD_DECL std::string tag_of(std::string_view bytes) {
    constexpr std::uint64_t a = 0x9e3779b97f4a7c15, b = 0xc2b2ae3d27d4eb4f;
    std::array<std::uint64_t, 2> sum{bytes.size() * a, b};
    auto const take = [&](std::uint64_t w) {
        sum[0] = (sum[0] ^ w) * a;
        sum[0] ^= sum[0] >> 29;
        sum[1] = (sum[1] + w) * b;
        sum[1] ^= sum[1] >> 32;
    };
    std::uint64_t w = 0;
    for (; bytes.size() >= 8; bytes.remove_prefix(8)) {
        std::memcpy(&w, bytes.data(), 8);
        take(w);
    }
    w = 0;
    std::memcpy(&w, bytes.data(), bytes.size());
    take(w);
    take(sum[0] >> 7);
    std::string out = "\"";
    append_base64url(out, {reinterpret_cast<char const*>(sum.data()), sizeof sum});
    return out += '"';
}

/// The weight of `;q=0.5` among parameters, in thousandths; what is malformed counts as 1.
inline int weight_of(std::string_view parameters) {
    while (!parameters.empty()) {
        parameters.remove_prefix(1); // the semicolon
        auto const end = std::min(parameters.find(';'), parameters.size());
        auto const one = net::http::trim(parameters.substr(0, end));
        parameters.remove_prefix(end);
        if (!one.starts_with("q=") && !one.starts_with("Q="))
            continue;
        double q = 1;
        auto const* const last = one.data() + one.size();
        auto const r = std::from_chars(one.data() + 2, last, q, std::chars_format::fixed);
        return r.ec == std::errc() && r.ptr == last && q >= 0 && q <= 1
                   ? static_cast<int>(std::lround(q * 1'000))
                   : 1'000;
    }
    return 1'000;
}

/// How much an `Accept` field likes a type; the most specific range that matches says so.
inline int liking(std::string_view accept, std::string_view type) {
    int weight = 0, specific = -1;
    auto const slash = type.find('/');
    while (!accept.empty()) {
        auto const comma = std::min(accept.find(','), accept.size());
        auto const item = net::http::trim(accept.substr(0, comma));
        accept.remove_prefix(std::min(comma + 1, accept.size()));
        auto const semicolon = std::min(item.find(';'), item.size());
        auto const range = net::http::trim(item.substr(0, semicolon));
        int level = -1;
        if (range == "*/*")
            level = 0;
        else if (range.ends_with("/*") && range.size() == slash + 2 &&
                 net::http::iequals(range.substr(0, slash), type.substr(0, slash)))
            level = 1;
        else if (net::http::iequals(range, type))
            level = 2;
        if (level > specific) {
            specific = level;
            weight = weight_of(item.substr(semicolon));
        }
    }
    return weight;
}

MAD_DECL std::optional<std::size_t> choose_type(std::string_view accept,
                                                std::span<std::string_view const> offered) {
    if (net::http::trim(accept).empty())
        return 0;
    std::optional<std::size_t> best;
    int most = 0;
    for (std::size_t i = 0; i < offered.size(); ++i)
        if (int const w = liking(accept, offered[i].substr(0, offered[i].find(';'))); w > most) {
            most = w;
            best = i;
        }
    return best;
}

MAD_DECL std::function<bool(host const&)> sight_of(http_caller const& c) {
    if (c.filter.empty())
        return [](host const&) { return true; };
    auto parsed = parse_search(c.filter);
    if (!parsed)
        return [](host const&) { return false; };
    return [s = std::make_shared<search const>(std::move(*parsed))](host const& h) {
        return s->matches(subject_of(h));
    };
}

} // namespace detail

} // namespace mad::inline MAD_ABI::fleet

#endif
