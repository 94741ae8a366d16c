#ifndef MAD_HOST_MOUNTS_HPP
#define MAD_HOST_MOUNTS_HPP

#include <mad/host/sample.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mad::inline MAD_ABI::host {

/// One line of mountinfo. The views point into the text that was parsed and are still escaped.
/// Example: `27 1 254:0 / / rw,relatime - ext4 /dev/vda rw,discard`
struct mount_entry {
    unsigned id = 0, parent = 0, major = 0, minor = 0;
    std::string_view root, mountpoint, options, type, source, super_options;

    /// `ro` in the options of the mount or of the filesystem, or a filesystem that made itself
    /// read-only after an error.
    bool read_only() const;
};

/// Fills `out` (its memory is reused) in the order of the file; lines that make no sense are left
/// out. False when there is no usable line.
bool parse_mountinfo(std::string_view text, std::vector<mount_entry>& out);

/// The path that a mountinfo field stands for. Example: `/mnt/a\040b` is `/mnt/a b`.
std::string unescape_mount(std::string_view field);

/// What a type of filesystem is to us.
enum class fs_kind : std::uint8_t {
    skipped, ///< holds no data of its own, or is full by nature (images)
    local,   ///< disks
    network, ///< may block for ever when the other side dies
};

fs_kind fs_kind_of(std::string_view type);

/// Whether a call on this type may hang: everything that another machine or a user program answers,
/// and every type that is not known to be a disk of this machine.
bool may_hang(std::string_view type);

/// Whether a call on this mount may: because of its type, or because the way to it leads through
/// another of `all` whose type may.
bool may_hang(std::span<mount_entry const> all, mount_entry const& m);

/// Whether a mountpoint is of no interest whatever is mounted there: the kernel's own trees and the
/// storage of container engines and package images.
bool is_hidden_place(std::string_view mountpoint);

/// A mount that is worth a look.
struct mount_choice {
    /// Index into the parsed entries.
    std::size_t entry = 0;

    /// Choices of one group show the same space: the first that is a directory is to be used.
    std::size_t group = 0;

    /// Unescaped.
    std::string mountpoint;
};

/// Which mounts to look at, best first in each group. Left out: types and places of no interest,
/// and mounts that a later one covers. Grouped: everything on one device (bind mounts), btrfs by
/// its device, ZFS by its pool; within a group the shortest mountpoint is the best. Network types
/// come in only when asked for; a root that is an overlay (a container's) always does.
void choose_mounts(std::span<mount_entry const> all, bool network, std::vector<mount_choice>& out);

/// The numbers of statvfs(3) that matter.
struct fs_space {
    std::uint64_t fragment_bytes = 0;
    std::uint64_t blocks = 0, free = 0, available = 0;
    std::uint64_t files = 0, files_free = 0;
    bool read_only = false;
};

/// Space in bytes and percents; nothing for a filesystem without size, or with nothing used and
/// nothing to be had. Subtractions saturate, and what is available is at most what is free,
/// whatever the filesystem says.
std::optional<space_use> space_of(fs_space const&);

} // namespace mad::inline MAD_ABI::host

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/host/impl/mounts.ipp>
#endif

#endif
