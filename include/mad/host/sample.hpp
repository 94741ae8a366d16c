#ifndef MAD_HOST_SAMPLE_HPP
#define MAD_HOST_SAMPLE_HPP

#include <mad/host/short_text.hpp>

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

/// What a host's health is made of. All numbers are finite and, but for temperatures, not negative;
/// what could not be measured is absent, and 0 is a measured 0. Percents are 0 to 100.
namespace mad::inline MAD_ABI::host {

/// Names of the longest kinds there are: interfaces have 15 bytes, disks 31, both the kernel's.
using nic_name = short_text<15>;
using disk_name = short_text<31>;
using mount_name = short_text<255>;
using type_name = short_text<31>;
using sensor_name = short_text<63>;

/// Which view a sample is of: the whole machine, or what the limits of a control group leave of it.
enum class scope : std::uint8_t { host, cgroup };

/// Which view is asked for. `automatic` takes that of the control group only when a limit is set
/// and the process watched runs in a container: a limit on a service must not change the numbers
/// of its host.
enum class scope_choice : std::uint8_t { automatic, host, cgroup };

/// Share of CPU time since the sample before, all CPUs together.
struct cpu_use {
    /// All but idle and waiting for devices. Stolen time counts: this machine did not get it.
    double pct = 0;

    /// Programs, niced ones too; the kernel with its interrupts.
    double user = 0, system = 0;

    /// Idle with a device being waited for; taken by the hypervisor for others.
    double iowait = 0, steal = 0;

    /// Share of the time in which the quota held the group back; absent without a quota. In scope
    /// `cgroup`, `pct` is of `sample::usable_cpus`, and the other parts stay those of the machine.
    std::optional<double> throttled = std::nullopt;
};

/// Memory in bytes.
struct memory_use {
    std::uint64_t total = 0;

    /// What programs could still get without swapping.
    std::uint64_t available = 0;

    /// Share of the total that is not available.
    double pct = 0;

    /// Swap space; 0 in all when there is none. Absent when the kernel does not tell.
    std::optional<std::uint64_t> swap_total, swap_used;
};

/// Time in which tasks waited for something, as percent of the time that passed.
struct pressure {
    /// At least one task; all that were not idle. Since the sample before; absent in the first.
    std::optional<double> some, full;

    /// The kernel's own averages over 60 s.
    std::optional<double> some_60s, full_60s;
};

/// What the kernel says about waiting; parts that it does not tell are absent. The machine's `cpu`
/// has no `full`: the kernel's is 0 by definition.
struct pressures {
    std::optional<pressure> cpu, memory, io;

    bool empty() const { return !cpu && !memory && !io; }
};

/// One sensor.
struct temperature {
    /// Name of the chip and of its input. Example: `coretemp Package id 0`
    sensor_name name;

    /// Degrees Celsius; the only number here that may be negative.
    double celsius = 0;

    /// Where the maker says it becomes dangerous; absent when unknown.
    std::optional<double> critical;
};

/// Space of a mounted filesystem in bytes.
struct space_use {
    std::uint64_t size = 0;

    /// What an ordinary user can still write.
    std::uint64_t available = 0;

    /// used / (used + available), as df counts: space kept for root is in neither.
    double pct = 0;

    /// Share of the inodes in use; absent on filesystems without a fixed number of them.
    std::optional<double> inode_pct;
};

/// One filesystem.
struct filesystem {
    mount_name mount;

    /// The kernel's name of the type. `overlay` is the root of a container and nothing else.
    type_name type;

    /// Absent while a network filesystem has not answered yet, or no longer does.
    std::optional<space_use> space;

    bool read_only = false;

    /// A network filesystem: never counted in `sample::storage`.
    bool network = false;

    /// Did not answer within `sampler_settings::statvfs_limit`.
    bool stuck = false;
};

/// Traffic of disks since the sample before.
struct disk_rates {
    /// Bytes per second.
    std::optional<double> read, written;

    /// Finished requests per second.
    std::optional<double> reads, writes;

