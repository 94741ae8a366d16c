#ifndef MAD_FLEET_WEB_HPP
#define MAD_FLEET_WEB_HPP

#include <mad/core/log.hpp>
#include <mad/net/http/server.hpp>
#include <mad/net/io_pool.hpp>

#include <memory>
#include <string>
#include <vector>

namespace mad::inline MAD_ABI::fleet {

struct web_settings {
    boost::asio::ip::tcp::endpoint listen{boost::asio::ip::address_v4::loopback(), 8081};
    std::vector<int> passed_listeners;

    /// Where the page finds the API node: `http(s)://host[:port]`. Empty: its own origin.
    std::string api_url;
    /// Engine path there.
    std::string path = "/socket.io/";

    /// Folder with the built page (`index.html`); read once. A file `x.br` or `x.gz` beside `x` is
    /// its compressed form.
    std::string root;

    /// Origins (`https://host[:port]`) whose pages may show this one in a frame, such as a screen
    /// on a wall. None by default, so that no page can borrow an operator's clicks.
    std::vector<std::string> frame_ancestors;

    /// Open to peers that are not on this machine; see `api_settings::anonymous`.
    bool anonymous = false;
    std::string version = MAD_VERSION;
    /// Path of a unix socket that is served, too; empty (default): none.
    std::string instance_socket;
    net::http::server_settings http;
    logger log;
};

/// The page, served from memory, with the headers that keep it safe.
class web {
  public:
    /// Reads the folder. Throws std::runtime_error when there is no page in it, or a URL or origin
    /// is none.
    explicit web(web_settings);
    ~web();
    web(web const&) = delete;
    web& operator=(web const&) = delete;

    result<boost::asio::ip::tcp::endpoint> start();
    void stop(milliseconds drain = milliseconds(0));
    std::string const& url() const { return url_; }
    void set_tls(std::shared_ptr<net::cipher_factory> f) { http_->set_tls(std::move(f)); }

    /// See `net::io_pool::probe`.
    void probe(std::function<void()> fn) { pool_.probe(std::move(fn)); }

  private:
    web_settings settings_;
    net::io_pool pool_;
    std::unique_ptr<net::http::server> http_;
    std::string url_;
    bool running_ = false;
};

} // namespace mad::inline MAD_ABI::fleet

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/fleet/impl/web.ipp>
#endif

#endif
