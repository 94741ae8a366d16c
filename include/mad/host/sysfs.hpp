#ifndef MAD_HOST_SYSFS_HPP
#define MAD_HOST_SYSFS_HPP

#include <mad/host/disk_meter.hpp>
#include <mad/host/file_reader.hpp>
#include <mad/host/net_meter.hpp>
#include <mad/host/roots.hpp>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

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

    /// Calls `f(name)` for each entry of a directory until it gives false. 0, or the errno of why
    /// the directory cannot be listed. `f` may ask for other files.
    template <class F>
    int for_each_entry(std::initializer_list<std::string_view> parts, F&& f);

    /// The last part of what a symbolic link points to; empty when it is none.
    std::string_view link_name(std::initializer_list<std::string_view> parts);

    /// The path made of `parts` below the root. Lives until the next call.
    char const* path(std::initializer_list<std::string_view> parts);

  private:
    std::string root_, path_;
    read_buffer buffer_{4096};
};

template <class F>
int sysfs::for_each_entry(std::initializer_list<std::string_view> parts, F&& f) {
    int const fd = ::open(path(parts), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return errno;
    // opendir would allocate 32 KB.
    alignas(std::uint64_t) std::array<char, 1024> buffer;
    int error = 0;
    for (bool more = true; more;) {
        auto const n = ::syscall(SYS_getdents64, fd, buffer.data(), buffer.size());
        if (n < 0)
            error = errno;
        more = n > 0;
        // Each entry: inode and offset (8 bytes each), its length (2), a type (1), the name.
        std::uint16_t length = 0;
        for (long at = 0; at < n && more; at += length) {
            char const* const entry = buffer.data() + at;
            std::memcpy(&length, entry + 16, sizeof length);
            std::string_view const name = entry + 19;
            more = name == "." || name == ".." || f(name);
        }
    }
    ::close(fd);
    return error;
}

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
