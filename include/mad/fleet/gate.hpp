#ifndef MAD_FLEET_GATE_HPP
#define MAD_FLEET_GATE_HPP

#include <mad/core/log.hpp>
#include <mad/engine/handshake_info.hpp>
#include <mad/engine/settings.hpp>
#include <mad/fleet/access.hpp>
#include <mad/fleet/ledger.hpp>
#include <mad/net/address_limits.hpp>
#include <mad/net/http/message.hpp>
#include <mad/net/trust.hpp>
#include <mad/socketio/middleware.hpp>
#include <mad/socketio/socket.hpp>

#include <boost/asio/steady_timer.hpp>

#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace mad::inline MAD_ABI::fleet {

struct gate_settings {
    access_settings access;

    /// Name of the field in which a proxy says who a person is (`X-Forwarded-User`), and of the
    /// one with its roles (`X-Forwarded-Groups`): a list with commas, of which `viewer` and `admin`
    /// count. Empty: none. Of a request with two of them neither counts.
    std::string identity_header, identity_role_header;
    /// Who is believed that. They must not let such a field of anybody else through.
    net::trust_list identity_trust;

    /// Wrong tokens from one address: over it none of its tokens is looked at for a while. Loopback
    /// is exempt. Default: as new connections.
    net::address_limits_settings attempts{0, 100, 500};
};

/// Who asks, or the answer that refuses it.
struct admission {
    principal_ptr who; ///< null: refused
    net::http::response refusal;

    explicit operator bool() const { return who != nullptr; }
};

/// What stands in front of a node's sockets and HTTP: finds what a peer has shown, asks `access`,
/// and remembers who is in until their time is over or their token is withdrawn. From any thread.
class gate {
  public:
    /// `sockets`: those of the node, for `trust` and `cors`.
    gate(gate_settings, engine::server_settings const& sockets, logger);
    gate(gate const&) = delete;
    gate& operator=(gate const&) = delete;

    /// `allow_request` of the engine: a text refuses. A peer of revision 3 has no other moment to
    /// show a token; others show theirs when they connect, unless they do here.
    std::optional<std::string> refuse_handshake(engine::handshake_info const&);

    /// The middleware of `/`.
    std::optional<socketio::connect_error> refuse_connect(socketio::socket const&);

    /// A socket is in, or has left. False: it may not be in any more, and is being sent away.
    bool enter(socketio::socket const&);
    void leave(socketio::socket const&);

    /// Whether a socket may not do that: an error for its peer. On its shard.
    error_code refuses(socketio::socket const&, right) const;
    /// The same for the record of that agent.
    error_code refuses(socketio::socket const&, agent_claim const&) const;
    /// Whether what it may write depends on tags.
    bool asks_tags(socketio::socket const&) const;
    /// What its peer is shown must match this as well; empty: everything.
    std::string filter_of(socketio::socket const&) const;

    /// A request for something that takes that right. Pages of other sites are refused (they could
    /// ask in the name of who is on this machine, or signed in at a proxy), and what they need to
    /// know they are told as JSON: 401, 403 or 429.
    admission admit(net::http::request const&, right);

    /// As `admit` with `right::read`, and open to who is on this machine: for `/metrics`.
    admission admit_metrics(net::http::request const&);

    /// A token that shows hosts that match `filter` (a search that can be read; empty: all) until
    /// then. `by`: who has asked, for the log. Ask for `right::manage` before.
    view_link make_link(std::string_view by, std::string_view filter, std::int64_t expires_ms);

    /// Other rules: sessions that are not in them any more are ended. Nothing: the rules were not
    /// read from a file, and stay.
    void set_rules(access_rules);

    /// Takes part in the key that signs links where no file has one: the first node that comes puts
    /// its own into the table `access`. To be called on the home shard when the ledger is ready,
    /// and when another node has changed that table.
    void share_link_key(ledger&);

    /// Ends sessions when their time comes, on that shard.
    void start(net::shard& home);

  private:
    struct entry {
        principal_ptr who;
        socketio::socket socket;
    };

    std::shared_ptr<access const> rules() const;
    principal_ptr find(socketio::socket const&) const;
    template <class Handshake>
    shown shown_of(Handshake const&, std::string_view token) const;
    result<principal_ptr> judge(shown const&, boost::asio::ip::address const&, char const* where);
    result<principal_ptr> judge(socketio::socket const&, bool first);
    result<principal_ptr> judge(net::http::request const&);
    bool is_local(net::http::request const&) const;
    void end(std::vector<std::pair<std::string, entry>> const&, char const* why);
    void set_spare_link_key(std::string const&);
    template <class Fn>
    void change(Fn const&);
    void end_expired();
    void await_expiry();

    gate_settings settings_;
    net::trust_list trust_;
    engine::cors_settings cors_;
    logger log_;
    net::address_limits attempts_;

    mutable std::mutex mutex_; // once a connection, and for what only some of them do
    std::shared_ptr<access const> access_;
    std::unordered_map<std::string, entry> entries_; ///< by socket; not those without a mark
    std::set<std::pair<std::int64_t, std::string>> ends_;

    net::shard* home_ = nullptr;
    std::unique_ptr<boost::asio::steady_timer> timer_;
};

} // namespace mad::inline MAD_ABI::fleet

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/fleet/impl/gate.ipp>
#endif

#endif
