#ifndef MAD_REDIS_IMPL_CONFIG_IPP
#define MAD_REDIS_IMPL_CONFIG_IPP

#include <mad/core/query.hpp>
#include <mad/redis/config.hpp>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <iterator>
#include <optional>
#include <utility>

namespace mad::inline MAD_ABI::redis {

namespace detail {

/// Reads a URL from front to back. Every piece it works on is a view into `whole`, which gives the
/// place of a mistake.
class url_reader {
  public:
    explicit url_reader(std::string_view whole)
        : whole_(whole) {}

    config_result<config> read() {
        if (whole_.size() > 4096)
            return fail(whole_, "a Redis URL has at most 4096 characters");
        for (std::size_t i = 0; i < whole_.size(); ++i) {
            auto const b = static_cast<unsigned char>(whole_[i]);
            if (b <= 0x20 || b == 0x7f)
                return fail(whole_.substr(i, 1),
                            "a space or control character: write it as %XX, for example %20");
        }
        auto const colon = whole_.find("://");
        if (colon == whole_.npos)
            return fail(whole_, "no scheme: begin with redis://, rediss://, redis+sentinel:// or "
                                "unix://");
        auto const scheme = whole_.substr(0, colon);
        c_.endpoints.clear();
        c_.tls = scheme.starts_with("rediss");
        bool const local = scheme == "unix" || scheme == "redis+unix";
        bool const sentinel = scheme == "redis+sentinel" || scheme == "rediss+sentinel";
        if (!local && !sentinel && scheme != "redis" && scheme != "rediss")
            return fail(scheme, "unknown scheme: write redis, rediss, redis+sentinel, "
                                "rediss+sentinel or unix");
        auto rest = whole_.substr(colon + 3);
        auto const question = rest.find('?');
        auto const query = question == rest.npos ? std::string_view() : rest.substr(question + 1);
        rest = rest.substr(0, question);
        bool ok = false;
        if (local)
            ok = read_unix(rest);
        else
            ok = read_hosts(rest, sentinel);
        if (!ok || !read_options(query) || !judge())
            return std::move(failure_);
        return std::move(c_);
    }

  private:
    /// `where` is a piece of the text.
    config_failure fail(std::string_view where, std::string_view what) {
        auto const at = static_cast<std::size_t>(where.data() - whole_.data());
        failure_ = {error::bad_url,
                    "Redis URL, character " + std::to_string(at + 1) + ": " + std::string(what),
                    at};
        return failure_;
    }
    bool no(std::string_view where, std::string_view what) {
        fail(where, what);
        return false;
    }

    template <class Number>
    static std::optional<Number> number(std::string_view s) {
        Number n = 0;
        auto const r = std::from_chars(s.data(), s.data() + s.size(), n);
        return s.empty() || r.ec != std::errc() || r.ptr != s.data() + s.size() ? std::nullopt
                                                                                : std::optional(n);
    }

    bool read_user(std::string_view who) {
        auto const colon = who.find(':');
        if (colon == who.npos)
            return no(who, "a user without a password: write USER:PASSWORD@, or :PASSWORD@ for "
                           "the default user");
        c_.user = percent_decode(who.substr(0, colon), false);
        c_.password = percent_decode(who.substr(colon + 1), false);
        return true;
    }

    bool read_unix(std::string_view rest) {
        if (auto const at = rest.find('@'); at != rest.npos && at < rest.find('/')) {
            if (!read_user(rest.substr(0, at)))
                return false;
            rest.remove_prefix(at + 1);
        }
        if (!rest.starts_with('/'))
            return no(rest,
                      "the path of a unix socket begins with /: write unix:///run/redis.sock");
        auto path = percent_decode(rest, false);
        if (path.size() > 107 || path.find('\0') != path.npos)
            return no(rest, "the path of a unix socket has at most 107 bytes");
        c_.endpoints = {{"", 0, std::move(path)}};
        return true;
    }

