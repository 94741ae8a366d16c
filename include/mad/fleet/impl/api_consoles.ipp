#ifndef MAD_FLEET_IMPL_API_CONSOLES_IPP
#define MAD_FLEET_IMPL_API_CONSOLES_IPP

#include <mad/core/json.hpp>
#include <mad/fleet/api.hpp>
#include <mad/fleet/detail/hub.hpp>

#include <optional>

// What consoles ask of an API node.

namespace mad::inline MAD_ABI::fleet {

namespace detail {

/// `web_connected` of a page that knows more than the original's.
inline bool wants_version_2(std::string const& text) {
    auto const said = json::parse(text, nullptr, false);
    if (!said.is_object())
        return false;
    auto const v = said.find("v");
    return v != said.end() && v->is_number_integer() && v->get<std::int64_t>() >= 2;
}

/// The `id` that a watch or an unwatch has; empty: none.
inline std::string watched_id(std::optional<socketio::raw_json> const& m) {
    auto const said = m ? json::parse(m->text, nullptr, false) : json();
    if (!said.is_object())
        return {};
    auto const id = said.find("id");
    return id != said.end() && id->is_string() ? id->get<std::string>() : std::string();
}

/// What the hub knows that socket by; 0: it has not said `web_connected` with v 2.
inline std::uint64_t console_of(socketio::socket const& s) {
    auto const& d = s.data();
    auto const id = d.find("console");
    return id == d.end() ? 0 : id->get<std::uint64_t>();
}

} // namespace detail

MAD_DECL void api::add_console_handlers(refusal refuse) {
    auto const nsp = io_.of("/");
    using message = std::optional<socketio::raw_json>;
    nsp.on("web_connected", [this, refuse](socketio::socket s, message m, socketio::ack reply) {
        bool const modern = m && detail::wants_version_2(m->text);
        // Who may see some of the hosts only can be told of these with version 2.
        if (modern ? bool(gate_->refuses(s, right::read)) : !may_watch(s))
            return refuse(s, reply, access_error::may_not_read);
        counters_.consoles_served.fetch_add(1, std::memory_order_relaxed);
        auto& d = s.data();
        d["listed"] = true;
        has_spoken(s);
        if (!modern) {
            forget_console(s);
            s.join(detail::watchers_room);
            return send_list(s);
        }
        s.leave(detail::watchers_room);
        auto id = detail::console_of(s);
        if (id == 0) {
            id = hub_->new_console();
            d["console"] = id;
        }
        hub_->home().dispatch([h = hub_, s, id, text = std::move(m->text),
                               within = gate_->filter_of(s),
                               reply] { h->connect_console(id, s, text, within, reply); });
    });
    nsp.on("client_watch", [this](socketio::socket s, message m, socketio::ack reply) {
        hub_->home().dispatch([h = hub_, console = detail::console_of(s),
                               host = detail::watched_id(m),
                               reply] { h->watch(console, host, reply); });
    });
    nsp.on("client_unwatch", [this](socketio::socket s, message m, socketio::ack reply) {
        hub_->home().dispatch([h = hub_, console = detail::console_of(s),
                               host = detail::watched_id(m)] { h->unwatch(console, host); });
        reply(true);
    });
}

MAD_DECL void api::forget_console(socketio::socket const& s) {
    auto const id = detail::console_of(s);
    if (id == 0)
        return;
    hub_->home().dispatch([h = hub_, id] { h->leave_console(id); });
    s.data().erase("console");
}

} // namespace mad::inline MAD_ABI::fleet

#endif
