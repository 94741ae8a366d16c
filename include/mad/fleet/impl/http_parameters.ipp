#ifndef MAD_FLEET_IMPL_HTTP_PARAMETERS_IPP
#define MAD_FLEET_IMPL_HTTP_PARAMETERS_IPP

#include <mad/core/json.hpp>
#include <mad/core/json_text.hpp>
#include <mad/core/query.hpp>
#include <mad/core/utf8.hpp>
#include <mad/fleet/detail/http_parameters.hpp>

#include <algorithm>
#include <charconv>

namespace mad::inline MAD_ABI::fleet::detail {

MAD_DECL parameter_judge::parameter_judge(http_parameter const& p)
    : name_(p.name) {
    auto const schema = json::parse(p.schema);
    auto const& type = schema.at("type").get_ref<json::string_t const&>();
    integer_ = type == "integer";
    list_ = type == "array";
    auto const& words = list_ ? schema.at("items") : schema;
    if (words.contains("enum"))
        enum_ = words.at("enum").get<std::vector<std::string>>();
    least_ = schema.value(integer_ ? "minimum" : "minLength", std::size_t(0));
    most_ = schema.value(integer_ ? "maximum" : "maxLength", std::size_t(8'192));
}

MAD_DECL bool parameter_judge::allows(std::string_view word) const {
    return enum_.empty() || std::find(enum_.begin(), enum_.end(), word) != enum_.end();
}

MAD_DECL std::string parameter_judge::words() const {
    std::string out;
    for (auto const& w : enum_)
        out.append(out.empty() ? "" : ", ").append(w);
    return out;
}

MAD_DECL std::string parameter_judge::judge(std::string_view value) const {
    if (integer_) {
        std::size_t n = 0;
        auto const* const end = value.data() + value.size();
        auto const r = std::from_chars(value.data(), end, n);
        if (r.ec == std::errc() && r.ptr == end && n >= least_ && n <= most_)
            return {};
        std::string say = "must be a whole number from ";
        append_json_number(say, least_);
        append_json_number(say += " to ", most_);
        return say;
    }
    if (list_) {
        std::vector<std::string_view> all;
        for (auto rest = value;;) {
            auto const comma = std::min(rest.find(','), rest.size());
            auto const word = rest.substr(0, comma);
            if (!allows(word) || std::find(all.begin(), all.end(), word) != all.end())
                return "must be some of " + words() + ", with commas between them";
            all.push_back(word);
            if (comma == rest.size())
                return {};
            rest.remove_prefix(comma + 1);
        }
    }
    if (!allows(value))
        return "must be one of " + words();
    auto const units = static_cast<std::size_t>(
        std::count_if(value.begin(), value.end(), [](char c) { return (c & 0xc0) != 0x80; }));
    if (units >= least_ && units <= most_)
        return {};
    std::string say = "must have ";
    append_json_number(say, least_);
    append_json_number(say += " to ", most_);
    return say += " characters";
}

inline bool is_utf8(std::string_view s) {
    while (!s.empty()) {
        auto const n = utf8_sequence_length(s);
        if (n == 0)
            return false;
        s.remove_prefix(n);
    }
    return true;
}

MAD_DECL std::string read_parameters(std::vector<parameter_judge> const& judges,
                                     std::string_view query, http_task& out) {
    std::string why;
    auto const find = [&](std::string_view name) {
        return std::find_if(judges.begin(), judges.end(),
                            [&](auto const& j) { return j.name() == name; });
    };
    query_view const all(query);
    // `clients?tag:prod cpu>=80`: the search itself.
    bool const bare = out.what->path == "clients" && query.find('&') == query.npos &&
                      find(percent_decode(query.substr(0, query.find('=')), true)) == judges.end();
    auto const take = [&](std::string key, std::string value) {
        if (!why.empty())
            return;
        auto const judge = find(key);
        if (judge == judges.end())
            why = "there is no parameter of that name";
        else if (out.parameter(key))
            why = "must come once";
        else if (!is_utf8(value))
            why = "must be UTF-8";
        else
            why = judge->judge(value);
        if (!why.empty())
            why = (is_utf8(key) ? key.substr(0, 64) : std::string("?")) + ": " + why;
        else
            out.parameters.emplace_back(std::move(key), std::move(value));
    };
    if (query.empty())
        return {};
    if (bare)
        take("query", percent_decode(query, true));
    else
        all.for_each(take);
    return why;
}

} // namespace mad::inline MAD_ABI::fleet::detail

#endif