    bool read_hosts(std::string_view rest, bool sentinel) {
        auto const slash = rest.find('/');
        auto where = rest.substr(0, slash);
        auto path = slash == rest.npos ? rest.substr(rest.size()) : rest.substr(slash + 1);
        if (auto const at = where.rfind('@'); at != where.npos) {
            if (!read_user(where.substr(0, at)))
                return false;
            where.remove_prefix(at + 1);
        }
        for (bool more = true; more;) {
            auto const comma = std::min(where.find(','), where.size());
            if (!read_host(where.substr(0, comma), sentinel ? 26379 : 6379))
                return false;
            more = comma < where.size();
            where.remove_prefix(comma + (more ? 1 : 0));
        }
        if (sentinel) {
            c_.topology = topology::sentinel;
            auto const next = std::min(path.find('/'), path.size());
            c_.master_name = percent_decode(path.substr(0, next), false);
            if (c_.master_name.empty())
                return no(path, "no name of the master: write /NAME behind the sentinels, as in "
                                "`sentinel monitor NAME ...`");
            path.remove_prefix(std::min(next + 1, path.size()));
        }
        return path.empty() || read_database(path);
    }

    bool read_host(std::string_view text, std::uint16_t port) {
        auto rest = text;
        std::string host;
        if (rest.starts_with('[')) {
            auto const close = rest.find(']');
            if (close == rest.npos || rest.substr(1, close - 1).find(':') == rest.npos)
                return no(text, "an IPv6 address stands in brackets: [::1]:6379");
            host = rest.substr(1, close - 1);
            rest.remove_prefix(close + 1);
        } else {
            host = rest.substr(0, rest.find(':'));
            rest.remove_prefix(host.size());
        }
        if (host.empty() || host.find_first_of("[]@\\") != host.npos)
            return no(text, "no host: write HOST:PORT");
        if (!rest.empty()) {
            auto const n = number<std::uint16_t>(rest.substr(1));
            if (rest.front() != ':' || !n || *n == 0)
                return no(rest, "the port is a number from 1 to 65535 (an IPv6 address stands in "
                                "brackets)");
            port = *n;
        }
        c_.endpoints.push_back({std::move(host), port});
        return true;
    }

    bool read_database(std::string_view text) {
        auto const n = number<unsigned>(text);
        if (!n || *n > 1'000'000)
            return no(text, "the database is a number: write /0");
        c_.database = *n;
        return true;
    }

    bool read_options(std::string_view query) {
        while (!query.empty()) {
            auto const piece = query.substr(0, query.find('&'));
            query.remove_prefix(std::min(piece.size() + 1, query.size()));
            if (!piece.empty() && !read_option(piece))
                return false;
        }
        return true;
    }

    bool read_option(std::string_view piece) {
        auto const equals = std::min(piece.find('='), piece.size());
        auto const key = piece.substr(0, equals);
        auto const raw = piece.substr(std::min(equals + 1, piece.size()));
        auto value = percent_decode(raw, false);
        using text_option = std::pair<std::string_view, std::string config::*>;
        static constexpr text_option texts[] = {
            {"ca_file", &config::ca_file},
            {"password_file", &config::password_file},
            {"sentinel_user", &config::sentinel_user},
            {"sentinel_password", &config::sentinel_password},
            {"client_name", &config::client_name},
        };
        for (auto const& [name, member] : texts)
            if (key == name) {
                c_.*member = std::move(value);
                return true;
            }
        if (key == "db")
            return read_database(raw);
        if (key == "cluster") {
            if (raw != "1" && raw != "0")
                return no(piece, "cluster is 1 or 0");
            if (raw == "1" && c_.topology == topology::sentinel)
                return no(piece, "a Cluster has no sentinels: leave one of the two out");
            if (raw == "1")
                c_.topology = topology::cluster;
            return true;
        }
        if (key == "protocol") {
            if (raw != "2" && raw != "3")
                return no(piece, "protocol is 2 or 3");
            c_.protocol = raw == "2" ? 2 : 3;
            return true;
        }
        return no(piece, "unknown option: there are cluster, db, ca_file, password_file, "
                         "sentinel_user, sentinel_password, client_name and protocol");
    }

