#ifndef MAD_PROXY_POOL_VIEW_HPP
#define MAD_PROXY_POOL_VIEW_HPP

#include <mad/proxy/upstream.hpp>

#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

namespace mad::inline MAD_ABI::proxy {

/// All upstreams as they are at one time. Never changes, so that every shard may read it.
class pool_view {
  public:
    using target_ptr = std::shared_ptr<target const>;

    pool_view() = default;
    /// `panic`: none is fit for new sessions, so that all count as fit.
    explicit pool_view(std::vector<target_ptr> targets, bool panic = false);

    std::vector<target_ptr> const& targets() const { return targets_; }
    bool panic() const { return panic_; }

    // Null when there is none.

    target_ptr by_id(std::uint32_t id) const;
    /// Of two of one name (a server that was replaced, and its successor) the newer.
    target_ptr by_name(std::string_view name) const;
    /// The mad node whose sessions carry that tag; null also when two have drawn the same.
    target_ptr by_tag(std::uint16_t tag) const;
    /// The one with that value of the affinity cookie, compared in constant time.
    target_ptr by_cookie(std::string_view text) const;

  private:
    std::vector<target_ptr> targets_;                                    ///< by rising id
    std::vector<std::pair<std::uint16_t, std::uint32_t>> tags_;          ///< and place, sorted
    std::vector<std::pair<std::string_view, std::uint32_t>> cookie_ids_; ///< and place, sorted
    bool panic_ = false;
};

} // namespace mad::inline MAD_ABI::proxy

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/proxy/impl/pool_view.ipp>
#endif

#endif
