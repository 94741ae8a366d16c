#ifndef MAD_FLEET_DETAIL_HUB_HPP
#define MAD_FLEET_DETAIL_HUB_HPP

#include <mad/fleet/api.hpp>
#include <mad/fleet/record.hpp>
#include <mad/fleet/store.hpp>
#include <mad/net/shard.hpp>

#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace mad::inline MAD_ABI::fleet {

namespace detail {

/// Sockets not known to be agents: an original page speaks once and must go on hearing after a
/// reconnection in which it says nothing.
inline constexpr char const* watchers_room = "watchers";

} // namespace detail

/// One message on its way to the hub; the record's views point into the text.
struct api::cargo {
    std::string text, opaque;
    record_view record;
};

/// What is known of the fleet, on the node's first shard; others hand their messages over as
/// values.
class api::hub : public std::enable_shared_from_this<hub> {
  public:
    hub(api&, net::shard& home);

    /// On the shard, as all that follows.
    void start();
    void announce(std::string text, std::function<void()> done);
    void stop(std::function<void()> done);
    /// When the shard runs no more: what is left of the store ends while its io_context is there.
    void end();

    /// From any thread.
    store_state state() const { return store_->state(); }

    net::shard& home() { return home_; }

    void update(std::string const& opaque, record_view const&);
    void leave(std::string const& id, std::string const& opaque);

    /// All records as one JSON array.
    std::string snapshot() const;

  private:
    // To this node's consoles: the others' are told by their own nodes.
    void tell(stored_record const&, bool moved);
    void tell_gone(std::string_view id);
    void count();

    api& api_;
    net::shard& home_;
    std::unique_ptr<store> store_;
};

} // namespace mad::inline MAD_ABI::fleet

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/fleet/impl/hub.ipp>
#endif

#endif
