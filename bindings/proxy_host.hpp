#ifndef MAD_BINDINGS_PROXY_HOST_HPP
#define MAD_BINDINGS_PROXY_HOST_HPP

#include "hosted.hpp"

#include <mad/net/io_pool.hpp>
#include <mad/proxy/server.hpp>

#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>

namespace mad_python {

struct proxy_settings {
    mad::proxy::settings proxy;
    boost::asio::ip::tcp::endpoint listen;
    std::size_t threads = 1; ///< 0: as many as cores
};

/// A proxy with threads of its own, with the face of a server.
class proxy_host {
  public:
    explicit proxy_host(proxy_settings);

    mad::result<void> start();
    void stop(mad::milliseconds drain);

    /// Asks sessions to go, evenly over nine tenths of that time, and waits for them.
    void drain(mad::milliseconds most) const;

    std::string const& url() const { return url_; }
    bool reaches_tls() const { return settings_.upstream_tls != nullptr; }
    mad::proxy::control& pool() const { return server_->pool(); }

  private:
    mad::proxy::settings settings_;
    boost::asio::ip::tcp::endpoint listen_;
    std::string url_;
    mad::net::io_pool threads_;
    std::unique_ptr<mad::proxy::server> server_;
};

/// What Python holds. Its upstreams may be asked and changed from any thread, also while another
/// one ends it. Nothing here needs Python's lock.
class proxy : public hosted<proxy_host> {
  public:
    using hosted::hosted;

    void stop(double drain_s);

    void add(std::string const& url);
    void remove(std::string const& name, bool force);
    void drain(std::string const& name);
    void undrain(std::string const& name);
    void rebalance();

    /// A JSON array, as of the admin interface.
    std::string upstreams() const;

  private:
    /// Shared by calls, alone for the end.
    mutable std::shared_mutex life_;
};

} // namespace mad_python

#endif
