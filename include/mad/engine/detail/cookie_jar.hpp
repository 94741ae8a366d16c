#ifndef MAD_ENGINE_DETAIL_COOKIE_JAR_HPP
#define MAD_ENGINE_DETAIL_COOKIE_JAR_HPP

#include <mad/net/http/client.hpp>
#include <mad/net/http/head.hpp>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mad::inline MAD_ABI::engine::detail {

/// The cookies of one session with one server, for as long as the session lasts: neither domains
/// nor paths nor dates matter. Bounded; further cookies are not kept.
class cookie_jar {
  public:
    static constexpr std::size_t max_cookies = 30, max_cookie_bytes = 4096;

    /// From the text of a `Cookie` field.
    void put_all(std::string_view text) {
        while (!text.empty()) {
            auto const end = std::min(text.find(';'), text.size());
            put(text.substr(0, end), false);
            text.remove_prefix(std::min(end + 1, text.size()));
        }
    }

    /// From the `Set-Cookie` fields of an answer.
    void keep(net::http::client_response const& r) {
        for (auto const& [name, value] : r.fields)
            if (net::http::iequals(name, "Set-Cookie"))
                set(value);
    }

    /// The text of a `Cookie` field; empty when there is none.
    std::string header() const {
        std::string out;
        for (auto const& [name, value] : cookies_) {
            if (!out.empty())
                out += "; ";
            out.append(name).append("=").append(value);
        }
        return out;
    }

  private:
    static std::string_view trim(std::string_view s) {
        while (!s.empty() && (s.front() == ' ' || s.front() == '\t'))
            s.remove_prefix(1);
        while (!s.empty() && (s.back() == ' ' || s.back() == '\t'))
            s.remove_suffix(1);
        return s;
    }

    void set(std::string_view text) {
        auto const pair = text.substr(0, text.find(';'));
        bool over = false;
        for (auto rest = text.substr(pair.size()); !rest.empty();) {
            rest.remove_prefix(1);
            auto const one = trim(rest.substr(0, rest.find(';')));
            auto const equals = std::min(one.find('='), one.size());
            auto const value = trim(one.substr(std::min(equals + 1, one.size())));
            if (net::http::iequals(trim(one.substr(0, equals)), "Max-Age"))
                over = value == "0" || value.starts_with('-');
            rest.remove_prefix(std::min(rest.find(';'), rest.size()));
        }
        put(pair, over);
    }

    void put(std::string_view pair, bool over) {
        auto const equals = pair.find('=');
        if (equals == pair.npos || pair.size() > max_cookie_bytes)
            return;
        auto const name = trim(pair.substr(0, equals)), value = trim(pair.substr(equals + 1));
        auto const same = [&](auto const& c) { return c.first == name; };
        auto const it = std::find_if(cookies_.begin(), cookies_.end(), same);
        if (name.empty())
            return;
        if (over)
            cookies_.erase(std::remove_if(cookies_.begin(), cookies_.end(), same), cookies_.end());
        else if (it != cookies_.end())
            it->second = value;
        else if (cookies_.size() < max_cookies)
            cookies_.emplace_back(name, value);
    }

    std::vector<std::pair<std::string, std::string>> cookies_;
};

} // namespace mad::inline MAD_ABI::engine::detail

#endif
