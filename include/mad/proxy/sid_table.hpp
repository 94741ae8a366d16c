#ifndef MAD_PROXY_SID_TABLE_HPP
#define MAD_PROXY_SID_TABLE_HPP

#include <mad/core/clock.hpp>
#include <mad/proxy/upstream.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace mad::inline MAD_ABI::proxy {

struct sid_table_settings {
    /// Entries in all (> 0); over it those go that were not used for the longest time. Default
    /// 1,000,000, about 200 bytes each.
    std::size_t max_entries = 1'000'000;

    /// How long an entry stays after its last request. Default 90 s: twice pingInterval +
    /// pingTimeout of Socket.IO, within which a polling session must ask again.
    milliseconds life{90'000};
};

/// Who is told of each session that is learnt, for a hand-over.
class sid_observer {
  public:
    /// On the thread of the relay that learnt it; must not call the table.
    virtual void learnt(std::string_view sid, std::uint32_t target, bool polling) = 0;

  protected:
    ~sid_observer() = default;
};

/// Which upstream made which session, learnt from the answers to handshakes, and to requests of
/// sessions that were there before. All shards share one; each call locks one of 64 parts. It
/// counts the polling sessions of each upstream: those learnt, not upgraded and not gone.
class sid_table {
  public:
    /// Longer ids are not learnt.
    static constexpr std::size_t max_sid = 128;

    /// One entry, for a hand-over.
    struct entry {
        std::string sid;
        std::uint32_t target = 0;
        bool polling = false;
        milliseconds age{0}; ///< since its last request
    };

    explicit sid_table(sid_table_settings = {});
    ~sid_table();
    sid_table(sid_table const&) = delete;
    sid_table& operator=(sid_table const&) = delete;

    /// A handshake was answered by that upstream. `polling`: it counts as one of its polling
    /// sessions. False: an id that cannot be one (empty, or too long).
    bool learn(std::string_view sid, target const&, bool polling, time_point now);

    /// That upstream has answered a request of the session as its own: it is learnt when it was not
    /// known, as after a restart of the proxy. False: it was, or cannot be an id.
    bool meet(std::string_view sid, target const&, bool polling, time_point now);

    /// The upstream's id, and the entry's time begins anew. Nothing: not known, or too old.
    std::optional<std::uint32_t> use(std::string_view sid, time_point now);

    /// The same without the new beginning.
    std::optional<std::uint32_t> find(std::string_view sid, time_point now) const;

    /// It has a tunnel now, which counts itself.
    void upgraded(std::string_view sid);

    /// It has ended, or its upstream does not know it.
    void erase(std::string_view sid);

    /// An upstream has died: its sessions count no more. They stay known, so that their next
    /// request is told at once that they are gone.
    void release(std::uint32_t target);

    /// Lets go of what is too old. Each second, on one shard.
    void expire(time_point now);

    std::size_t size() const;

    /// All that is known, oldest first within each part.
    std::vector<entry> all(time_point now) const;

    /// From now on that one is told, and nobody else.
    void observe(sid_observer&);
    /// That one is not told any more when this returns.
    void unobserve(sid_observer&);

    /// Puts back what another process knew; the observer is not told. `to` is the target that
    /// `entry.target` is here.
    void restore(entry const&, target const& to, time_point now);

  private:
    struct item {
        std::string sid;
        std::uint32_t target = 0;
        bool polling = false;
        time_point used{};
        std::shared_ptr<upstream_counters> count;
    };
    struct alignas(64) part {
        mutable std::mutex mutex;
        sid_observer* observer = nullptr;
        std::list<item> items; ///< oldest use first
        std::unordered_map<std::string_view, std::list<item>::iterator> by_sid;
    };
    static constexpr std::size_t parts = 64;

    part& part_of(std::string_view sid) const;
    void put(part&, std::string_view sid, target const&, bool polling, time_point used);
    static void discount(item&);
    static void drop(part&, std::list<item>::iterator);

    sid_table_settings settings_;
    mutable std::array<part, parts> parts_;
};

} // namespace mad::inline MAD_ABI::proxy

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/proxy/impl/sid_table.ipp>
#endif

#endif
