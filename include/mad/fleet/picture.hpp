#ifndef MAD_FLEET_PICTURE_HPP
#define MAD_FLEET_PICTURE_HPP

#include <mad/fleet/node_message.hpp>
#include <mad/fleet/store.hpp>

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

namespace mad::inline MAD_ABI::fleet {

/// What is written as the name of the original's nodes; no node may be called so.
inline constexpr std::string_view foreign_node = "{original}";

/// What decides between two records of one agent.
struct claim {
    std::string_view node;     ///< where its connection is
    std::uint32_t life = 0;    ///< of that node: it counts how often the node was started anew
    std::uint64_t version = 0; ///< the node's count of changes
    std::int64_t born = 0;     ///< when the connection registered, in ms of the shared clock
    std::string_view run;      ///< of the agent's process; empty: unknown
    std::uint64_t seq = 0;     ///< of the sample in that run; 0: unknown
};

/// Whether `a` is newer than `b`. Of one node: the later change. Of two nodes: the later sample of
/// the same run of the agent, else the later connection, else the greater name.
bool newer(claim const& a, claim const& b);

/// Changes of this node's records for the others and for what is kept.
struct change_batch {
    struct set {
        std::string id, socket_id;
        std::string envelope;
        bool moved = false; ///< the agent had another connection before, anywhere in the fleet
    };
    struct removal {
        std::string id;
        /// The change by which the agent left; nothing: it has moved.
        std::optional<std::uint64_t> left;
        std::string moved_to; ///< to a node of the original: the record that took its place
    };

    std::vector<removal> removals; ///< come before `sets`
    std::vector<set> sets;

    bool empty() const { return sets.empty() && removals.empty(); }
};

/// The records of the whole fleet and who owns each: pure bookkeeping without any I/O. This node's
/// own records come by `put`; those of others by `merge`. Of its own it knows which have changed
/// since the last `next_batch`, the newest state of each and nothing older.
class picture {
  public:
    explicit picture(std::string node, store_watch watch = {});
    picture(picture const&) = delete;
    picture& operator=(picture const&) = delete;

    void watch(store_watch w) { watch_ = std::move(w); }

    stored_record const* find(std::string_view id) const;
    void each(std::function<void(stored_record const&)> const&) const;
    std::size_t size() const { return entries_.size(); }
    std::size_t own_size() const { return own_; }

    // This node's records.

    /// `now_ms`: the shared clock; 0 while it is unknown.
    void put(stored_record, std::int64_t now_ms);
    bool drop(std::string_view id, std::string_view socket_id);

    /// Gives those registered while the shared clock was unknown their time.
    void settle_births(std::function<std::int64_t(time_point)> const& to_shared);

    /// From now on changes are noted for `next_batch`. The envelopes of all own records, as they
    /// are now.
    std::vector<change_batch::set> begin_sharing();
    /// No longer: there is nobody to tell. `begin_sharing` tells all when there is.
    void end_sharing();
    bool sharing() const { return sharing_; }

    bool dirty() const { return dirty_count_ > 0 || !left_.empty(); }
    /// What has changed since, at most about `max_bytes` of it.
    change_batch next_batch(std::size_t max_bytes);
    /// Own records that are kept elsewhere once every batch has been written.
    std::size_t shared_size() const { return shared_; }

    // Those of others.

    /// How a record stands after `merge`.
    enum class outcome : std::uint8_t { taken, older, refused };

    /// `mark`: see `sweep`.
    outcome merge(std::string_view node, std::uint32_t life, envelope const&, time_point now,
                  std::uint64_t mark = 0);
    /// That node has the agent no more, as of its change `version`.
    bool merge_gone(std::string_view node, std::uint32_t life, std::string_view id,
                    std::uint64_t version);
    /// The node's records without this mark go. How many went.
    std::size_t sweep(std::string_view node, std::uint64_t mark);
    /// The node's records that were last heard of before `limit` go.
    std::size_t expire(std::string_view node, time_point limit);
    /// All records of that node go.
    std::size_t forget(std::string_view node) { return sweep(node, no_mark); }
    /// Nodes that own a record, but for this one.
    std::unordered_set<std::string> owners() const;

  private:
    static constexpr std::uint64_t no_mark = ~std::uint64_t(0);
    static constexpr std::uint64_t not_dirty = ~std::uint64_t(0);

    struct entry {
        stored_record r;
        std::string const* owner = nullptr; ///< null: this node
        std::uint32_t life = 0;
        std::uint64_t version = 0, mark = 0;
        std::int64_t born = 0;
        time_point since{};              ///< of an own one, while `born` is unknown
        std::uint64_t dirty = not_dirty; ///< its number in `dirty_`
        bool shared = false;             ///< an own one that others know
        bool moved = false;              ///< an own one that others knew at another connection
    };

    entry* entry_of(std::string_view id) const;
    entry& add(std::string_view id);
    void erase(entry&);
    void touch(entry&);
    void clean(entry&);
    /// An own record is ours no more; `left`: and nobody else's.
    void disown(entry&, bool left, std::string_view moved_to = {});
    claim claim_of(entry const&) const;
    change_batch::set share(entry&);
    template <class Which>
    std::size_t remove_if(std::string_view node, Which);
    std::string const* name_of(std::string_view node);

    std::string node_;
    store_watch watch_;
    std::unordered_map<std::string_view, std::unique_ptr<entry>> entries_;
    std::unordered_set<std::string> names_; ///< of other nodes; entries point here
    std::deque<entry*> dirty_;              ///< null: is ours no more
    std::uint64_t first_dirty_ = 0;         ///< number of the first in `dirty_`
    std::size_t dirty_count_ = 0, own_ = 0, shared_ = 0;
    std::unordered_map<std::string, change_batch::removal> left_; ///< own ones that are no more
    std::uint64_t version_ = 0;
    bool sharing_ = false;
};

} // namespace mad::inline MAD_ABI::fleet

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/fleet/impl/picture.ipp>
#endif

#endif
