#ifndef MAD_SOCKETIO_IMPL_CLIENT_IPP
#define MAD_SOCKETIO_IMPL_CLIENT_IPP

#include <mad/net/http/url.hpp>
#include <mad/socketio/detail/client_core.hpp>

namespace mad::inline MAD_ABI::socketio {

MAD_DECL client::client(boost::asio::io_context& ctx, client_settings s)
    : client(net::shard::of(ctx), std::move(s)) {}

MAD_DECL client::client(net::shard& home, client_settings s)
    : home_(&home) {
    auto const u = net::http::parse_url(s.engine.url);
    default_nsp_ = u ? u->path : "/";
    if (!s.engine.log.wants(log_level::error))
        s.engine.log = s.log;
    // Says what is wrong with the settings before anything is kept.
    { engine::client const probe(home, s.engine); }
    auto core = std::make_shared<detail::client_core>(home, std::move(s));
    core_ = core;
    boost::asio::use_service<detail::client_registry>(home.context()).add(std::move(core));
}

MAD_DECL void client::run(std::function<void(detail::client_core&)> fn) const {
    auto core = core_.lock();
    if (!core)
        return;
    home_->dispatch([core = std::move(core), fn = std::move(fn)] { fn(*core); });
}

MAD_DECL client::~client() {
    run([](detail::client_core& c) { c.retire(); });
}

MAD_DECL client_socket client::socket() const {
    return socket(default_nsp_);
}

MAD_DECL client_socket client::socket(std::string_view nsp) const {
    auto const core = core_.lock();
    return core ? client_socket(core->node(nsp)) : client_socket();
}

MAD_DECL void client::close() const {
    run([](detail::client_core& c) { c.close(); });
}

MAD_DECL bool client::closed() const {
    auto const core = core_.lock();
    return !core || core->wires() == 0;
}

MAD_DECL void client::drop_connection() const {
    run([](detail::client_core& c) { c.drop(); });
}

MAD_DECL void client::on_open(std::function<void()> fn) const {
    run([fn = std::move(fn)](detail::client_core& c) { c.on_opened.push_back(fn); });
}

MAD_DECL void client::on_close(std::function<void(disconnect_reason, error_code)> fn) const {
    run([fn = std::move(fn)](detail::client_core& c) { c.on_closed.push_back(fn); });
}

MAD_DECL void client::on_ping(std::function<void()> fn) const {
    run([fn = std::move(fn)](detail::client_core& c) { c.on_pinged.push_back(fn); });
}

MAD_DECL void client::on_upgrade(std::function<void(engine::transport_kind)> fn) const {
    run([fn = std::move(fn)](detail::client_core& c) { c.on_upgraded.push_back(fn); });
}

MAD_DECL void client::on_packet(std::function<void(packet const&)> fn) const {
    run([fn = std::move(fn)](detail::client_core& c) { c.on_packets.push_back(fn); });
}

MAD_DECL void client::on_reconnect_attempt(std::function<void(std::size_t)> fn) const {
    run([fn = std::move(fn)](detail::client_core& c) { c.on_attempt.push_back(fn); });
}

MAD_DECL void client::on_reconnect(std::function<void(std::size_t)> fn) const {
    run([fn = std::move(fn)](detail::client_core& c) { c.on_reconnect.push_back(fn); });
}

MAD_DECL void client::on_reconnect_error(std::function<void(error_code)> fn) const {
    run([fn = std::move(fn)](detail::client_core& c) { c.on_reconnect_error.push_back(fn); });
}

MAD_DECL void client::on_reconnect_failed(std::function<void()> fn) const {
    run([fn = std::move(fn)](detail::client_core& c) { c.on_gave_up.push_back(fn); });
}

MAD_DECL void client::on_error(std::function<void(error_code)> fn) const {
    run([fn = std::move(fn)](detail::client_core& c) { c.on_error.push_back(fn); });
}

MAD_DECL std::optional<engine::transport_kind> client::transport() const {
    auto const core = home_->here() ? core_.lock() : nullptr;
    auto const* const session = core ? core->session() : nullptr;
    return session ? std::optional(session->kind()) : std::nullopt;
}

MAD_DECL std::string client::engine_sid() const {
    auto const core = home_->here() ? core_.lock() : nullptr;
    auto const* const session = core ? core->session() : nullptr;
    return session ? std::string(session->sid()) : std::string();
}

} // namespace mad::inline MAD_ABI::socketio

#endif
