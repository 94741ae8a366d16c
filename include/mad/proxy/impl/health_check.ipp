#ifndef MAD_PROXY_IMPL_HEALTH_CHECK_IPP
#define MAD_PROXY_IMPL_HEALTH_CHECK_IPP

#include <mad/core/json.hpp>
#include <mad/core/json_parse.hpp>
#include <mad/proxy/health_check.hpp>

#include <utility>

namespace mad::inline MAD_ABI::proxy {

namespace detail {

/// So many probes by a mere connection, then the ladder is climbed again: what hung may not any
/// more.
inline constexpr unsigned connects_until_again = 15;

/// What a mad node says of itself in the body of `/ready`.
inline void read_ready(probe_result& out, std::string_view body) {
    if (body.size() > 1024)
        return;
    auto const said = parse_json(body);
    if (!said || !said->is_object())
        return;
    if (auto const tag = said->find("tag"); tag != said->end() && tag->is_number_unsigned())
        if (auto const n = tag->get<std::uint64_t>(); n <= 0xffff)
            out.tag = static_cast<std::uint16_t>(n);
    auto const reason = said->find("reason");
    if (out.what != probe_result::kind::not_ready || reason == said->end() || !reason->is_string())
        return;
    auto const& why = reason->get_ref<std::string const&>();
    if (why == "draining")
        out.what = probe_result::kind::draining;
    out.why = "not ready: " + why.substr(0, 64);
}

} // namespace detail

MAD_DECL health_check::health_check(std::string path, std::string engine_path)
    : at_(path.empty() ? rung::ready : rung::own_path)
    , path_(std::move(path))
    , engine_target_(std::move(engine_path) + "?EIO=4&transport=none") {}

MAD_DECL std::string_view health_check::target() const {
    switch (at_) {
    case rung::own_path:
        return path_;
    case rung::ready:
        return "/ready";
    case rung::health:
    case rung::any_answer:
        return "/health";
    case rung::engine:
        return engine_target_;
    case rung::connect:
        break;
    }
    return {};
}

MAD_DECL probe_result health_check::on_answer(int status, std::string_view body) {
    using kind = probe_result::kind;
    answered_ = true;
    probe_result out{kind::failed, {}, "answered " + std::to_string(status)};
    bool const good = status >= 200 && status < 300;
    // It is alive, and does not know what we ask for, or does not tell us.
    bool const unknown = (status >= 300 && status < 500) || status == 501;
    if (status == 503) {
        out.what = kind::not_ready;
        out.why = "not ready";
        detail::read_ready(out, body);
    } else if (at_ == rung::own_path) {
        if (status >= 200 && status < 400)
            out = {kind::good, {}, {}};
    } else if (good) {
        out = {kind::good, {}, {}};
        detail::read_ready(out, body);
    } else if (unknown && at_ == rung::ready) {
        at_ = rung::health;
        out = {kind::ask_again, {}, {}};
    } else if (unknown) {
        if (at_ == rung::health)
            at_ = rung::any_answer;
        out = {kind::good, {}, {}};
    }
    return out;
}

MAD_DECL probe_result health_check::on_silence(bool connected, std::string why) {
    using kind = probe_result::kind;
    if (at_ == rung::connect) {
        if (!connected)
            return {kind::failed, {}, std::move(why)};
        if (++connects_only_ >= detail::connects_until_again) {
            connects_only_ = 0;
            at_ = rung::ready;
        }
        return {kind::good, {}, {}};
    }
    if (!connected || answered_ || at_ == rung::own_path)
        return {kind::failed, {}, std::move(why)};
    at_ = at_ == rung::engine ? rung::connect : rung::engine;
    return {kind::ask_again, {}, {}};
}

} // namespace mad::inline MAD_ABI::proxy

#endif
