#include "tokens_file.hpp"

#include "options.hpp"
#include "toml.hpp"

#include <mad/core/sha256.hpp>
#include <mad/fleet/search.hpp>
#include <mad/fleet/token_file.hpp>

#include <algorithm>
#include <chrono>
#include <map>
#include <optional>
#include <sstream>

namespace programs {

namespace {

using mad::fleet::access_rules;
using mad::fleet::access_token;

constexpr std::size_t longest_file = 4 * 1024 * 1024, most_tokens = 10'000, most_patterns = 100;
constexpr std::size_t shortest_secret = 16, longest_secret = 4096, shortest_key = 32;
constexpr char make_one[] = "make one with: openssl rand -hex 32";

bool is_visible(std::string_view s) {
    return std::all_of(s.begin(), s.end(), [](char c) { return c > ' ' && c < '\x7f'; });
}

bool is_plain(std::string_view s) {
    return std::none_of(s.begin(), s.end(),
                        [](char c) { return (c >= 0 && c < ' ') || c == '\x7f'; });
}

std::optional<std::array<std::uint8_t, 32>> digest_of(std::string_view hex) {
    std::array<std::uint8_t, 32> out{};
    if (hex.size() != 64)
        return std::nullopt;
    for (std::size_t i = 0; i < hex.size(); ++i) {
        char const c = hex[i];
        int const digit = c >= '0' && c <= '9'   ? c - '0'
                          : c >= 'a' && c <= 'f' ? c - 'a' + 10
                          : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                                 : -1;
        if (digit < 0)
            return std::nullopt;
        out[i / 2] = static_cast<std::uint8_t>(out[i / 2] << 4 | digit);
    }
    return out;
}

/// Milliseconds since 1970. A date is the beginning of that day; without an offset it is UTC.
std::optional<std::int64_t> moment_of(toml::node const& n) {
    toml::date d;
    toml::time t{};
    std::int64_t offset = 0;
    if (auto const* const date = n.as_date()) {
        d = date->get();
    } else if (auto const* const both = n.as_date_time()) {
        d = both->get().date;
        t = both->get().time;
        offset = both->get().offset ? both->get().offset->minutes : 0;
    } else {
        return std::nullopt;
    }
    namespace c = std::chrono;
    auto const day = c::sys_days(c::year(d.year) / c::month(d.month) / c::day(d.day));
    auto const at = day.time_since_epoch() + c::hours(t.hour) + c::minutes(t.minute - offset) +
                    c::seconds(t.second);
    return c::duration_cast<c::milliseconds>(at).count() + t.nanosecond / 1'000'000;
}

class reader {
  public:
    explicit reader(std::string const& file)
        : file_(file) {}

    access_rules read() {
        std::string text;
        if (auto const bad = mad::fleet::read_secret_file(file_, longest_file, text); !bad.empty())
            throw usage_error("--tokens: " + bad);
        toml::table all;
        try {
            all = toml::parse(text, file_);
        } catch (toml::parse_error const& e) {
            // Its own text may quote what stands there.
            throw usage_error(file_ + ":" + std::to_string(e.source().begin.line) +
                              ": this is no TOML");
        }
        for (auto const& [key, value] : all) {
            if (key == "link_key")
                read_link_key(value);
            else if (key == "token")
                read_tokens(value);
            else
                say(value, std::string(key.str()) + ": unknown; there are link_key and [[token]]");
        }
        if (wrong_.empty() && rules_.tokens.empty())
            throw usage_error(file_ + ": no [[token]] is in it: nobody could come in");
        if (!wrong_.empty())
            throw usage_error(sorted());
        return std::move(rules_);
    }

  private:
    void say(toml::node const& at, std::string const& what) {
        wrong_.emplace_back(at.source().begin.line, what);
    }

    std::string sorted() {
        std::stable_sort(wrong_.begin(), wrong_.end(),
                         [](auto const& a, auto const& b) { return a.first < b.first; });
        std::string out;
        for (auto const& [line, what] : wrong_)
            out += (out.empty() ? "" : "\n") + file_ + ":" + std::to_string(line) + ": " + what;
        return out;
    }

    void read_link_key(toml::node const& n) {
        auto const text = n.value<std::string>();
        if (!n.is_string() || text->size() < shortest_key)
            return say(n, "link_key: a text of at least 32 characters; " + std::string(make_one));
        rules_.link_key = *text;
    }

    void read_tokens(toml::node const& n) {
        auto const* const list = n.as_array();
        if (!list || !list->is_homogeneous<toml::table>())
            return say(n, "token: write [[token]] above each one");
        if (list->size() > most_tokens)
            return say(n, "token: at most 10000");
        for (auto const& t : *list)
            read_token(*t.as_table());
    }

