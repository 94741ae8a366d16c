#ifndef MAD_SOCKETIO_IMPL_SERVER_IPP
#define MAD_SOCKETIO_IMPL_SERVER_IPP

#include <mad/net/wait.hpp>
#include <mad/socketio/detail/server_core.hpp>

namespace mad::inline MAD_ABI::socketio {

namespace detail {

/// The listener and the engine believe the same proxies; what one does not count, the other does.
inline server_settings with_shared_trust(server_settings s) {
    if (s.engine.trust.empty())
        return s;
    s.http.trust = s.engine.trust;
    if (!s.engine.forwarded_addresses)
        s.engine.forwarded_addresses = std::make_shared<net::address_limits>(s.http.addresses);
    return s;
}

MAD_DECL server_core::server_core(std::vector<net::shard*> shards, server_settings s)
    : settings_(with_shared_trust(std::move(s)))
    , shards_(std::move(shards))
    , engine_(shards_, settings_.engine, [this](engine::session& session) {
        std::uint8_t shard = 0;
        for (std::size_t i = 0; i < shards_.size(); ++i)
            if (shards_[i] == &session.home())
                shard = static_cast<std::uint8_t>(i);
        return std::make_unique<client_link>(*this, session, shard);
    }) {
    for (auto* const sh : shards_)
        tasks_.push_back(std::make_unique<net::task_group>(sh->context()));
    if (!settings_.client_folder.empty())
        mount_client_files(routes_, engine_.settings().path, settings_.client_folder,
                           settings_.client_version, engine_.settings().cors);
    engine_.mount(routes_);
    namespaces_.get("/");
}

MAD_DECL server_core::~server_core() = default;

MAD_DECL net::http::server& server_core::http() {
    if (!http_)
        http_ = std::make_unique<net::http::server>(shards_, routes_, settings_.http);
    return *http_;
}

} // namespace detail

MAD_DECL server::server(std::vector<net::shard*> shards, server_settings s)
    : core_(std::make_unique<detail::server_core>(std::move(shards), std::move(s))) {}

MAD_DECL server::server(server_settings s, std::size_t threads)
    : pool_(std::make_unique<net::io_pool>(threads, s.log))
    , core_(std::make_unique<detail::server_core>(pool_->shards(), std::move(s))) {}

MAD_DECL server::server(net::io_pool& pool, server_settings s)
    : server(pool.shards(), std::move(s)) {}

MAD_DECL server::server(boost::asio::io_context& ctx, server_settings s)
    : server(std::vector<net::shard*>{&net::shard::of(ctx)}, std::move(s)) {}

MAD_DECL server::~server() {
    if (pool_)
        pool_->stop();
}

MAD_DECL result<boost::asio::ip::tcp::endpoint>
server::started(result<boost::asio::ip::tcp::endpoint> at) {
    if (pool_ && at)
        pool_->start();
    return at;
}

MAD_DECL void server::wait(milliseconds after_close) {
    core_->wait_for_close();
    net::wait_until([this] { return sessions() == 0 && connections() == 0; }, after_close);
}

MAD_DECL nsp server::of(std::string_view name) const {
    return nsp(core_->namespaces().get(name));
}

MAD_DECL parent_nsp server::of_pattern(std::string glob) const {
    return parent_nsp(core_->namespaces().add_parent(
        [glob = std::move(glob)](std::string_view name) { return matches_glob(glob, name); }, {}));
}

MAD_DECL parent_nsp server::of_matching(std::function<bool(std::string_view)> fn) const {
    return parent_nsp(core_->namespaces().add_parent(std::move(fn), {}));
}

MAD_DECL parent_nsp server::of_if(namespace_check fn) const {
    return parent_nsp(core_->namespaces().add_parent({}, std::move(fn)));
}

MAD_DECL void server::on_new_namespace(std::function<void(socketio::nsp)> fn) const {
    core_->namespaces().on_new(std::move(fn));
}

MAD_DECL net::http::router& server::routes() {
    return core_->routes();
}

MAD_DECL result<boost::asio::ip::tcp::endpoint> server::listen(std::uint16_t port) {
    return listen({boost::asio::ip::address_v4::loopback(), port});
}

MAD_DECL result<boost::asio::ip::tcp::endpoint>
server::listen(boost::asio::ip::tcp::endpoint const& at) {
    return started(core_->http().listen(at));
}

MAD_DECL result<boost::asio::ip::tcp::endpoint> server::adopt(int fd) {
    return started(core_->http().adopt(fd));
}

MAD_DECL void server::close() {
    core_->note_close();
    core_->http().drain();
    core_->engine().drain(); // handshakes that are on their way open no more sessions
    core_->engine().close();
    for (std::size_t i = 0; i < core_->shards().size(); ++i)
        core_->shards()[i]->dispatch([this, i] { core_->tasks(i).drain(); });
}

MAD_DECL void server::drain() {
    core_->http().drain();
    core_->engine().drain();
}

MAD_DECL std::size_t server::sessions() const {
    return core_->engine().sessions();
}

MAD_DECL std::size_t server::connections() const {
    return core_->connections();
}

MAD_DECL engine::server& server::engine() const {
    return core_->engine();
}

MAD_DECL net::http::server& server::http() const {
    return core_->http();
}

} // namespace mad::inline MAD_ABI::socketio

#endif
