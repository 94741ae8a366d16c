#ifndef MAD_SERVERS_SYNTHETIC_FLEET_HPP
#define MAD_SERVERS_SYNTHETIC_FLEET_HPP

#include <mad/core/clock.hpp>
#include <mad/core/log.hpp>
#include <mad/net/dialer.hpp>
#include <mad/net/io_pool.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace programs {

struct synthetic_settings {
    /// Nodes or proxies; the agents are dealt out to them in turn.
    std::vector<std::string> urls;
    std::string path = "/socket.io/";
    std::size_t agents = 100;
    /// The first one's number: ids are PREFIX with five digits.
    std::size_t first = 0;
    std::string prefix = "synthetic-";
    mad::milliseconds interval{2500};
    std::uint64_t seed = 1;
    /// Percent of the hosts: in trouble now and then; with values that never change.
    double trouble = 3, steady = 0;
    /// Percent of the agents that lose their connection, each minute.
    double churn = 0;
    /// After this time nothing changes any more, and `on_frozen` is told what there is, as one line
    /// of JSON: `{"frozen":{"ID":{"storage":…,"cpu":…,"mem":…,"silent":false},…}}`. 0: never.
    mad::milliseconds freeze_after{0};
    std::function<void(std::string const&)> on_frozen;
    std::string token; ///< in the `auth` of each CONNECT; empty: none
    std::shared_ptr<mad::net::cipher_dialer> tls;
    mad::logger log;
};

/// What they have done so far.
struct synthetic_numbers {
    std::uint64_t connected = 0; ///< now
    std::uint64_t connections = 0, sent = 0, refused = 0;
};

/// Agents of hosts that do not exist, all on one thread: to see how a fleet of that size looks and
/// what it costs. Each has a connection of its own and behaves on it as mad-agent does.
class synthetic_fleet {
  public:
    explicit synthetic_fleet(synthetic_settings);
    ~synthetic_fleet();

    /// Connects them, at most a thousand a second, and sends, until `leave` is done.
    void run();
    /// All leave orderly. From any thread.
    void leave(mad::milliseconds drain);

    boost::asio::io_context& context();
    /// On its thread.
    synthetic_numbers const& numbers() const;

  private:
    class crowd;
    mad::net::io_pool pool_;
    std::unique_ptr<crowd> crowd_;
};

} // namespace programs

#endif
