#ifndef MAD_FLEET_LEDGER_HPP
#define MAD_FLEET_LEDGER_HPP

#include <mad/core/error.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace mad::inline MAD_ABI::net {
class shard;
}

namespace mad::inline MAD_ABI::fleet {

/// What comes from elsewhere, on the shard; never within a call.
struct ledger_watch {
    /// Another node has changed a row, or this one has read what it had missed; without a value
    /// the row is no more. The ledger has it already.
    std::function<void(std::string_view table, std::string_view field,
                       std::optional<std::string_view> value)>
        changed;
    /// What another node has told all.
    std::function<void(std::string_view message)> heard;
    /// Whether this node has what all others have, and they will have what it writes.
    std::function<void(bool)> ready;
};

/// A few small tables that all nodes of a fleet share, and that outlive each of them: hosts that
/// are offline, what people have been told, mutes, rules. Every node has all of it in memory. Of
/// two writes of one row the later one counts, in one order for all; who must know whether it was
/// the first uses `swap`. Used on one shard.
class ledger {
  public:
    virtual ~ledger() = default;

    /// Calls of everything else come after it.
    virtual void start(net::shard&, ledger_watch) = 0;

    /// Null when there is no such row. Valid until the next call.
    virtual std::string const* find(std::string_view table, std::string_view field) const = 0;
    virtual void
    each(std::string_view table,
         std::function<void(std::string_view field, std::string_view value)> const&) const = 0;
    virtual std::size_t size(std::string_view table) const = 0;

    /// At once here, and elsewhere as soon as the others can be reached.
    virtual void put(std::string_view table, std::string_view field, std::string value) = 0;
    virtual void erase(std::string_view table, std::string_view field) = 0;

    /// Puts `value` (none: erases the row) where the row is `expected` (none: is not there). Of all
    /// who try that at the same time one wins: `done` is told true, never within the call. An error
    /// says that nobody knows; asking again is harmless only where the answer does not matter.
    virtual void swap(std::string_view table, std::string_view field,
                      std::optional<std::string> expected, std::optional<std::string> value,
                      std::function<void(result<bool>)> done) = 0;

    /// To all other nodes that can be reached now; kept nowhere.
    virtual void tell(std::string message) = 0;

    /// Writes what is left; `done` is called once, at the latest after a second.
    virtual void stop(std::function<void()> done) { done(); }

    /// Whether there are others to share with at all.
    virtual bool shared() const { return true; }
};

/// For a node that is alone: nothing outlives it.
std::unique_ptr<ledger> make_embedded_ledger();

namespace detail {

/// The tables as one node has them.
class ledger_tables {
  public:
    using table = std::map<std::string, std::string, std::less<>>;

    table const* find(std::string_view name) const {
        auto const it = tables_.find(name);
        return it == tables_.end() ? nullptr : &it->second;
    }
    std::string const* find(std::string_view name, std::string_view field) const;
    /// Whether that changed anything.
    bool put(std::string_view name, std::string_view field, std::optional<std::string_view>);
    std::map<std::string, table, std::less<>> const& all() const { return tables_; }

  private:
    std::map<std::string, table, std::less<>> tables_;
};

} // namespace detail

} // namespace mad::inline MAD_ABI::fleet

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/fleet/impl/ledger.ipp>
#endif

#endif