    /// Share of the time in which at least one request was under way. A device that serves many at
    /// once is not full at 100: see `queue`. In a total: the busiest device.
    std::optional<double> util;

    /// Requests under way, on average.
    std::optional<double> queue;

    /// Mean time a request took, in ms; absent when none finished.
    std::optional<double> read_wait_ms, write_wait_ms;
};

struct disk {
    disk_name name;
    disk_rates rates;

    /// Part of the total. Devices made of others (device-mapper, md) are not: their members are.
    bool counted = false;
};

/// Traffic of interfaces since the sample before.
struct nic_rates {
    /// Bytes per second, in and out.
    std::optional<double> rx, tx;

    /// Packets per second with an error, and dropped ones, both directions together.
    std::optional<double> errors, dropped;
};

struct nic {
    nic_name name;
    nic_rates rates;

    /// Speed of the link in Mbit/s; absent when unknown, as on most virtual machines.
    std::optional<double> speed_mbit;
};

/// Tasks of the kernel (threads count one each).
struct task_counts {
    std::optional<std::uint64_t> running, total, blocked;
};

/// Averages of runnable and blocked tasks over 1, 5 and 15 minutes.
struct load_averages {
    double one = 0, five = 0, fifteen = 0;
};

/// What this process costs its host.
struct own_cost {
    /// Share of one CPU since the sample before; absent in the first.
    std::optional<double> cpu_pct;

    /// Memory held, in bytes.
    std::optional<std::uint64_t> rss;
};

/// What a sample is taken from; in `sample::failed` when it could not be read.
enum class source : std::uint8_t {
    cpu,
    load,
    mem,
    disk,
    io,
    net,
    up,
    agent,
    storage,
    psi,
    temp,
    cgroup,
    count_
};

/// A set of sources.
class source_set {
  public:
    void add(source s) { bits_ |= 1u << static_cast<unsigned>(s); }
    bool has(source s) const { return bits_ >> static_cast<unsigned>(s) & 1u; }
    bool empty() const { return bits_ == 0; }
    void clear() { bits_ = 0; }

  private:
    std::uint32_t bits_ = 0;
};

/// The name of a source as messages show it. Example: `mem`
std::string_view to_string(source);

/// One reading of a host. Rates are over the time since the reading before and absent in the first.
struct sample {
    /// Wall clock in ms since 1970, when the reading began. Informational: it steps.
    std::int64_t wall_ms = 0;

    /// How full the fullest local filesystem is, 0 to 100; the root's when none qualifies, 0 with
    /// `source::storage` failed when that is unknown too. A field of the original protocol.
    double storage = 0;

    /// Traffic of all counted interfaces, both directions, in Mbit/s; 0 while unknown. A field of
    /// the original protocol.
    double network = 0;

    std::optional<cpu_use> cpu;

    /// Busy share of each CPU at its number; absent for numbers that are not online or new. Empty
    /// in the first sample.
    std::vector<std::optional<double>> cores;

    /// The view that `cpu` and `memory` are of.
    host::scope scope = host::scope::host;

    /// CPUs that may be used, less than one too: the quota in scope `cgroup`, else those online.
    /// Absent when unknown.
    std::optional<double> usable_cpus;

    std::optional<load_averages> load;
    std::optional<memory_use> memory;

    /// Empty where the kernel keeps none.
    pressures psi;

    /// Every sensor that answers, at most 10 s old, in the order of `is_more_urgent`: the one
    /// closest to its limit first. Empty on most virtual machines.
    std::vector<temperature> temperatures;

    /// Stuck ones first, then the fullest first.
    std::vector<filesystem> filesystems;

    /// All counted disks together, then each by itself with those that are only listed.
    std::optional<disk_rates> io;
    std::vector<disk> disks;

    /// All counted interfaces together, then each by itself.
    std::optional<nic_rates> net;
    std::vector<nic> nics;

    /// Seconds since the start.
    std::optional<double> uptime_s;

    std::optional<task_counts> tasks;
    own_cost agent;

    source_set failed;
};

} // namespace mad::inline MAD_ABI::host

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/host/impl/sample.ipp>
#endif

#endif
