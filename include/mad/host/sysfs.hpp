#ifndef MAD_HOST_SYSFS_HPP
#define MAD_HOST_SYSFS_HPP

#include <mad/host/disk_meter.hpp>
#include <mad/host/file_reader.hpp>
#include <mad/host/net_meter.hpp>
#include <mad/host/roots.hpp>

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

namespace mad::inline MAD_ABI::host {

/// Looks into sysfs. Has buffers of its own, since whoever asks holds views into the file that he
/// goes through; reuses them, so asking allocates nothing after the first time.
class sysfs {
  public:
    explicit sysfs(std::string root)
        : root_(std::move(root)) {}

    /// The first line of the file made of `parts` below the root; empty when it cannot be read.
    /// Lives until the next call.
    std::string_view line(std::initializer_list<std::string_view> parts);

    /// Whether there is something of that name.
    bool exists(std::initializer_list<std::string_view> parts);

    /// Whether a directory is there and holds anything.
    bool has_entries(std::initializer_list<std::string_view> parts);

    /// The last part of what a symbolic link points to; empty when it is none.
    std::string_view link_name(std::initializer_list<std::string_view> parts);

  private:
    char const* path(std::initializer_list<std::string_view> parts);

    std::string root_, path_;
    read_buffer buffer_{4096};
};

/// What the block device `name` is to the total, by /sys/block.
disk_role disk_role_in(sysfs& sys, std::string_view name);

/// Interfaces as sysfs and the routing tables of procfs show them.
class system_nics final : public nic_source {
  public:
    explicit system_nics(roots const& where);

    nic_facts facts(std::string_view name) override;
    unsigned index(std::string_view name) override;
    std::optional<double> speed_mbit(std::string_view name) override;
    void refresh_routes() override;
    bool leads_out(std::string_view name) override;

  private:
    std::optional<unsigned> flags(std::string_view name);

    sysfs sys_;
    file_reader routes_v4_, routes_v6_;
    read_buffer buffer_v4_{4096}, buffer_v6_{4096};
    std::string_view text_v4_, text_v6_;
};

/// Where procfs shows the network of the machine that is watched.
std::string net_directory(roots const& where);

} // namespace mad::inline MAD_ABI::host

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/host/impl/sysfs.ipp>
#endif

#endif
