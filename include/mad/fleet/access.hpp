#ifndef MAD_FLEET_ACCESS_HPP
#define MAD_FLEET_ACCESS_HPP

#include <mad/core/error.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace mad::inline MAD_ABI::fleet {

/// Why somebody may not come in, or not do that.
enum class access_error : std::uint8_t {
    none = 0,
    token_needed,  ///< nothing was shown, and this node is not open
    token_unknown, ///< no such token, or it was withdrawn; a link that was changed or of old keys
    token_expired,
    too_many_attempts, ///< wrong tokens from one address: try again in a while
    may_not_write,     ///< viewers only read
    may_not_read,      ///< agents only write
    may_not_manage,    ///< for admins
    other_agent,       ///< an id or tags that the token is not for
    foreign_host,      ///< an open node on loopback answers to loopback names alone
    foreign_origin,    ///< a page of another site
};

error_category const& access_category();

inline error_code make_error_code(access_error e) {
    return {static_cast<int>(e), access_category()};
}

/// For programs: `token_needed` and so on.
std::string_view code_of(access_error);

enum class role : std::uint8_t {
    agent,  ///< writes the records of its agents, reads nothing
    viewer, ///< reads
    admin,  ///< reads, writes and manages
};

/// `agent`, `viewer`, `admin`.
std::string_view to_string(role);
std::optional<role> role_of(std::string_view word);

enum class right : std::uint8_t { write = 1, read = 2, manage = 4 };

/// By what somebody is known.
enum class known_by : std::uint8_t {
    nothing,  ///< this node is open to everybody, or to agents
    place,    ///< is on this machine
    token,    ///< of the tokens file
    link,     ///< an admin has made it
    identity, ///< a trusted proxy says who it is
};

/// What of a record says whose it is.
struct agent_claim {
    std::string_view id;
    std::span<std::string const> tags{};
};

/// Somebody who came in, and what they may do.
struct principal {
    std::string name;        ///< of the token; `link`, `anonymous`, `local`, or of the person
    fleet::role role{};      ///< the strongest
    std::uint8_t rights = 0; ///< bits of `right`
    known_by by{};
    std::vector<std::string> ids, tags; ///< patterns; of agents, empty: all
    std::string filter;          ///< search that what it sees must match as well; empty: everything
    std::int64_t expires_ms = 0; ///< wall clock, since 1970; 0: never
    /// Digest of the token, or of the key of the link; zeros: nothing was shown.
    std::array<std::uint8_t, 32> mark{};

    /// Has shown nothing.
    bool anonymous() const { return by == known_by::nothing || by == known_by::place; }

    bool may(right r) const { return (rights & static_cast<std::uint8_t>(r)) != 0; }

    /// Whether it may write the record of that agent: the id matches one of `ids`, and each of its
    /// tags (it must have some) one of `tags`. `*` in a pattern stands for any text.
    bool may_be(agent_claim const&) const;

    /// A search that shows no more than it may see: `filter`, then `asked`.
    std::string narrowed(std::string_view asked) const;

    friend bool operator==(principal const&, principal const&) = default;
};

using principal_ptr = std::shared_ptr<principal const>;

/// Rights that come with a role: an admin has all.
std::uint8_t rights_of(role);

/// A token that a node takes.
struct access_token {
    std::string name;
    fleet::role role{};
    std::array<std::uint8_t, 32> sha256{}; ///< of the token: itself it is not kept
    std::vector<std::string> ids, tags;    ///< see `principal`
    std::string filter;                    ///< see `principal`; of viewers
    std::int64_t expires_ms = 0;           ///< wall clock; 0: never
};

/// What a tokens file says.
struct access_rules {
    std::vector<access_token> tokens;
    /// Signs links; empty: `access_settings::spare_link_key`.
    std::string link_key;
};

/// Who comes in without a token.
enum class open_to : std::uint8_t {
    nobody,
    agents,    ///< agents of old nodes, which have none
    everybody, ///< agents and viewers
};

struct access_settings {
    /// Nothing: there are no tokens. Who is on this machine is then an admin.
    std::optional<access_rules> rules;
    open_to open = open_to::nobody;
    /// What people get that a trusted proxy names (`shown::identity`), unless it names their role.
    fleet::role identity_role = role::viewer;
    /// Signs links where no file has a key. Empty: a random one of this object, whose links are
    /// good here alone.
    std::string spare_link_key;
};

/// What a peer has shown. Views: made for one call.
struct shown {
    std::string_view token;
    /// A person, and its roles (a list with commas of which `viewer` and `admin` are known): only
    /// from who is believed.
    std::string_view identity{}, identity_roles{};
    /// Its `Host` names this machine: a page of another site cannot say so.
    bool local_name = false;
    /// The same, and it is on this machine.
    bool local = false;
};

struct view_link {
    std::string token;
    std::int64_t expires_ms = 0;
};

/// Who may do what: pure, it knows no socket and no clock. A value; what it hands out stays good
/// when it goes.
class access {
  public:
    explicit access(access_settings);

    /// Who that is, at a wall clock time. What was shown counts alone: a wrong token is refused
    /// also where none is needed. In a time that tells nothing of the tokens.
    result<principal_ptr> judge(shown const&, std::int64_t now_ms) const;

    /// Whether what was given out before is still so: the same token, with the same rights, or a
    /// link of the same key. Its time is not looked at.
    bool still_good(principal const&) const;

    /// What those may do on a socket who have shown nothing and came in.
    std::uint8_t open_rights() const;

    /// Whether there is nothing to show: then only who is on this machine is let in.
    bool alone() const { return !settings_.rules && settings_.open == open_to::nobody; }

    /// A token that shows what matches `filter` until then. The filter: a search that can be read;
    /// judged by the caller.
    view_link make_link(std::string_view filter, std::int64_t expires_ms) const;

    access_settings const& settings() const { return settings_; }

  private:
    result<principal_ptr> judge_link(std::string_view token, std::int64_t now_ms) const;
    result<principal_ptr> judge_open(shown const&) const;

    access_settings settings_;
    std::string link_key_;
    std::array<std::uint8_t, 32> link_mark_{};
    std::vector<principal_ptr> principals_; ///< of the tokens, in their order
    principal_ptr local_, open_;
};

} // namespace mad::inline MAD_ABI::fleet

template <>
struct boost::system::is_error_code_enum<mad::fleet::access_error> : std::true_type {};

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/fleet/impl/access.ipp>
#endif

#endif