    void read_token(toml::table const& t) {
        access_token out;
        bool has_role = false;
        int secrets = 0;
        toml::node const* patterns = nullptr;
        toml::node const* filter = nullptr;
        for (auto const& [key, value] : t) {
            if (key == "name") {
                out.name = text_of(value, "name", 64);
            } else if (key == "role") {
                auto const r = mad::fleet::role_of(value.value<std::string>().value_or(""));
                has_role = true;
                if (r)
                    out.role = *r;
                else
                    say(value, "role: agent, viewer or admin");
            } else if (key == "token") {
                ++secrets;
                read_secret(value, out);
            } else if (key == "sha256") {
                ++secrets;
                if (auto const d = digest_of(value.value<std::string>().value_or("")))
                    take_digest(value, *d, out);
                else
                    say(value, "sha256: 64 hexadecimal digits, as of: printf %s TOKEN | sha256sum");
            } else if (key == "ids" || key == "tags") {
                patterns = &value;
                (key == "ids" ? out.ids : out.tags) = read_patterns(value, std::string(key.str()));
            } else if (key == "filter") {
                filter = &value;
                out.filter = text_of(value, "filter", 512);
                if (auto const search = mad::fleet::parse_search(out.filter); !search)
                    say(value, "filter: " + search.error().message());
            } else if (key == "expires") {
                if (auto const at = moment_of(value))
                    out.expires_ms = std::max<std::int64_t>(*at, 1);
                else
                    say(value, "expires: a date without quotes such as 2027-01-31 or "
                               "2027-01-31T12:00:00Z");
            } else {
                say(value, std::string(key.str()) +
                               ": unknown; there are name, role, token or sha256, ids, tags, "
                               "filter and expires");
            }
        }
        if (out.name.empty() && !t.contains("name"))
            say(t, "name: missing; logs show it in place of the token");
        if (!has_role)
            say(t, "role: missing; agent, viewer or admin");
        if (secrets != 1)
            say(t, secrets == 0 ? "token: missing; " + std::string(make_one)
                                : "token and sha256: give one of them");
        if (patterns && has_role && out.role != mad::fleet::role::agent)
            say(*patterns, "ids and tags are for the role agent");
        if (filter && has_role && out.role != mad::fleet::role::viewer)
            say(*filter, "filter is for the role viewer");
        if (!out.name.empty() && !names_.emplace(out.name, t.source().begin.line).second)
            say(t, "name: '" + out.name + "' is on line " + std::to_string(names_[out.name]) +
                       " too; sessions are known by it");
        rules_.tokens.push_back(std::move(out));
    }

    std::string text_of(toml::node const& n, std::string const& key, std::size_t most) {
        auto const text = n.value<std::string>();
        if (n.is_string() && !text->empty() && text->size() <= most && is_plain(*text))
            return *text;
        say(n,
            key + ": a text of 1 to " + std::to_string(most) + " bytes without control characters");
        return {};
    }

    void read_secret(toml::node const& n, access_token& out) {
        auto const text = n.value<std::string>();
        if (!n.is_string() || text->size() < shortest_secret || text->size() > longest_secret ||
            !is_visible(*text))
            return say(n, "token: a text of 16 to 4096 visible ASCII characters; " +
                              std::string(make_one));
        if (text->starts_with("mad-view."))
            return say(n, "token: those that begin with mad-view. are links");
        take_digest(n, mad::sha256(*text), out);
    }

    void take_digest(toml::node const& n, std::array<std::uint8_t, 32> const& digest,
                     access_token& out) {
        out.sha256 = digest;
        if (auto const [it, fresh] = digests_.emplace(digest, n.source().begin.line); !fresh)
            say(n, "token: the same as on line " + std::to_string(it->second) +
                       "; each needs its own");
    }

    std::vector<std::string> read_patterns(toml::node const& n, std::string const& key) {
        std::vector<std::string> out;
        auto const* const list = n.as_array();
        bool fine = list && !list->empty() && list->size() <= most_patterns;
        if (fine)
            for (auto const& p : *list) {
                auto const text = p.value<std::string>();
                fine = fine && p.is_string() && !text->empty() && text->size() <= 128 &&
                       is_plain(*text);
                out.push_back(text.value_or(""));
            }
        if (!fine)
            say(n, key + ": a list of 1 to 100 texts such as [\"web-*\", \"db-1\"], each of 1 to "
                         "128 bytes; without it: all");
        return out;
    }

    std::string const& file_;
    access_rules rules_;
    std::vector<std::pair<unsigned, std::string>> wrong_;
    std::map<std::string, unsigned> names_;
    std::map<std::array<std::uint8_t, 32>, unsigned> digests_;
};

} // namespace

access_rules read_tokens(std::string const& file) {
    return reader(file).read();
}

} // namespace programs
