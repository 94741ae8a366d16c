#ifndef MAD_FLEET_SHARED_STORE_HPP
#define MAD_FLEET_SHARED_STORE_HPP

#include <mad/core/log.hpp>
#include <mad/fleet/node_link.hpp>
#include <mad/fleet/picture.hpp>
#include <mad/fleet/shared_clock.hpp>
#include <mad/net/shard.hpp>

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace mad::inline MAD_ABI::fleet {

/// How a node shares its records. Defaults are ours.
struct sharing_settings {
    /// Name of this node: 1 to 64 bytes without braces; no two nodes may have the same.
    std::string node;

    /// How long a node may be silent before it counts as dead, and how often it shows that it is
    /// not: three signs may get lost.
    milliseconds lease{15'000};
    milliseconds renew{5'000};

    /// After the link was lost: how long a node that has not been heard of again keeps the records
    /// it had. It may be writing them anew.
    milliseconds grace{2'000};

    /// Before the next attempt at what was refused.
    milliseconds retry{1'000};

    /// Records of the original's nodes are read and kept; without news they go after this time.
    bool foreign = false;
    milliseconds foreign_life{60'000};

    /// How often `on_time` is called.
    milliseconds tick{200};

    /// Bytes of records in one batch, and batches that are on their way. While they are, changes
    /// add up to the newest record of each agent.
    std::size_t max_batch_bytes = 256 * 1024;
    std::size_t max_in_flight = 4;

    clock const* time = &mad::system_clock::instance();
    logger log;
};

/// A store whose nodes have one picture: each holds all records in memory, tells the others what
/// changes here and reads again what it may have missed. What it meets the others through is the
/// link's; what it decides needs no link to be tested.
class shared_store final : public store, private net::turn_work {
  public:
    /// Throws std::invalid_argument for a name that no node may have.
    shared_store(sharing_settings, std::unique_ptr<node_link>);
    ~shared_store() override;

    stored_record const* find(std::string_view id) const override { return picture_.find(id); }
    void put(stored_record) override;
    bool drop(std::string_view id, std::string_view socket_id) override;
    void each(std::function<void(stored_record const&)> const& fn) const override {
        picture_.each(fn);
    }
    std::size_t size() const override { return picture_.size(); }
    std::size_t own_size() const override { return picture_.own_size(); }
    void start(net::shard&, store_watch) override;
    void announce(std::string text, std::function<void()> done) override;
    void stop(std::function<void()> done) override;
    /// From any thread.
    store_state state() const override;

    /// Everything that is due. `start` sees to it; tests call it.
    void on_time();
    /// Sends what has changed. At the end of each turn; tests call it.
    void flush();

  private:
    struct ticker;
    enum class phase : std::uint8_t { away, joining, joined, left };

    /// Another node, as far as it was heard of.
    struct peer {
        std::string epoch;      ///< empty: not known yet
        std::uint32_t life = 1; ///< counts its epochs
        std::optional<std::uint64_t> seq;
        time_point heard{};
        bool asked = false; ///< whether it lives
        bool dark = false;  ///< when it was asked last, nobody could tell

        // Reading its records again.
        bool wanted = false, running = false;
        bool renamed = false; ///< it said another epoch while it ran
        time_point at{};      ///< not before
        std::uint64_t mark = 0;
        std::unordered_map<std::string, std::uint64_t> gone; ///< while it runs: agents and versions
    };

    void on_turn_end() override { flush(); }
    time_point now() const { return settings_.time->now(); }
    std::int64_t shared_now() const { return clock_.at(now()); }
    void changed();

    void on_up();
    void on_down(std::string why);
    void on_listening();
    void on_message(std::string_view);
    void on_foreign_update(std::string_view record);
    void on_foreign_gone(std::string_view id);

    void try_join();
    void join();
    void write_all();
    void on_joined();
    void lose(std::string why);
    void renew();
    void on_renewed(time_point sent, std::optional<std::size_t> expected, result<renewal>);
    std::string sign();

    peer& peer_of(std::string const& node);
    void list_nodes();
    void want(peer&, duration in = {});
    void reread(std::string const& node, peer&);
    void on_records(std::string const& node, result<node_records>);
    void read_foreign();
    void look_after(std::string const& node, peer&);
    void bury(std::string node, bool by_us);
    void judge();
    void note(bool ready, std::string why);

    /// A callback that does nothing once this store, or the link's connection, is another one.
    template <class Fn>
    auto guarded(Fn fn) {
        return [this, fn = std::move(fn), alive = std::weak_ptr<int>(alive_),
                visit = visit_](auto&&... args) mutable {
            if (!alive.expired() && visit == visit_)
                fn(std::forward<decltype(args)>(args)...);
        };
    }

    sharing_settings settings_;
    std::unique_ptr<node_link> link_;
    picture picture_;
    store_watch watch_;
    shared_clock clock_;
    std::map<std::string, std::unique_ptr<peer>, std::less<>> peers_;
    std::string epoch_;
    std::uint64_t seq_ = 0, marks_ = 0, foreign_version_ = 0, visit_ = 0;
    phase phase_ = phase::away;
    bool up_ = false, listening_ = false, listing_ = false, refused_ = false;
    bool catching_up_ = true, foreign_read_ = false;
    std::size_t in_flight_ = 0;
    time_point next_renewal_{}, next_try_{}, next_list_{};
    net::shard* home_ = nullptr;
    std::unique_ptr<ticker> ticker_;
    std::shared_ptr<int> alive_ = std::make_shared<int>(0);
    struct former {
        std::string socket;
        std::int64_t born = 0;
        time_point seen{};
    };
    std::unordered_map<std::string, former> formers_; ///< connections at the original's nodes

    struct counts {
        std::atomic<std::uint64_t> published{0}, received{0}, gaps{0}, rereads{0}, refused{0},
            joins{0}, bad{0}, buried{0};
        std::atomic<std::size_t> peers{0};
    } counts_;
    mutable std::mutex mutex_; // for what follows: asked from any thread
    std::string why_ = "not connected yet";
    std::int64_t since_ = 0;
    bool ready_ = false;
};

} // namespace mad::inline MAD_ABI::fleet

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/fleet/impl/shared_peers.ipp>
#include <mad/fleet/impl/shared_store.ipp>
#endif

#endif
