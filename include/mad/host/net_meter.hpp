#ifndef MAD_HOST_NET_METER_HPP
#define MAD_HOST_NET_METER_HPP

#include <mad/host/delta.hpp>
#include <mad/host/proc_net.hpp>
#include <mad/host/sample.hpp>

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mad::inline MAD_ABI::host {

/// Highest rate believed of an interface whose speed is unknown, in bytes per second.
inline constexpr double max_nic_rate = 400e9 / 8;

/// What the system tells about an interface beside its counters.
struct nic_facts {
    /// Has a device behind it, so it is no bridge, tunnel, bond or other thing of software.
    bool hardware = false;

    /// The kernel's ARPHRD number; absent when it does not tell.
    std::optional<unsigned> type;

    bool loopback = false;

    /// The interface this one is a member of.
    nic_name master;
};

/// Who knows about interfaces. Never fails: what is unknown is absent, false or 0.
class nic_source {
  public:
    virtual ~nic_source() = default;

    virtual nic_facts facts(std::string_view name) = 0;

    /// Number of the interface, 0 when unknown. Tells an interface from its successor of one name.
    virtual unsigned index(std::string_view name) = 0;

    /// Speed of the link in Mbit/s; absent when unknown.
    virtual std::optional<double> speed_mbit(std::string_view name) = 0;

    /// Reads the routes anew, for `leads_out`.
    virtual void refresh_routes() = 0;

    /// Whether the interface is switched on and owns a default route.
    virtual bool leads_out(std::string_view name) = 0;
};

/// Which interfaces count by the user's word. Entries may hold `*`.
struct nic_choice {
    /// When not empty, only these count, whatever they are.
    std::vector<std::string> only;

    /// These never count.
    std::vector<std::string> never;
};

/// Turns readings of /proc/net/dev into rates. By itself it counts what has hardware behind it;
/// where nothing has (in containers), what leads out; where nothing does, all but loopback.
class net_meter {
  public:
    /// `nics` must live as long as the meter.
    net_meter(nic_choice choice, nic_source& nics)
        : choice_(std::move(choice))
        , nics_(&nics) {}

    /// Writes `net`, `nics` and `network` of `out`. The total is absent while no rate is known.
    void update(std::span<nic_stats const> now, time_point at, sample& out);

    /// Forgets the baselines, and what devices are.
    void reset();

  private:
    struct interface {
        nic_name name;
        unsigned index = 0;
        nic_facts facts;
        std::optional<double> speed_mbit;
        bool chosen = false, counted = false, seen = false;
        bool fresh = true; // no baseline yet
        counter rx, tx, rx_errors, tx_errors, rx_dropped, tx_dropped;
    };

    std::size_t entry_for(std::string_view name, std::size_t hint);
    void relearn(interface& i);
    void follow(interface& i);
    bool is_chosen(interface const& i) const;
    bool may_fall_back_to(interface const& i) const;
    void choose();
    nic_rates rates_of(interface& mine, nic_stats const& now, duration elapsed);
    static void set_baseline(interface& mine, nic_stats const& now);

    nic_choice choice_;
    nic_source* nics_;
    rate_window window_;
    std::optional<time_point> learnt_;
    std::vector<interface> interfaces_;
    std::vector<std::size_t> lines_; // interface of each line, reused
};

} // namespace mad::inline MAD_ABI::host

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/host/impl/net_meter.ipp>
#endif

#endif
