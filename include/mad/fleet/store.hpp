#ifndef MAD_FLEET_STORE_HPP
#define MAD_FLEET_STORE_HPP

#include <mad/core/clock.hpp>

#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace mad::inline MAD_ABI::fleet {

/// The latest record of one agent.
struct stored_record {
    std::string id;
    std::string socket_id; ///< of the connection that owns it now
    std::string record;    ///< JSON, as consoles get it
    std::string info;      ///< JSON, the last one known
    std::string run;
    std::uint64_t seq = 0;
    time_point seen{};
};

/// The latest record of each agent. Embedded (this process) or in Redis; both behave the same under
/// one suite of tests. Used on one shard.
class store {
  public:
    virtual ~store() = default;

    /// Null when there is none. Valid until the next call.
    virtual stored_record const* find(std::string_view id) const = 0;

    virtual void put(stored_record) = 0;

    /// Removes the record if that connection still owns it. False: it belongs to another, or there
    /// is none.
    virtual bool drop(std::string_view id, std::string_view socket_id) = 0;

    virtual void each(std::function<void(stored_record const&)> const&) const = 0;

    virtual std::size_t size() const = 0;
};

std::unique_ptr<store> make_embedded_store();

} // namespace mad::inline MAD_ABI::fleet

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/fleet/impl/store.ipp>
#endif

#endif
