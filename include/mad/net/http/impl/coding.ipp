#ifndef MAD_NET_HTTP_IMPL_CODING_IPP
#define MAD_NET_HTTP_IMPL_CODING_IPP

#include <mad/net/http/coding.hpp>

#include <algorithm>
#include <array>
#include <optional>

namespace mad::inline MAD_ABI::net::http {

namespace detail {

/// `0.75` in thousandths; nothing for what is no weight.
inline std::optional<int> read_weight(std::string_view s) {
    if (s.empty() || (s[0] != '0' && s[0] != '1') || s.size() > 5 || (s.size() > 1 && s[1] != '.'))
        return std::nullopt;
    int value = (s[0] - '0') * 1000, unit = 100;
    for (char const c : s.substr(std::min<std::size_t>(s.size(), 2))) {
        if (c < '0' || c > '9')
            return std::nullopt;
        value += (c - '0') * unit;
        unit /= 10;
    }
    return value > 1000 ? std::nullopt : std::optional(value);
}

/// Takes the part up to `c`, or all of it, off `rest`.
inline std::string_view take_part(std::string_view& rest, char c) {
    auto const end = rest.find(c);
    auto const part = rest.substr(0, end);
    rest.remove_prefix(end == rest.npos ? rest.size() : end + 1);
    return trim(part);
}

/// The weight of `gzip;q=0.5`; nothing for what is malformed.
inline std::optional<int> weight_of(std::string_view parameters) {
    int weight = 1000;
    while (!parameters.empty()) {
        auto value = take_part(parameters, ';');
        auto const name = take_part(value, '=');
        if (!iequals(name, "q"))
            return std::nullopt;
        auto const w = read_weight(value);
        if (!w)
            return std::nullopt;
        weight = *w;
    }
    return weight;
}

} // namespace detail

MAD_DECL content_coding choose_coding(std::string_view accept_encoding) {
    std::optional<int> gzip, deflate, identity, others;
    while (!accept_encoding.empty()) {
        auto element = detail::take_part(accept_encoding, ',');
        auto const name = detail::take_part(element, ';');
        auto const weight = detail::weight_of(element);
        if (!weight)
            continue;
        if (iequals(name, "gzip") || iequals(name, "x-gzip"))
            gzip = weight;
        else if (iequals(name, "deflate"))
            deflate = weight;
        else if (iequals(name, "identity"))
            identity = weight;
        else if (name == "*")
            others = weight;
    }
    auto const g = gzip.value_or(others.value_or(0)), d = deflate.value_or(others.value_or(0));
    auto const best = std::max(g, d);
    if (best == 0 || best < identity.value_or(0))
        return content_coding::identity;
    return g == best ? content_coding::gzip : content_coding::deflate;
}

MAD_DECL void compress_body(response& r, content_coding coding, body_compression const& how) {
    if (r.shared_body || r.body.size() < how.threshold() ||
        r.fields.find("Content-Encoding:") != r.fields.npos)
        return;
    r.set("Vary", "Accept-Encoding"); // whatever this one is, another asker may get the other
    if (coding == content_coding::identity)
        return;
    auto shorter = how.compress(coding, r.body);
    if (!shorter)
        return;
    r.set("Content-Encoding", coding == content_coding::gzip ? "gzip" : "deflate");
    r.body = std::move(*shorter);
}

} // namespace mad::inline MAD_ABI::net::http

#endif
