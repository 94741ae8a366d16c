#ifndef MAD_SERVERS_SYNTHETIC_HOST_HPP
#define MAD_SERVERS_SYNTHETIC_HOST_HPP

#include <mad/host/identity.hpp>
#include <mad/host/sample.hpp>

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace programs {

/// What a made-up host suffers from.
enum class trouble : std::uint8_t { none, cpu, memory, storage, silence };

/// A host that does not exist, with the health of an ordinary one: values wander, some hosts are in
/// trouble now and then. The same seed and number make the same host with the same history.
class synthetic_host {
  public:
    /// `steady`: its values never change.
    synthetic_host(std::uint64_t seed, std::size_t number, trouble, bool steady);

    /// One step of time, as long as an interval. The sample is valid until the next.
    mad::host::sample const& next(std::int64_t wall_ms);

    /// Whether it says nothing in this step: a host that hangs.
    bool silent() const { return silent_; }

    /// From now on nothing about it changes; a silent one stays so.
    void freeze() { frozen_ = true; }
    mad::host::sample const& last() const { return sample_; }

    /// Marked for everybody who sees it: the first tag is `synthetic`.
    std::vector<std::string> const& tags() const { return tags_; }
    std::string_view region() const { return region_; }
    mad::host::identity const& who() const { return who_; }

  private:
    double chance() { return std::uniform_real_distribution<double>(0, 1)(random_); }
    double wander(double value, double home, double step, double least, double most);
    void fill();

    std::minstd_rand random_;
    mad::host::identity who_;
    std::vector<std::string> tags_;
    std::string_view region_;
    mad::host::sample sample_;
    trouble trouble_;
    bool steady_, silent_ = false, filled_ = false, frozen_ = false;
    std::size_t step_ = 0, period_, phase_;
    double cpu_home_, cpu_, memory_home_, memory_, storage_, network_home_, network_;
};

} // namespace programs

#endif
