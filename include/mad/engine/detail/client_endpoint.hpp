#ifndef MAD_ENGINE_DETAIL_CLIENT_ENDPOINT_HPP
#define MAD_ENGINE_DETAIL_CLIENT_ENDPOINT_HPP

#include <mad/engine/client_settings.hpp>
#include <mad/engine/detail/cookie_jar.hpp>
#include <mad/net/http/client.hpp>
#include <mad/net/http/url.hpp>
#include <mad/net/shard.hpp>

#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace mad::inline MAD_ABI::engine::detail {

/// Where a client's requests go, made once from its settings.
class client_endpoint {
  public:
    /// Throws std::invalid_argument.
    explicit client_endpoint(client_settings const&);

    net::http::client_settings const& http() const { return http_; }
    /// Header lines of every request, cookies included.
    std::string fields() const;
    /// Looks for cookies in an answer.
    void heard(net::http::client_response const& r) const {
        if (cookies_)
            cookies_->keep(r);
    }
    net::message_compression const* deflate() const { return deflate_.get(); }
    revision rev() const { return revision_; }

    /// `/socket.io/?a=1&EIO=4&transport=polling&sid=...`
    std::string target(transport_kind, std::string_view sid) const;

  private:
    net::http::client_settings http_;
    std::string fields_, target_;
    std::unique_ptr<cookie_jar> cookies_; // null: none are kept
    std::shared_ptr<net::message_compression const> deflate_;
    revision revision_;
};

/// Opens a websocket: connects, asks for the upgrade, and checks the answer. Used once.
class websocket_opener {
  public:
    /// `rest` is what came behind the answer. `error::transport_failed` when the server does not
    /// switch; else what `net::http::client` says.
    using handler = std::function<void(result<net::stream>, std::string rest)>;

    websocket_opener(net::shard&, client_endpoint const&);

    /// `done` as in `net::http::client`.
    void start(std::string_view sid, milliseconds timeout, handler done);

    /// Why TLS failed, in words for a log; empty when it did not.
    std::string const& failure() const { return http_.failure(); }

    /// What was agreed on with the server; null when messages go as they are.
    std::unique_ptr<net::message_codec> take_codec() { return std::move(codec_); }

    void cancel() { http_.close(); }

  private:
    void answered(result<net::http::client_response>);

    client_endpoint const& endpoint_;
    net::http::client http_;
    std::string key_;
    std::unique_ptr<net::message_codec> codec_;
    handler done_;
};

} // namespace mad::inline MAD_ABI::engine::detail

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/engine/impl/client_endpoint.ipp>
#endif

#endif
