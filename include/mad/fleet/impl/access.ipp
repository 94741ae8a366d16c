#ifndef MAD_FLEET_IMPL_ACCESS_IPP
#define MAD_FLEET_IMPL_ACCESS_IPP

#include <mad/core/base64.hpp>
#include <mad/core/detail/named_category.hpp>
#include <mad/core/ids.hpp>
#include <mad/core/json.hpp>
#include <mad/core/json_parse.hpp>
#include <mad/core/json_text.hpp>
#include <mad/core/sha256.hpp>
#include <mad/fleet/access.hpp>

#include <algorithm>
#include <utility>

namespace mad::inline MAD_ABI::fleet {

namespace detail {

struct access_words {
    access_error error;
    std::string_view code, text;
};

inline constexpr access_words all_access_words[]{
    {access_error::none, "none", "no error"},
    {access_error::token_needed, "token_needed", "a token is needed"},
    {access_error::token_unknown, "token_unknown", "this node does not know the token"},
    {access_error::token_expired, "token_expired", "the token has expired"},
    {access_error::too_many_attempts, "too_many_attempts",
     "too many wrong tokens from this address: try again in a while"},
    {access_error::may_not_write, "may_not_write", "this token may only read"},
    {access_error::may_not_read, "may_not_read", "this token may only send health records"},
    {access_error::may_not_manage, "may_not_manage", "this is for admins"},
    {access_error::other_agent, "other_agent", "this token is for agents of other ids or tags"},
    {access_error::foreign_host, "foreign_host", "Forbidden"},
    {access_error::foreign_origin, "foreign_origin", "pages of other sites may not ask this"},
};

inline access_words const& words_of(int error) {
    for (auto const& w : all_access_words)
        if (static_cast<int>(w.error) == error)
            return w;
    static constexpr access_words unknown{access_error::none, "unknown", "unknown error"};
    return unknown;
}

inline std::string_view describe_access_error(int v) {
    return words_of(v).text;
}

/// `*` stands for any text; everything else for itself.
inline bool fits(std::string_view pattern, std::string_view text) {
    std::size_t p = 0, t = 0, star = pattern.npos, from = 0;
    while (t < text.size()) {
        if (p < pattern.size() && pattern[p] == '*') {
            star = p++;
            from = t;
        } else if (p < pattern.size() && pattern[p] == text[t]) {
            ++p;
            ++t;
        } else if (star != pattern.npos) {
            p = star + 1;
            t = ++from;
        } else {
            return false;
        }
    }
    while (p < pattern.size() && pattern[p] == '*')
        ++p;
    return p == pattern.size();
}

inline bool fits_one(std::vector<std::string> const& patterns, std::string_view text) {
    return std::any_of(patterns.begin(), patterns.end(),
                       [&](std::string const& p) { return fits(p, text); });
}

inline std::string_view bytes_of(std::array<std::uint8_t, 32> const& a) {
    return {reinterpret_cast<char const*>(a.data()), a.size()};
}

/// By this a link is told from the tokens of the file.
inline constexpr std::string_view link_prefix = "mad-view.";

/// What no token is longer than: a link with the longest search.
inline constexpr std::size_t longest_shown = 9216;

inline std::string link_signature(std::string_view key, std::string_view signed_text) {
    std::string out;
    append_base64url(out, bytes_of(hmac_sha256(key, signed_text)));
    return out;
}

/// The strongest role of a list with commas that says `viewer` or `admin`.
inline role strongest(std::string_view list, role otherwise) {
    bool viewer = false;
    while (!list.empty()) {
        auto const comma = std::min(list.find(','), list.size());
        auto word = list.substr(0, comma);
        list.remove_prefix(std::min(comma + 1, list.size()));
        while (!word.empty() && (word.front() == ' ' || word.front() == '\t'))
            word.remove_prefix(1);
        while (!word.empty() && (word.back() == ' ' || word.back() == '\t'))
            word.remove_suffix(1);
        if (word == "admin")
            return role::admin;
        viewer = viewer || word == "viewer";
    }
    return viewer ? role::viewer : otherwise;
}

} // namespace detail

MAD_DECL error_category const& access_category() {
    static mad::detail::named_category const it("mad.fleet.access", &detail::describe_access_error);
    return it;
}

MAD_DECL std::string_view code_of(access_error e) {
    return detail::words_of(static_cast<int>(e)).code;
}

MAD_DECL std::string_view to_string(role r) {
    switch (r) {
    case role::agent:
        return "agent";
    case role::viewer:
        return "viewer";
    case role::admin:
        break;
    }
    return "admin";
}

MAD_DECL std::optional<role> role_of(std::string_view word) {
    for (auto const r : {role::agent, role::viewer, role::admin})
        if (word == to_string(r))
            return r;
    return std::nullopt;
}

MAD_DECL std::uint8_t rights_of(role r) {
    constexpr auto write = static_cast<std::uint8_t>(right::write);
    constexpr auto read = static_cast<std::uint8_t>(right::read);
    constexpr auto manage = static_cast<std::uint8_t>(right::manage);
    switch (r) {
    case role::agent:
        return write;
    case role::viewer:
        return read;
    case role::admin:
        break;
    }
    return write | read | manage;
}

MAD_DECL bool principal::may_be(agent_claim const& c) const {
    if (!may(right::write) || (!ids.empty() && !detail::fits_one(ids, c.id)))
        return false;
    return tags.empty() ||
           (!c.tags.empty() && std::all_of(c.tags.begin(), c.tags.end(), [&](std::string const& t) {
               return detail::fits_one(tags, t);
           }));
}

MAD_DECL std::string principal::narrowed(std::string_view asked) const {
    if (filter.empty() || asked.empty())
        return filter.empty() ? std::string(asked) : filter;
    return filter + " " + std::string(asked);
}

MAD_DECL access::access(access_settings s)
    : settings_(std::move(s)) {
    link_key_ = settings_.rules ? settings_.rules->link_key : std::string();
    if (link_key_.empty())
        link_key_ = settings_.spare_link_key.empty() ? random_id(30) : settings_.spare_link_key;
    link_mark_ = hmac_sha256(link_key_, "mark");
    if (settings_.rules)
        for (auto const& t : settings_.rules->tokens) {
            principal p;
            p.name = t.name;
            p.role = t.role;
            p.rights = rights_of(t.role);
            p.by = known_by::token;
            p.ids = t.ids;
            p.tags = t.tags;
            p.filter = t.filter;
            p.expires_ms = t.expires_ms;
            p.mark = t.sha256;
            principals_.push_back(std::make_shared<principal const>(std::move(p)));
        }
    auto const made = [](std::string name, role r, std::uint8_t rights, known_by by) {
        principal p;
        p.name = std::move(name);
        p.role = r;
        p.rights = rights;
        p.by = by;
        return std::make_shared<principal const>(std::move(p));
    };
    local_ = made("local", role::admin, rights_of(role::admin), known_by::place);
    auto const open = open_rights();
    bool const reads = (open & rights_of(role::viewer)) != 0;
    open_ = made("anonymous", reads ? role::viewer : role::agent, open, known_by::nothing);
}

MAD_DECL std::uint8_t access::open_rights() const {
    constexpr auto both = static_cast<std::uint8_t>(static_cast<unsigned>(right::write) |
                                                    static_cast<unsigned>(right::read));
    if (settings_.open == open_to::everybody || alone())
        return both;
    return settings_.open == open_to::agents ? rights_of(role::agent) : std::uint8_t{0};
}

MAD_DECL result<principal_ptr> access::judge(shown const& s, std::int64_t now_ms) const {
    bool const is_link = s.token.starts_with(detail::link_prefix);
    if (!s.token.empty() && (settings_.rules || is_link)) {
        if (s.token.size() > detail::longest_shown)
            return error_code(access_error::token_unknown);
        if (is_link)
            return judge_link(s.token, now_ms);
        auto const digest = sha256(s.token);
        principal_ptr found;
        for (auto const& p : principals_) // all of them, whichever it is
            if (equal_secret(detail::bytes_of(p->mark), detail::bytes_of(digest)))
                found = p;
        if (!found)
            return error_code(access_error::token_unknown);
        if (found->expires_ms != 0 && found->expires_ms <= now_ms)
            return error_code(access_error::token_expired);
        return found;
    }
    if (!s.identity.empty()) {
        principal p;
        p.name = s.identity.substr(0, 256);
        p.role = detail::strongest(s.identity_roles, settings_.identity_role);
        p.rights = rights_of(p.role);
        p.by = known_by::identity;
        return principal_ptr(std::make_shared<principal const>(std::move(p)));
    }
    return judge_open(s);
}

MAD_DECL result<principal_ptr> access::judge_open(shown const& s) const {
    if (alone() && !s.local_name)
        return error_code(access_error::foreign_host);
    if (!settings_.rules && s.local)
        return local_;
    if (open_->rights == 0)
        return error_code(access_error::token_needed);
    return open_;
}

MAD_DECL result<principal_ptr> access::judge_link(std::string_view token,
                                                  std::int64_t now_ms) const {
    auto const dot = token.rfind('.');
    auto const signed_text = token.substr(0, dot);
    // The text is what is signed: nothing in it is read before that is found good.
    if (!equal_secret(token.substr(dot + 1), detail::link_signature(link_key_, signed_text)) ||
        signed_text.size() < detail::link_prefix.size())
        return error_code(access_error::token_unknown);
    std::string text;
    if (!base64_decode(signed_text.substr(detail::link_prefix.size()), text))
        return error_code(access_error::token_unknown);
    auto const said = parse_json(text);
    if (!said || !said->is_object() || !said->contains("e") || !(*said)["e"].is_number_integer())
        return error_code(access_error::token_unknown);
    principal p;
    p.name = "link";
    p.role = role::viewer;
    p.rights = rights_of(role::viewer);
    p.by = known_by::link;
    p.expires_ms = (*said)["e"].get<std::int64_t>();
    p.mark = link_mark_;
    if (auto const f = said->find("f"); f != said->end() && f->is_string())
        p.filter = f->get<std::string>();
    if (p.expires_ms <= now_ms)
        return error_code(access_error::token_expired);
    return principal_ptr(std::make_shared<principal const>(std::move(p)));
}

MAD_DECL bool access::still_good(principal const& p) const {
    if (p.by == known_by::link)
        return equal_secret(detail::bytes_of(p.mark), detail::bytes_of(link_mark_));
    if (p.by != known_by::token)
        return true;
    return std::any_of(principals_.begin(), principals_.end(),
                       [&](principal_ptr const& mine) { return *mine == p; });
}

MAD_DECL view_link access::make_link(std::string_view filter, std::int64_t expires_ms) const {
    std::string text = "{\"e\":";
    append_json_number(text, expires_ms);
    if (!filter.empty())
        append_json_string(text += ",\"f\":", filter);
    text += '}';
    view_link out;
    out.expires_ms = expires_ms;
    out.token = detail::link_prefix;
    append_base64url(out.token, text);
    auto const signature = detail::link_signature(link_key_, out.token);
    out.token.append(1, '.').append(signature);
    return out;
}

} // namespace mad::inline MAD_ABI::fleet

#endif
