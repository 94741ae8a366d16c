#ifndef MAD_FLEET_HTTP_GATE_HPP
#define MAD_FLEET_HTTP_GATE_HPP

#include <mad/fleet/gate.hpp>
#include <mad/fleet/http_api.hpp>

#include <functional>

namespace mad::inline MAD_ABI::fleet {

/// Somebody whom a gate has let in, as the HTTP API knows people.
inline http_caller caller_of(principal const& p) {
    http_caller c;
    c.name = p.name;
    c.role = p.may(right::manage)  ? http_role::admin
             : p.may(right::read)  ? http_role::viewer
             : p.may(right::write) ? http_role::agent
                                   : http_role::nobody;
    c.anonymous = p.anonymous();
    if (p.expires_ms > 0)
        c.expires_ms = p.expires_ms;
    c.filter = p.filter;
    return c;
}

/// `http_api_settings::admit` by a gate, which must outlive the API. What takes an agent takes
/// anybody who may do something.
inline std::function<http_admission(net::http::request const&, http_role)> admit_by(gate& g) {
    return [&g](net::http::request const& r, http_role least) {
        http_admission out;
        auto a = g.admit(r, least == http_role::admin ? right::manage : right::read);
        if (!a && least == http_role::agent)
            if (auto writer = g.admit(r, right::write))
                a = std::move(writer);
        if (a)
            out.caller = caller_of(*a.who);
        else
            out.refusal = std::move(a.refusal);
        return out;
    };
}

} // namespace mad::inline MAD_ABI::fleet

#endif
