#ifndef MAD_FLEET_IMPL_GATE_IPP
#define MAD_FLEET_IMPL_GATE_IPP

#include <mad/core/clock.hpp>
#include <mad/core/ids.hpp>
#include <mad/core/json.hpp>
#include <mad/core/json_text.hpp>
#include <mad/engine/cors.hpp>
#include <mad/fleet/gate.hpp>
#include <mad/net/shard.hpp>

#include <algorithm>

namespace mad::inline MAD_ABI::fleet {

namespace detail {

/// The token of `Authorization: Bearer TOKEN`; empty: there is none.
inline std::string_view bearer(std::string_view field) {
    constexpr std::string_view scheme = "Bearer ";
    if (field.size() <= scheme.size() ||
        !net::http::iequals(field.substr(0, scheme.size()), scheme))
        return {};
    return net::http::trim(field.substr(scheme.size()));
}

/// The field of that name when there is exactly one.
template <class Fields>
std::string_view only_field(Fields const& each, std::string_view name) {
    std::string_view found;
    int count = 0;
    if (!name.empty())
        each([&](std::string_view n, std::string_view v) {
            if (net::http::iequals(n, name)) {
                found = v;
                ++count;
            }
        });
    return count == 1 ? net::http::trim(found) : std::string_view{};
}

inline bool is_loopback(boost::asio::ip::address const& a) {
    return net::plain_address(a).is_loopback();
}

inline net::http::response access_answer(access_error e) {
    bool const unknown = e == access_error::token_needed || e == access_error::token_unknown ||
                         e == access_error::token_expired;
    bool const busy = e == access_error::too_many_attempts;
    std::string body = "{\"error\":{\"code\":";
    append_json_string(body, code_of(e));
    append_json_string(body += ",\"message\":", make_error_code(e).message());
    auto answer = net::http::json_answer(unknown ? 401 : busy ? 429 : 403, body += "}}");
    answer.set("Cache-Control", "no-store");
    if (unknown)
        answer.set("WWW-Authenticate", "Bearer realm=\"mad\"");
    if (busy)
        answer.set("Retry-After", "10");
    return answer;
}

inline access_error access_error_of(error_code const& e) {
    return static_cast<access_error>(e.value());
}

inline access_error refusal_of(right r) {
    switch (r) {
    case right::write:
        return access_error::may_not_write;
    case right::read:
        return access_error::may_not_read;
    case right::manage:
        break;
    }
    return access_error::may_not_manage;
}

/// Wall clocks are set: nobody waits for an end for longer without looking at them.
inline constexpr seconds longest_look{60};

} // namespace detail

MAD_DECL gate::gate(gate_settings s, engine::server_settings const& sockets, logger log)
    : settings_(std::move(s))
    , trust_(sockets.trust)
    , cors_(sockets.cors)
    , log_(std::move(log))
    , attempts_(settings_.attempts) {
    if (settings_.access.spare_link_key.empty())
        settings_.access.spare_link_key = random_id(30);
    access_ = std::make_shared<access const>(settings_.access);
}

MAD_DECL std::shared_ptr<access const> gate::rules() const {
    std::lock_guard const lock(mutex_);
    return access_;
}

template <class Handshake>
shown gate::shown_of(Handshake const& h, std::string_view token) const {
    shown s;
    s.token = token.empty() ? detail::bearer(h.header("Authorization")) : token;
    if (h.vouched()) {
        auto const each = [&](auto&& fn) { h.for_each_header(fn); };
        s.identity = detail::only_field(each, settings_.identity_header);
        s.identity_roles = detail::only_field(each, settings_.identity_role_header);
    }
    s.local_name = net::http::is_loopback_host(h.header("Host"));
    s.local = s.local_name && detail::is_loopback(h.address());
    return s;
}

MAD_DECL result<principal_ptr> gate::judge(shown const& s, boost::asio::ip::address const& peer,
                                           char const* where) {
    auto const now = std::chrono::steady_clock::now();
    if (!s.token.empty() && attempts_.spent(peer, now))
        return error_code(access_error::too_many_attempts);
    auto r = rules()->judge(s, system_clock::instance().wall_ms());
    if (r)
        return r;
    // Told as often as one may try: a log is no place for more. Who shows nothing is no news.
    bool const news = !s.token.empty() && attempts_.enter(peer, now);
    auto const what = r.error().message(), address = peer.to_string();
    if (news) {
        attempts_.leave(peer);
        log_.warn("fleet.access.refused", {{"error", what}, {"where", where}, {"peer", address}});
    } else {
        log_.debug("fleet.access.refused", {{"error", what}, {"where", where}, {"peer", address}});
    }
    return r;
}

// Sockets

MAD_DECL std::optional<std::string> gate::refuse_handshake(engine::handshake_info const& h) {
    auto const s = shown_of(h, {});
    if (rules()->alone() && !s.local_name && s.identity.empty())
        return make_error_code(access_error::foreign_host).message();
    if (s.token.empty() && h.query().get("EIO") != "3")
        return std::nullopt;
    auto const r = judge(s, h.address(), "handshake");
    return r ? std::nullopt : std::optional(r.error().message());
}

/// With what its CONNECT says, else its handshake. `first`: what is wrong is counted and logged.
MAD_DECL result<principal_ptr> gate::judge(socketio::socket const& socket, bool first) {
    auto const h = socket.handshake();
    std::string token;
    if (h.auth_text().size() > 2) {
        auto const auth = h.auth();
        auto const t = auth.is_object() ? auth.find("token") : auth.end();
        if (t != auth.end() && t->is_string())
            token = t->get<std::string>();
        else if (t != auth.end() && !t->is_null())
            return error_code(access_error::token_unknown);
    }
    auto const s = shown_of(h, token);
    return first ? judge(s, h.address(), "connect")
                 : access_->judge(s, system_clock::instance().wall_ms());
}

MAD_DECL std::optional<socketio::connect_error>
gate::refuse_connect(socketio::socket const& socket) {
    auto const r = judge(socket, true);
    if (r)
        return std::nullopt;
    std::string data = "{\"code\":";
    append_json_string(data, code_of(detail::access_error_of(r.error())));
    return socketio::connect_error{r.error().message(), data += '}'};
}

MAD_DECL bool gate::enter(socketio::socket const& socket) {
    constexpr auto both =
        static_cast<std::uint8_t>(right::write) | static_cast<std::uint8_t>(right::read);
    bool sooner = false;
    std::unique_lock lock(mutex_);
    // Judged again, since the rules may have changed meanwhile; under the lock, so that who changes
    // them finds the entry.
    auto const r = judge(socket, false);
    if (!r) {
        lock.unlock();
        socket.disconnect(true);
        return false;
    }
    auto const& who = *r;
    if (who->by == known_by::nothing ||
        (who->by == known_by::place && (access_->open_rights() & both) == both))
        return true; // as everybody: nothing to remember
    std::string id(socket.id());
    if (who->expires_ms != 0) {
        auto const at = ends_.emplace(who->expires_ms, id).first;
        sooner = at == ends_.begin();
    }
    entries_.insert_or_assign(std::move(id), entry{who, socket});
    lock.unlock();
    if (sooner && home_)
        home_->dispatch([this] { await_expiry(); });
    return true;
}

MAD_DECL void gate::leave(socketio::socket const& socket) {
    std::lock_guard const lock(mutex_);
    auto const it = entries_.find(std::string(socket.id()));
    if (it == entries_.end())
        return;
    ends_.erase({it->second.who->expires_ms, it->first});
    entries_.erase(it);
}

MAD_DECL principal_ptr gate::find(socketio::socket const& socket) const {
    std::lock_guard const lock(mutex_);
    auto const it = entries_.find(std::string(socket.id()));
    return it == entries_.end() ? nullptr : it->second.who;
}

MAD_DECL error_code gate::refuses(socketio::socket const& socket, right wanted) const {
    auto const who = find(socket);
    auto const rights = who ? who->rights : rules()->open_rights();
    if ((rights & static_cast<std::uint8_t>(wanted)) != 0)
        return {};
    return detail::refusal_of(wanted);
}

MAD_DECL error_code gate::refuses(socketio::socket const& socket, agent_claim const& c) const {
    auto const who = find(socket);
    if (!who)
        return refuses(socket, right::write);
    if (!who->may(right::write))
        return access_error::may_not_write;
    return who->may_be(c) ? error_code() : error_code(access_error::other_agent);
}

MAD_DECL bool gate::asks_tags(socketio::socket const& socket) const {
    auto const who = find(socket);
    return who && !who->tags.empty();
}

MAD_DECL std::string gate::filter_of(socketio::socket const& socket) const {
    auto const who = find(socket);
    return who ? who->filter : std::string();
}

// HTTP

MAD_DECL bool gate::is_local(net::http::request const& r) const {
    return net::http::is_loopback_host(r.header("Host")) &&
           detail::is_loopback(trust_.peer_of(r).address);
}

MAD_DECL result<principal_ptr> gate::judge(net::http::request const& r) {
    auto const peer = trust_.peer_of(r);
    if (!engine::origin_allowed(cors_, r.header("Origin"), r.header("Host"), peer.secure))
        return error_code(access_error::foreign_origin);
    shown s;
    s.token = detail::bearer(r.header("Authorization"));
    if (settings_.identity_trust.has(r.peer)) {
        auto const each = [&](auto&& fn) {
            for (auto const& f : r.fields)
                fn(f.name, f.value);
        };
        s.identity = detail::only_field(each, settings_.identity_header);
        s.identity_roles = detail::only_field(each, settings_.identity_role_header);
    }
    s.local_name = net::http::is_loopback_host(r.header("Host"));
    s.local = s.local_name && detail::is_loopback(peer.address);
    return judge(s, peer.address, "http");
}

MAD_DECL admission gate::admit(net::http::request const& r, right wanted) {
    auto const who = judge(r);
    if (!who)
        return {nullptr, detail::access_answer(detail::access_error_of(who.error()))};
    if ((*who)->may(wanted))
        return {*who, {}};
    return {nullptr,
            detail::access_answer((*who)->by == known_by::nothing ? access_error::token_needed
                                                                  : detail::refusal_of(wanted))};
}

MAD_DECL admission gate::admit_metrics(net::http::request const& r) {
    if (r.header("Authorization").empty() && r.header("Origin").empty() && is_local(r)) {
        principal p;
        p.name = "local";
        p.role = role::viewer;
        p.rights = rights_of(p.role);
        p.by = known_by::place;
        return {std::make_shared<principal const>(std::move(p)), {}};
    }
    return admit(r, right::read);
}

MAD_DECL view_link gate::make_link(std::string_view by, std::string_view filter,
                                   std::int64_t expires_ms) {
    log_.info("fleet.access.link", {{"by", by}, {"filter", filter}, {"expires_ms", expires_ms}});
    return rules()->make_link(filter, expires_ms);
}

// Changes

MAD_DECL void gate::set_rules(access_rules fresh) {
    change([&](access_settings& s) { s.rules = std::move(fresh); });
}

MAD_DECL void gate::set_spare_link_key(std::string const& key) {
    change([&](access_settings& s) { s.spare_link_key = key; });
}

template <class Fn>
void gate::change(Fn const& fn) {
    std::vector<std::pair<std::string, entry>> gone;
    {
        std::lock_guard const lock(mutex_);
        fn(settings_.access);
        access_ = std::make_shared<access const>(settings_.access);
        for (auto const& e : entries_)
            if (!access_->still_good(*e.second.who))
                gone.push_back(e);
    }
    end(gone, "withdrawn");
}

MAD_DECL void gate::share_link_key(ledger& l) {
    if (!l.shared())
        return;
    std::string own;
    {
        std::lock_guard const lock(mutex_);
        own = settings_.access.spare_link_key;
    }
    if (auto const* const known = l.find("access", "link_key")) {
        if (*known != own && !known->empty())
            set_spare_link_key(std::string(*known));
        return;
    }
    // Who loses hears of the winner's as a change of the table.
    l.swap("access", "link_key", std::nullopt, own, [](result<bool> const&) {});
}

/// Their leaving takes them out of the table.
MAD_DECL void gate::end(std::vector<std::pair<std::string, entry>> const& gone, char const* why) {
    for (auto const& [id, e] : gone) {
        log_.info("fleet.access.ended", {{"name", e.who->name}, {"why", why}});
        e.socket.disconnect(true);
    }
}

MAD_DECL void gate::start(net::shard& home) {
    home_ = &home;
    timer_ = std::make_unique<boost::asio::steady_timer>(home.context());
}

MAD_DECL void gate::end_expired() {
    auto const now = system_clock::instance().wall_ms();
    std::vector<std::pair<std::string, entry>> gone;
    {
        std::lock_guard const lock(mutex_);
        while (!ends_.empty() && ends_.begin()->first <= now) {
            if (auto const it = entries_.find(ends_.begin()->second); it != entries_.end())
                gone.push_back(*it);
            ends_.erase(ends_.begin());
        }
    }
    end(gone, "expired");
}

MAD_DECL void gate::await_expiry() {
    std::int64_t left = 0;
    {
        std::lock_guard const lock(mutex_);
        if (ends_.empty())
            return;
        left = ends_.begin()->first - system_clock::instance().wall_ms();
    }
    timer_->expires_after(std::clamp<milliseconds>(milliseconds(left), milliseconds(1),
                                                   milliseconds(detail::longest_look)));
    timer_->async_wait([this](error_code ec) {
        if (ec)
            return;
        end_expired();
        await_expiry();
    });
}

} // namespace mad::inline MAD_ABI::fleet

#endif
