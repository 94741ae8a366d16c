#ifndef MAD_SERVERS_PROXY_SERVICE_HPP
#define MAD_SERVERS_PROXY_SERVICE_HPP

#include "proxy_flags.hpp"

#include <mad/fleet/discovery.hpp>
#include <mad/net/http/server.hpp>
#include <mad/net/io_pool.hpp>
#include <mad/proxy/admin.hpp>
#include <mad/proxy/handover.hpp>
#include <mad/proxy/server.hpp>

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

namespace programs {

/// A running mad-proxy: the proxy itself, and beside it what serves its admin interface, sends HTTP
/// on to HTTPS and follows the nodes in Redis.
class proxy_service {
  public:
    /// `passed`: listening sockets of the service manager. Asks the process at `--handover`, if
    /// there is one, for all that it knows; throws std::runtime_error when that one refuses.
    proxy_service(proxy_config, std::vector<int> passed);
    ~proxy_service();
    proxy_service(proxy_service const&) = delete;
    proxy_service& operator=(proxy_service const&) = delete;

    /// Throws std::runtime_error when somebody else listens there, or the process before does not
    /// let go.
    void start();

    std::string const& url() const { return url_; }

    /// Takes over all that can change while it runs; of the rest the log says what to do. Throws
    /// std::runtime_error when something cannot be; then nothing has changed.
    void reload(proxy_config);

    /// Asks sessions to go, waits for them at most so long, then closes.
    void stop(mad::milliseconds drain);

    /// Whether this process began by taking over from another, and whether the next one has taken
    /// over from it.
    bool inherited() const { return heritage_ != nullptr; }
    /// See `net::io_pool::probe`.
    void probe(std::function<void()> fn) { pool_.probe(std::move(fn)); }
    bool given() const { return given_; }

  private:
    using endpoint = boost::asio::ip::tcp::endpoint;
    using listener_use = mad::proxy::handover::listener_use;

    void inherit();
    void listen();
    void serve_admin();
    void serve_redirect(std::uint16_t https_port);
    int side_listener(listener_use, endpoint const&);
    void follow_nodes();
    void offer();
    void set_list(std::string const& source, std::vector<mad::proxy::listed_upstream>);
    void drain(mad::milliseconds most);
    void name_fixed(proxy_config const& next) const;
    void check(char const* flag, mad::error_code) const;

    proxy_config config_;
    endpoint asked_; ///< `--listen`, before the kernel chose a port
    std::vector<int> passed_;
    mad::net::io_pool pool_;
    std::unique_ptr<mad::proxy::server> proxy_;
    std::shared_ptr<mad::proxy::admin> admin_;
    std::unique_ptr<mad::net::http::server> admin_http_, redirect_http_;
    std::unique_ptr<mad::fleet::discovery> discovery_;
    std::unique_ptr<mad::proxy::inheritance> heritage_;
    std::unique_ptr<mad::proxy::handover_offer> offer_;
    std::map<listener_use, int> side_listeners_; ///< ours, beside those of the servers
    std::mutex mutex_;                           ///< for what follows
    std::map<std::string, std::set<std::string>> listed_;
    std::atomic<bool> given_{false};
    std::string url_;
    bool running_ = false;
};

} // namespace programs

#endif
