#ifndef MAD_FLEET_REDIS_LEDGER_HPP
#define MAD_FLEET_REDIS_LEDGER_HPP

#include <mad/core/log.hpp>
#include <mad/fleet/ledger.hpp>
#include <mad/fleet/redis_store.hpp>
#include <mad/net/shard.hpp>
#include <mad/redis/client.hpp>
#include <mad/redis/subscriber.hpp>

#include <boost/asio/steady_timer.hpp>

#include <deque>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace mad::inline MAD_ABI::fleet {

struct redis_ledger_settings {
    std::string node; ///< its name: it passes over what it has told itself
    redis::config redis;
    redis::settings connection = node_connection();
    std::string prefix = "mad:"; ///< as that of the store

    /// All tables there may be.
    std::vector<std::string> tables{"offline", "told", "mutes", "rules", "outbox", "access"};

    /// How often it looks whether Redis still has what it was given.
    milliseconds look{5'000};

    logger log;
};

/// A ledger in a Redis: a hash `mad:ledger:TABLE` for each table, and the channel `mad:ledger`. A
/// write changes the hash and says so in one step, so what nodes hear has the order of the hash.
/// Whoever was away reads the hashes anew; what it wrote meanwhile is written then. When Redis has
/// lost its data (`mad:ledger:epoch` is gone), nodes write what they have.
std::unique_ptr<ledger> make_redis_ledger(redis_ledger_settings);

namespace detail {

class redis_ledger final : public ledger, private net::turn_work {
  public:
    explicit redis_ledger(redis_ledger_settings);
    ~redis_ledger() override;

    void start(net::shard&, ledger_watch) override;
    std::string const* find(std::string_view table, std::string_view field) const override;
    void each(std::string_view table,
              std::function<void(std::string_view, std::string_view)> const&) const override;
    std::size_t size(std::string_view table) const override;
    void put(std::string_view table, std::string_view field, std::string value) override;
    void erase(std::string_view table, std::string_view field) override;
    void swap(std::string_view table, std::string_view field, std::optional<std::string> expected,
              std::optional<std::string> value, std::function<void(result<bool>)> done) override;
    void tell(std::string message) override;
    void stop(std::function<void()> done) override;

  private:
    using row = std::pair<std::string, std::string>; ///< table and field
    struct reading;

    void on_turn_end() override { flush(); }
    void change(std::string_view table, std::string_view field, std::optional<std::string>);
    void flush();
    void on_message(std::string_view);
    void on_up(bool up);
    void load();
    void read_on(std::shared_ptr<reading>);
    void on_loaded(reading&);
    void apply(std::string_view table, std::string_view field, std::optional<std::string_view>);
    void look();
    void note(bool ready);
    std::string key(std::string_view table) const { return base_ + std::string(table); }
    void write(std::string_view table, std::vector<row> const& rows, std::function<void(bool)>);

    template <class Fn>
    auto guarded(Fn fn) {
        return [fn = std::move(fn), alive = std::weak_ptr<int>(alive_)](auto&&... args) mutable {
            if (!alive.expired())
                fn(std::forward<decltype(args)>(args)...);
        };
    }

    redis_ledger_settings settings_;
    std::string base_, channel_, epoch_key_, epoch_;
    redis::script write_, swap_;
    ledger_tables tables_;
    ledger_watch watch_;
    std::unique_ptr<redis::client> client_;
    std::unique_ptr<redis::subscriber> subscriber_;
    std::unique_ptr<boost::asio::steady_timer> timer_;
    net::shard* home_ = nullptr;
    std::set<row> dirty_;                  ///< changed here, not yet on its way
    std::map<row, std::size_t> under_way_; ///< and not yet answered
    std::set<row> heard_;                  ///< while `load` reads
    std::uint64_t visit_ = 0;              ///< counts readings: an answer of an older one is late
    bool up_ = false, listening_ = false, loaded_ = false, loading_ = false, ready_ = false;
    std::shared_ptr<int> alive_ = std::make_shared<int>(0);
};

} // namespace detail

} // namespace mad::inline MAD_ABI::fleet

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/fleet/impl/redis_ledger.ipp>
#endif

#endif
