#ifndef MAD_NET_HTTP_ROUTER_HPP
#define MAD_NET_HTTP_ROUTER_HPP

#include <mad/net/http/exchange.hpp>
#include <mad/net/http/message.hpp>

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace mad::inline MAD_ABI::net {
class shard;
}

namespace mad::inline MAD_ABI::net::http {

/// What serves the requests of one path. Called on the shard of the connection; must not wait.
class route {
  public:
    virtual ~route() = default;

    /// The head has arrived. `max_body` (bytes, 0 on entry) says how long a body is wanted; a
    /// longer one gets 413. May already answer through `x`; the body is then read over.
    virtual void on_head(shard&, request const&, exchange&, std::size_t& /*max_body*/) {}

    /// The whole request has arrived. Answer now, or keep `x` and answer later.
    virtual void on_request(shard&, request const&, exchange x) = 0;
};

/// Which route serves which path. A value: fill it, then hand it to a `server`.
class router {
  public:
    using handler = std::function<response(request const&)>;

    /// Every path that starts with `prefix`.
    router& mount(std::string prefix, std::shared_ptr<route>);

    /// GET and HEAD of exactly `path`, answered at once.
    router& get(std::string path, handler);

    /// Everything that no other route takes. Without it: 404, and 501 for unknown methods.
    router& otherwise(std::shared_ptr<route>);

    route& find(std::string_view path) const;

  private:
    struct entry {
        std::string path;
        bool exact;
        std::shared_ptr<route> to;
    };

    std::vector<entry> entries_;
    std::shared_ptr<route> otherwise_;
};

} // namespace mad::inline MAD_ABI::net::http

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/net/http/impl/router.ipp>
#endif

#endif
