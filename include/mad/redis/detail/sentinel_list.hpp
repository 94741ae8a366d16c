#ifndef MAD_REDIS_DETAIL_SENTINEL_LIST_HPP
#define MAD_REDIS_DETAIL_SENTINEL_LIST_HPP

#include <mad/redis/config.hpp>
#include <mad/redis/reply.hpp>

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

namespace mad::inline MAD_ABI::redis::detail {

/// The sentinels that are known, in the order in which they are asked: who answered comes first the
/// next time, as Redis advises its clients.
class sentinel_list {
  public:
    /// No more than that are remembered.
    static constexpr std::size_t max_known = 64;

    explicit sentinel_list(std::vector<endpoint> seeds)
        : known_(std::move(seeds)) {}

    /// From the first one on.
    void begin() { next_ = 0; }
    /// The next one to ask; null when all were.
    endpoint const* next() { return next_ < known_.size() ? &known_[next_++] : nullptr; }
    /// The one asked last has answered well.
    void answered();
    /// The one asked last was wrong: it comes last from now on.
    void misled();

    /// The answer to SENTINEL SENTINELS: others, which are remembered.
    void learn(reply const&);

    std::vector<endpoint> const& known() const { return known_; }

  private:
    std::vector<endpoint> known_;
    std::size_t next_ = 0;
};

/// The answer to SENTINEL GET-MASTER-ADDR-BY-NAME; nothing for any other.
std::optional<endpoint> parse_master(reply const&);

/// Whether `+switch-master` tells of this one: `NAME OLD-IP OLD-PORT NEW-IP NEW-PORT`.
bool tells_of_switch(std::string_view payload, std::string_view master_name);

} // namespace mad::inline MAD_ABI::redis::detail

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/redis/impl/sentinel_list.ipp>
#endif

#endif