    bool judge() {
        if (c_.topology == topology::cluster && c_.database != 0)
            return no(whole_, "a Cluster has only database 0");
        if (c_.topology == topology::cluster && !c_.endpoints.front().path.empty())
            return no(whole_, "a Cluster is reached over TCP: write redis://HOST:PORT?cluster=1");
        if (c_.topology == topology::single && c_.endpoints.size() > 1)
            return no(whole_, "several hosts: add ?cluster=1, or write redis+sentinel://");
        if (c_.client_name.find_first_of(" \r\n") != c_.client_name.npos)
            return no(whole_, "client_name has no spaces");
        return true;
    }

    std::string_view whole_;
    config c_;
    config_failure failure_;
};

inline std::string percent_encode_path(std::string_view s) {
    std::string out;
    while (!s.empty()) {
        auto const piece = s.substr(0, s.find('/'));
        out += percent_encode(piece);
        s.remove_prefix(piece.size());
        if (!s.empty()) {
            out += '/';
            s.remove_prefix(1);
        }
    }
    return out;
}

} // namespace detail

MAD_DECL std::string to_string(endpoint const& e) {
    if (!e.path.empty())
        return e.path;
    return (e.host.find(':') == e.host.npos ? e.host : '[' + e.host + ']') + ':' +
           std::to_string(e.port);
}

MAD_DECL config_result<config> parse_url(std::string_view text) {
    return detail::url_reader(text).read();
}

MAD_DECL std::string to_string(config const& c) {
    bool const local = !c.endpoints.empty() && !c.endpoints.front().path.empty();
    std::string out = local ? "unix" : c.tls ? "rediss" : "redis";
    out += c.topology == topology::sentinel ? "+sentinel://" : "://";
    if (!c.password.empty() || !c.user.empty())
        out += percent_encode(c.user) + ":***@";
    for (auto const& e : c.endpoints)
        out += (&e == &c.endpoints.front() ? "" : ",") +
               (local ? detail::percent_encode_path(e.path) : to_string(e));
    if (c.topology == topology::sentinel)
        out += '/' + percent_encode(c.master_name);
    char next = '?';
    auto const option = [&](std::string_view key, std::string const& value) {
        out.append(1, std::exchange(next, '&')).append(key).append(1, '=').append(value);
    };
    if (local && c.database != 0)
        option("db", std::to_string(c.database));
    else if (!local && c.topology != topology::cluster)
        out += '/' + std::to_string(c.database);
    if (c.topology == topology::cluster)
        option("cluster", "1");
    if (!c.ca_file.empty())
        option("ca_file", percent_encode(c.ca_file));
    if (!c.password_file.empty())
        option("password_file", percent_encode(c.password_file));
    if (!c.sentinel_user.empty())
        option("sentinel_user", percent_encode(c.sentinel_user));
    if (!c.sentinel_password.empty())
        option("sentinel_password", "***");
    if (c.client_name != config().client_name)
        option("client_name", percent_encode(c.client_name));
    if (c.protocol != 2)
        option("protocol", std::to_string(c.protocol));
    return out;
}

MAD_DECL std::string mask_passwords(std::string_view text) {
    std::string out(text);
    // Between the first `:` behind `://` and the last `@` before the path.
    auto const start = out.find("://");
    auto const from = start == out.npos ? 0 : start + 3;
    auto const end = std::min(out.find('?', from), out.size());
    auto const at = out.rfind('@', end);
    auto const colon = out.find(':', from);
    if (at != out.npos && at >= from && colon < at)
        out.replace(colon + 1, at - colon - 1, "***");
    constexpr std::string_view option = "password=";
    for (auto i = out.find(option); i != out.npos; i = out.find(option, i + option.size())) {
        auto const value = i + option.size();
        out.replace(value, std::min(out.find('&', value), out.size()) - value, "***");
    }
    return out;
}

MAD_DECL config_result<std::string> current_password(config const& c) {
    if (c.password_file.empty())
        return c.password;
    std::ifstream in(c.password_file, std::ios::binary);
    std::string text(4096, '\0');
    in.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(in.gcount()));
    if (!in.is_open() || in.bad())
        return config_failure{error::password_unreadable,
                              "cannot read the password file " + c.password_file, 0};
    while (text.ends_with('\n') || text.ends_with('\r'))
        text.pop_back();
    return text;
}

} // namespace mad::inline MAD_ABI::redis

#endif
