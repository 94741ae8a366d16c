#ifndef MAD_SOCKETIO_DETAIL_NSP_NAME_HPP
#define MAD_SOCKETIO_DETAIL_NSP_NAME_HPP

#include <mad/core/json_text.hpp>
#include <mad/core/query.hpp>

#include <algorithm>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

// Namespaces as peers of revision 4 name them: `/chat?room=r1`, read as a URL.

namespace mad::inline MAD_ABI::socketio::detail {

struct nsp_and_query {
    std::string_view name, query;
};

inline nsp_and_query split_nsp(std::string_view text) {
    text = text.substr(0, text.find('#'));
    auto const mark = text.find('?');
    if (mark == text.npos)
        return {text, {}};
    return {text.substr(0, mark), text.substr(mark + 1)};
}

/// The parameters as a JSON object of strings; of a repeated one the values as an array. More than
/// 1000 are left out, as Node's querystring does.
inline std::string query_as_json(std::string_view query) {
    std::vector<std::pair<std::string, std::vector<std::string>>> all;
    std::unordered_map<std::string, std::size_t> places;
    std::size_t left = 1000;
    query_view(query).for_each([&](std::string key, std::string value) {
        if (left == 0)
            return;
        --left;
        auto const [at, fresh] = places.try_emplace(key, all.size());
        if (fresh)
            all.emplace_back(std::move(key), std::vector<std::string>());
        all[at->second].second.push_back(std::move(value));
    });
    std::string out = "{";
    for (auto const& [key, values] : all) {
        if (out.size() > 1)
            out += ',';
        append_json_string(out, key);
        out += values.size() > 1 ? ":[" : ":";
        for (auto const& v : values) {
            if (&v != &values.front())
                out += ',';
            append_json_string(out, v);
        }
        if (values.size() > 1)
            out += ']';
    }
    return out += '}';
}

/// The path of a URL as Node writes it: what may not stand in one is escaped.
inline std::string encode_nsp(std::string_view name) {
    constexpr std::string_view escaped = "\"'<>\\^`{|}";
    constexpr char const* hex = "0123456789ABCDEF";
    std::string out;
    for (char const ch : name) {
        auto const c = static_cast<unsigned char>(ch);
        if (c > 0x20 && c < 0x7f && escaped.find(ch) == escaped.npos) {
            out += ch;
            continue;
        }
        out += '%';
        out += hex[c >> 4];
        out += hex[c & 15];
    }
    return out;
}

} // namespace mad::inline MAD_ABI::socketio::detail

#endif
