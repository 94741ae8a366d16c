#ifndef MAD_FLEET_IMPL_ORIGINAL_IPP
#define MAD_FLEET_IMPL_ORIGINAL_IPP

#include <mad/core/json_scan.hpp>
#include <mad/core/json_text.hpp>
#include <mad/fleet/original.hpp>
#include <mad/sync/redis_adapter.hpp>
#include <mad/sync/redis_bus.hpp>

#include <array>
#include <utility>

namespace mad::inline MAD_ABI::fleet {

namespace detail {

/// Of all nodes of ours, so that each knows what the others have said; longer than the six
/// characters of any other.
inline constexpr char const* our_uid = "mad-fleet";

/// The two elements of a console's event; nothing for all others.
inline std::optional<original_dialect::event> console_event(std::string_view json) {
    std::array<json_span, 2> parts;
    auto const n = scan_array(json, json_limits::trusted(), parts);
    if (!n || *n < 2 || parts[0].kind != json_kind::string)
        return std::nullopt;
    original_dialect::event e;
    if (json_string_equals(parts[0].text, "web_client_update")) {
        e.is_update = true;
        e.text = parts[1].text;
        return e;
    }
    if (!json_string_equals(parts[0].text, "web_client_disconnect"))
        return std::nullopt;
    if (parts[1].kind == json_kind::string)
        json_unescape(parts[1].text, e.text);
    return e;
}

class console_filter final : public sync::bus {
  public:
    explicit console_filter(std::shared_ptr<sync::bus> b)
        : bus_(std::move(b)) {
        sync::classic_names names;
        names.uid = "?"; // nobody's: whoever says it is kept back
        codec_ = std::make_shared<sync::classic_codec const>(names);
    }

    void send(redis::command c) override { bus_->send(std::move(c)); }
    void exec(redis::command c, reply_handler h) override {
        bus_->exec(std::move(c), std::move(h));
    }
    void exec_blocking(std::size_t lane, redis::command c, reply_handler h) override {
        bus_->exec_blocking(lane, std::move(c), std::move(h));
    }
    void transaction(redis::pipeline p, batch_handler h) override {
        bus_->transaction(std::move(p), std::move(h));
    }
    std::uint64_t subscribe(sync::subscription kind, std::string name, message_handler h) override {
        if (name == codec_->broadcast_pattern())
            h = [codec = codec_, h = std::move(h)](std::string_view channel,
                                                   std::string_view body) {
                if (channel == codec->broadcast_channel())
                    if (auto const m = codec->decode(channel, body);
                        m && *m && console_event((*m)->json))
                        return;
                h(channel, body);
            };
        return bus_->subscribe(kind, std::move(name), std::move(h));
    }
    void unsubscribe(std::uint64_t n) override { bus_->unsubscribe(n); }
    bool is_up() const override { return bus_->is_up(); }
    void after(milliseconds t, std::function<void()> fn) override { bus_->after(t, std::move(fn)); }

  private:
    std::shared_ptr<sync::bus> bus_;
    std::shared_ptr<sync::classic_codec const> codec_;
};

inline sync::classic_names original_names() {
    sync::classic_names n;
    n.uid = our_uid;
    n.compat = true;
    return n;
}

} // namespace detail

MAD_DECL original_dialect::original_dialect()
    : codec_(detail::original_names()) {}

MAD_DECL std::string original_dialect::encode(std::string json) const {
    static socketio::target const everybody;
    sync::message_view m;
    m.kind = sync::message_kind::broadcast;
    m.to = &everybody;
    m.json = json;
    return codec_.encode(m).body;
}

MAD_DECL std::string original_dialect::update(std::string_view record) const {
    return encode("[\"web_client_update\"," + std::string(record) + "]");
}

MAD_DECL std::string original_dialect::gone(std::string_view id) const {
    std::string json = "[\"web_client_disconnect\",";
    append_json_string(json, id);
    return encode(json += ']');
}

MAD_DECL std::optional<original_dialect::event>
original_dialect::read(std::string_view body) const {
    auto const m = codec_.decode(channel(), body);
    if (!m || !*m || !(*m)->attachments.empty())
        return std::nullopt;
    return detail::console_event((*m)->json);
}

MAD_DECL std::shared_ptr<sync::bus> without_console_events(std::shared_ptr<sync::bus> b) {
    return std::make_shared<detail::console_filter>(std::move(b));
}

MAD_DECL socketio::adapter_factory make_fleet_adapters(net::shard& home, redis::config c,
                                                       redis::settings s, bool legacy) {
    std::shared_ptr<sync::bus> bus =
        std::make_shared<sync::redis_bus>(home, std::move(c), std::move(s));
    sync::redis_adapter_settings adapter;
    adapter.compat = legacy;
    return sync::make_redis_adapters(
        legacy ? without_console_events(std::move(bus)) : std::move(bus), adapter);
}

} // namespace mad::inline MAD_ABI::fleet

#endif
