#ifndef MAD_REDIS_DETAIL_SLOT_TABLE_HPP
#define MAD_REDIS_DETAIL_SLOT_TABLE_HPP

#include <mad/redis/config.hpp>
#include <mad/redis/reply.hpp>

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace mad::inline MAD_ABI::redis::detail {

/// Where a command is to go instead: `MOVED 3999 127.0.0.1:6381`, `ASK ...`.
struct redirect {
    std::uint16_t slot = 0;
    endpoint to;
};

/// Nothing when the text is no such error. A host that is missing (`MOVED 3999 :6381`) is the one
/// that answered.
std::optional<redirect> parse_redirect(std::string_view text, endpoint const& from);

/// Which master has which slot.
class slot_table {
  public:
    static constexpr std::size_t slots = 16384;

    /// The answer to CLUSTER SLOTS, which every version has and Valkey keeps (CLUSTER SHARDS is
    /// of 7.0). A missing host is the one that was asked. Nothing when it makes no sense.
    static std::optional<slot_table> parse(reply const&, endpoint const& asked);

    /// The master of the slot; null when nobody has it.
    endpoint const* at(std::uint16_t slot) const {
        auto const n = owner_.empty() ? 0 : owner_[slot % slots];
        return n == 0 ? nullptr : &masters_[n - 1u];
    }
    /// A slot has moved.
    void set(std::uint16_t slot, endpoint const&);

    std::vector<endpoint> const& masters() const { return masters_; }
    bool empty() const { return masters_.empty(); }

  private:
    std::uint16_t number_of(endpoint const&);

    std::vector<endpoint> masters_;
    std::vector<std::uint16_t> owner_; // 0: nobody, else 1 + index into masters_
};

} // namespace mad::inline MAD_ABI::redis::detail

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/redis/impl/slot_table.ipp>
#endif

#endif
