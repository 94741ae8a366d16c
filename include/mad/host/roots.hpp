#ifndef MAD_HOST_ROOTS_HPP
#define MAD_HOST_ROOTS_HPP

#include <mad/config.hpp>

#include <string>

namespace mad::inline MAD_ABI::host {

/// Where the kernel's trees are found. The defaults are this machine; a container that watches its
/// host gets the host's trees mounted somewhere, a test lays its own.
struct roots {
    /// procfs, without a slash at the end (`--procfs`).
    std::string proc = "/proc";

    /// sysfs, without a slash at the end (`--sysfs`).
    std::string sys = "/sys";

    /// The host's root directory as seen from here, without a slash at the end; empty: `/`
    /// (`--rootfs`). When set, mounts, network counters and names are those of process 1.
    std::string root;
};

} // namespace mad::inline MAD_ABI::host

#endif
