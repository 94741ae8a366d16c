#ifndef MAD_SOCKETIO_IMPL_HANDSHAKE_IPP
#define MAD_SOCKETIO_IMPL_HANDSHAKE_IPP

#include <mad/core/json.hpp>
#include <mad/core/json_parse.hpp>
#include <mad/socketio/handshake.hpp>

#include <chrono>
#include <cstdio>

namespace mad::inline MAD_ABI::socketio {

MAD_DECL json handshake::auth() const {
    json_limits limits;
    limits.lone_surrogates = true;
    auto v = parse_json(auth_, limits);
    return v ? std::move(*v) : json::object();
}

MAD_DECL json handshake::query_object() const {
    auto out = json::object();
    query().for_each([&](std::string key, std::string value) {
        if (!out.contains(key))
            out[key] = std::move(value);
    });
    return out;
}

MAD_DECL json handshake::headers() const {
    auto out = json::object();
    info_->for_each_header([&](std::string_view name, std::string_view value) {
        std::string lower(name);
        for (auto& c : lower)
            if (c >= 'A' && c <= 'Z')
                c = static_cast<char>(c - 'A' + 'a');
        auto& slot = out[lower];
        slot = slot.is_string() ? slot.get<std::string>().append(", ").append(value)
                                : std::string(value);
    });
    return out;
}

MAD_DECL std::string handshake::time() const {
    static constexpr char const* days[] = {"Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"};
    static constexpr char const* months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                             "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    using namespace std::chrono;
    sys_seconds const at(duration_cast<seconds>(milliseconds(issued_ms())));
    auto const day = floor<std::chrono::days>(at);
    year_month_day const date(day);
    hh_mm_ss const clock(at - day);
    char out[96];
    std::snprintf(
        out, sizeof(out), "%s %s %02u %04d %02d:%02d:%02d GMT+0000 (Coordinated Universal Time)",
        days[(day.time_since_epoch().count() % 7 + 7) % 7], months[unsigned(date.month()) - 1],
        unsigned(date.day()), int(date.year()), int(clock.hours().count()),
        int(clock.minutes().count()), int(clock.seconds().count()));
    return out;
}

MAD_DECL json handshake::to_json() const {
    auto out = json::object();
    out["headers"] = headers();
    out["time"] = time();
    out["address"] = address().to_string();
    out["xdomain"] = cross_domain();
    out["secure"] = secure();
    out["issued"] = issued_ms();
    out["url"] = url();
    out["query"] = query_object();
    out["auth"] = auth();
    return out;
}

} // namespace mad::inline MAD_ABI::socketio

#endif
