#ifndef MAD_PROXY_DETAIL_UPSTREAM_CONNECTION_HPP
#define MAD_PROXY_DETAIL_UPSTREAM_CONNECTION_HPP

#include <mad/net/deadline.hpp>
#include <mad/proxy/detail/end.hpp>

#include <cstdint>
#include <memory>
#include <span>

namespace mad::inline MAD_ABI::proxy::detail {

class client_connection;
class lane;

/// One connection to an upstream: being made, at work for one request, or waiting for the next.
/// Owned by its lane.
class upstream_connection final : public end_owner {
  public:
    upstream_connection(lane&, net::stream);
    ~upstream_connection() override;

    enum class sent : std::uint8_t {
        yes,    ///< it is on its way
        later,  ///< nothing was taken; `client_connection::on_connected` will come
        failed, ///< broken, and not a byte has reached the upstream
    };

    /// Begins to work for `user`: sends a request, or what there is of it.
    sent begin(client_connection& user, std::span<iovec const> parts);

    /// Sends more of the request. False: broken.
    bool send(std::span<iovec const> parts);

    /// Work is done: waits for more, or (not `keep`) ends.
    void done(bool keep);

    /// Ends it now. The user is not told.
    void close();

    /// Gives away the stream, for a tunnel.
    std::unique_ptr<end> take_end();

    bool connected() const { return phase_ == phase::ready; }
    /// Whether it has waited for work before: the upstream may have closed it meanwhile.
    bool reused() const { return reused_; }
    /// Nothing unexpected has come while it was idle.
    bool fresh() const;
    client_connection* user() const { return user_; }
    lane& of() const { return lane_; }
    end& wire() { return *end_; }

    std::uint32_t slot = 0; ///< in the lane

  private:
    enum class phase : std::uint8_t { connecting, shaking_hands, ready, closed };

    void on_end(end&, std::uint32_t events) override;
    void on_end_fault(end&) override;
    void on_connect_event(std::uint32_t events);
    void opened();
    void set_user(client_connection*);
    void failed();
    bool introduce();
    void on_deadline();

    lane& lane_;
    std::unique_ptr<end> end_;
    client_connection* user_ = nullptr;
    net::deadline deadline_;
    std::uint32_t idle_since_ms_ = 0;
    phase phase_ = phase::connecting;
    bool reused_ = false;
};

} // namespace mad::inline MAD_ABI::proxy::detail

#endif
