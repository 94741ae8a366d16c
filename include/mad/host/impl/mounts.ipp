#ifndef MAD_HOST_IMPL_MOUNTS_IPP
#define MAD_HOST_IMPL_MOUNTS_IPP

#include <mad/host/delta.hpp>
#include <mad/host/mounts.hpp>
#include <mad/host/scan.hpp>

#include <algorithm>

namespace mad::inline MAD_ABI::host {

namespace detail {

inline bool has_option(std::string_view options, std::string_view wanted) {
    while (!options.empty()) {
        auto const end = options.find(',');
        if (options.substr(0, end) == wanted)
            return true;
        options.remove_prefix(end == options.npos ? options.size() : end + 1);
    }
    return false;
}

inline bool read_mount(std::string_view line, mount_entry& m) {
    auto const id = number_of<unsigned>(next_field(line));
    auto const parent = number_of<unsigned>(next_field(line));
    auto const device = next_field(line);
    auto const colon = device.find(':');
    if (!id || !parent || colon == device.npos)
        return false;
    auto const major = number_of<unsigned>(device.substr(0, colon));
    auto const minor = number_of<unsigned>(device.substr(colon + 1));
    if (!major || !minor)
        return false;
    m.id = *id;
    m.parent = *parent;
    m.major = *major;
    m.minor = *minor;
    m.root = next_field(line);
    m.mountpoint = next_field(line);
    m.options = next_field(line);
    // Any number of optional fields, then a lone dash.
    while (!line.empty() && next_field(line) != "-")
        ;
    // The source may be empty, so blanks are counted here, not skipped.
    m.type = next_field(line);
    m.source = next_field(line);
    m.super_options = next_field(line);
    return m.mountpoint.starts_with('/') && !m.type.empty();
}

/// Whether `path` is `top` or lies below it.
inline bool is_under(std::string_view path, std::string_view top) {
    if (top == "/")
        return path.starts_with('/');
    return path.starts_with(top) && (path.size() == top.size() || path[top.size()] == '/');
}

inline mount_entry const* mount_with_id(std::span<mount_entry const> all, unsigned id) {
    auto const it = std::find_if(all.begin(), all.end(), [&](auto const& m) { return m.id == id; });
    return it == all.end() ? nullptr : &*it;
}

/// Whether `m` hangs on the mount `ancestor`. Where the line of a parent is missing, as in a
/// changed root, it might: the answer is yes.
inline bool may_hang_on(std::span<mount_entry const> all, unsigned ancestor, mount_entry const& m) {
    // Parents cannot form a ring, but the text is not ours to trust.
    auto const* at = &m;
    for (std::size_t steps = 0; steps < all.size(); ++steps) {
        if (at->parent == ancestor)
            return true;
        auto const* parent = mount_with_id(all, at->parent);
        if (!parent || parent == at)
            return at->mountpoint != "/";
        at = parent;
    }
    return false;
}

/// Whether a later mount on the same place, or above it, hides this one.
inline bool is_covered(std::span<mount_entry const> all, std::size_t i) {
    auto const& m = all[i];
    for (auto const& later : all.subspan(i + 1)) {
        if (later.mountpoint == m.mountpoint)
            return true;
        if (is_under(m.mountpoint, later.mountpoint) && !may_hang_on(all, later.id, m))
            return true;
    }
    return false;
}

inline std::string_view pool_of(mount_entry const& m) {
    return m.source.substr(0, m.source.find('/'));
}

inline bool same_space(mount_entry const& a, mount_entry const& b) {
    if (a.type == "btrfs" && b.type == "btrfs")
        return a.source == b.source;
    if (a.type == "zfs" && b.type == "zfs")
        return pool_of(a) == pool_of(b);
    return a.major == b.major && a.minor == b.minor;
}

inline bool is_wanted(mount_entry const& m, bool network) {
    if (m.mountpoint == "/" && m.type == "overlay")
        return true;
    if (is_hidden_place(m.mountpoint))
        return false;
    if (m.type == "fuse.sshfs")
        return network;
    auto const kind = fs_kind_of(m.type);
    return kind == fs_kind::local || (kind == fs_kind::network && network);
}

template <std::size_t N>
bool one_of(std::string_view word, std::string_view const (&words)[N]) {
    return std::find(std::begin(words), std::end(words), word) != std::end(words);
}

} // namespace detail

MAD_DECL bool mount_entry::read_only() const {
    return detail::has_option(options, "ro") || detail::has_option(super_options, "ro") ||
           detail::has_option(options, "emergency_ro") ||
           detail::has_option(super_options, "emergency_ro");
}

MAD_DECL bool parse_mountinfo(std::string_view text, std::vector<mount_entry>& out) {
    out.clear();
    while (!text.empty()) {
        mount_entry m;
        if (detail::read_mount(next_line(text), m))
            out.push_back(m);
    }
    return !out.empty();
}

MAD_DECL std::string unescape_mount(std::string_view field) {
    std::string out;
    out.reserve(field.size());
    auto const is_octal = [](char c) { return c >= '0' && c <= '7'; };
    for (std::size_t i = 0; i < field.size(); ++i) {
        bool const escape = field[i] == '\\' && i + 3 < field.size() && field[i + 1] <= '3' &&
                            is_octal(field[i + 1]) && is_octal(field[i + 2]) &&
                            is_octal(field[i + 3]);
        if (!escape) {
            out += field[i];
            continue;
        }
        out += static_cast<char>((field[i + 1] - '0') * 64 + (field[i + 2] - '0') * 8 +
                                 (field[i + 3] - '0'));
        i += 3;
    }
    return out;
}

MAD_DECL fs_kind fs_kind_of(std::string_view type) {
    constexpr std::string_view remote[] = {
        "nfs",  "nfs4",     "cifs",  "smb3",           "smbfs",      "ncpfs",
        "ceph", "9p",       "afs",   "coda",           "lustre",     "beegfs",
        "gpfs", "orangefs", "pvfs2", "fuse.glusterfs", "fuse.sshfs",
    };
    constexpr std::string_view none[] = {
        "autofs",  "bpf",      "binfmt_misc", "cgroup",   "cgroup2",    "configfs",   "debugfs",
        "devpts",  "devtmpfs", "efivarfs",    "fusectl",  "hugetlbfs",  "mqueue",     "nsfs",
        "overlay", "proc",     "pstore",      "ramfs",    "rpc_pipefs", "securityfs", "selinuxfs",
        "sysfs",   "tmpfs",    "tracefs",     "squashfs", "erofs",      "iso9660",    "fuse",
    };
    if (detail::one_of(type, remote))
        return fs_kind::network;
    if (detail::one_of(type, none) || type.starts_with("fuse."))
        return fs_kind::skipped;
    return fs_kind::local;
}

MAD_DECL bool may_hang(std::string_view type) {
    constexpr std::string_view disks[] = {
        "ext2", "ext3",  "ext4",   "xfs",  "btrfs", "zfs",      "vfat",    "msdos",    "exfat",
        "f2fs", "jfs",   "nilfs2", "ntfs", "ntfs3", "hfs",      "hfsplus", "hpfs",     "udf",
        "ufs",  "ubifs", "jffs2",  "affs", "minix", "reiserfs", "reiser4", "bcachefs", "rootfs",
    };
    switch (fs_kind_of(type)) {
    case fs_kind::network:
        return true;
    case fs_kind::skipped:
        return type.starts_with("fuse");
    case fs_kind::local:
        break;
    }
    return !detail::one_of(type, disks);
}

MAD_DECL bool may_hang(std::span<mount_entry const> all, mount_entry const& m) {
    return may_hang(m.type) || std::any_of(all.begin(), all.end(), [&](auto const& on_the_way) {
               return on_the_way.mountpoint != m.mountpoint && may_hang(on_the_way.type) &&
                      detail::is_under(m.mountpoint, on_the_way.mountpoint);
           });
}

MAD_DECL bool is_hidden_place(std::string_view mountpoint) {
    constexpr std::string_view kernel[] = {"/proc", "/sys", "/dev", "/run"};
    for (auto top : kernel)
        if (detail::is_under(mountpoint, top))
            return !detail::is_under(mountpoint, "/run/media");
    // A disk mounted on the engine's directory itself is a disk like any other.
    constexpr std::string_view below[] = {
        "/var/lib/docker",     "/var/lib/containers/storage",
        "/var/lib/containerd", "/var/lib/rancher/k3s/agent/containerd",
        "/var/snap/docker",    "/snap",
        "/var/lib/snapd/snap",
    };
    return std::any_of(std::begin(below), std::end(below), [&](auto top) {
        return mountpoint.size() > top.size() && detail::is_under(mountpoint, top);
    });
}

MAD_DECL void choose_mounts(std::span<mount_entry const> all, bool network,
                            std::vector<mount_choice>& out) {
    out.clear();
    std::size_t groups = 0;
    for (std::size_t i = 0; i < all.size(); ++i) {
        if (!detail::is_wanted(all[i], network) || detail::is_covered(all, i))
            continue;
        auto const twin = std::find_if(out.begin(), out.end(), [&](auto const& c) {
            return detail::same_space(all[c.entry], all[i]);
        });
        auto const group = twin == out.end() ? groups++ : twin->group;
        out.push_back({i, group, unescape_mount(all[i].mountpoint)});
    }
    std::stable_sort(out.begin(), out.end(), [](auto const& a, auto const& b) {
        if (a.group != b.group)
            return a.group < b.group;
        return a.mountpoint.size() < b.mountpoint.size();
    });
}

MAD_DECL std::optional<space_use> space_of(fs_space const& s) {
    space_use out;
    out.size = times(s.blocks, s.fragment_bytes);
    if (out.size == 0)
        return std::nullopt;
    auto const free = std::min(times(s.free, s.fragment_bytes), out.size);
    out.available = std::min(times(s.available, s.fragment_bytes), free);
    auto const used = out.size - free;
    auto const writable = static_cast<double>(used) + static_cast<double>(out.available);
    if (writable <= 0)
        return std::nullopt; // all of it is kept for root: df shows no percentage either
    out.pct = percent(static_cast<double>(used), writable);
    if (s.files > 0) {
        auto const taken = minus(s.files, s.files_free);
        out.inode_pct = percent(static_cast<double>(taken), static_cast<double>(s.files));
    }
    return out;
}

} // namespace mad::inline MAD_ABI::host

#endif
