#ifndef MAD_HOST_IMPL_SPACE_METER_IPP
#define MAD_HOST_IMPL_SPACE_METER_IPP

#include <mad/host/delta.hpp>
#include <mad/host/space_meter.hpp>

#include <algorithm>
#include <cerrno>

#include <poll.h>

namespace mad::inline MAD_ABI::host {

namespace detail {

/// Whether the kernel says that the mounts changed since the file was opened or last asked.
inline bool mounts_changed(int fd) {
    struct pollfd p {};
    p.fd = fd;
    p.events = POLLPRI;
    return ::poll(&p, 1, 0) > 0 && (p.revents & (POLLPRI | POLLERR));
}

/// FNV-1a: tells an unchanged list without keeping it.
inline std::uint64_t text_hash(std::string_view text) {
    std::uint64_t h = 0xcbf29ce484222325;
    for (unsigned char c : text)
        h = (h ^ c) * 0x100000001b3;
    return h;
}

/// Stuck ones first, since a person must look; then the fullest; those without numbers last. Never
/// two alike, so that lines do not swap from sample to sample.
inline bool comes_before(filesystem const& a, filesystem const& b) {
    if (a.stuck != b.stuck)
        return a.stuck;
    if (a.space.has_value() != b.space.has_value())
        return a.space.has_value();
    if (a.space && a.space->pct != b.space->pct)
        return a.space->pct > b.space->pct;
    return a.mount.view() < b.mount.view();
}

} // namespace detail

MAD_DECL space_meter::space_meter(settings s)
    : settings_(std::move(s))
    , mountinfo_(settings_.where.proc +
                 (settings_.where.root.empty() ? "/self/mountinfo" : "/1/mountinfo"))
    , probe_(settings_.statvfs, settings_.statvfs_limit)
    , root_path_(path_of("/")) {}

MAD_DECL std::string space_meter::path_of(std::string_view mountpoint) const {
    auto path = settings_.where.root;
    path += mountpoint;
    if (!path.ends_with('/'))
        path += '/';
    return path;
}

MAD_DECL bool space_meter::refresh(time_point at, read_buffer& buffer) {
    bool const due = !read_at_ || at - *read_at_ >= recheck_time || mountinfo_.fd() < 0;
    if (!due && !detail::mounts_changed(mountinfo_.fd()))
        return true;
    // Until it is read well the kernel's sign, which comes once, must not be lost.
    read_at_.reset();
    auto const text = mountinfo_.read(buffer);
    if (!text)
        return false;
    auto const hash = detail::text_hash(*text);
    if (hash != text_hash_ && !rebuild(*text))
        return false;
    text_hash_ = hash;
    read_at_ = at;
    return true;
}

/// False when the text is no list of mounts; what was known then stays.
MAD_DECL bool space_meter::rebuild(std::string_view text) {
    std::vector<mount_entry> entries;
    if (!parse_mountinfo(text, entries))
        return false;
    std::vector<mount_choice> choices;
    choose_mounts(entries, settings_.network, choices);
    mounts_.clear();
    std::vector<std::string> slow;
    for (auto const& c : choices) {
        auto const& e = entries[c.entry];
        mount m;
        m.shown.mount = std::string_view(c.mountpoint);
        m.shown.type = e.type;
        m.shown.network = fs_kind_of(e.type) == fs_kind::network;
        m.path = path_of(c.mountpoint);
        m.read_only = e.read_only();
        m.group = c.group;
        if (may_hang(entries, e)) {
            m.probe = slow.size();
            slow.push_back(m.path);
        }
        mounts_.push_back(std::move(m));
    }
    // The root that stands in when nothing qualifies may be such a one, too.
    root_probe_.reset();
    auto const root = std::find_if(entries.rbegin(), entries.rend(),
                                   [](auto const& e) { return e.mountpoint == "/"; });
    if (root != entries.rend() && may_hang(root->type)) {
        auto const known = std::find(slow.begin(), slow.end(), root_path_);
        root_probe_ = static_cast<std::size_t>(known - slow.begin());
        if (known == slow.end())
            slow.push_back(root_path_);
    }
    probe_.watch(std::move(slow));
    return true;
}

/// Measures in this thread; false when there is nothing to show.
MAD_DECL bool space_meter::measure_here(mount& m) {
    fs_space s;
    int const error = settings_.statvfs(m.path.c_str(), s);
    m.no_directory = error == ENOTDIR;
    if (error != 0)
        return false;
    m.shown.space = space_of(s);
    // Through a root of another machine the call tells how that was mounted here.
    m.shown.read_only = m.read_only || (settings_.where.root.empty() && s.read_only);
    return m.shown.space.has_value();
}

/// Takes the helper's last answer; false when there is nothing to show.
MAD_DECL bool space_meter::look_up(mount& m) {
    auto const& a = probe_.look(*m.probe);
    m.shown.stuck = a.is == space_probe::state::stuck;
    m.shown.read_only = m.read_only || (settings_.where.root.empty() && a.space.read_only);
    m.shown.space.reset();
    m.no_directory = a.is == space_probe::state::failed && a.error == ENOTDIR;
    switch (a.is) {
    case space_probe::state::pending:
        return false;
    case space_probe::state::ready:
        m.shown.space = space_of(a.space);
        return m.shown.space.has_value();
    case space_probe::state::failed:
        return m.shown.network;
    case space_probe::state::stuck:
    case space_probe::state::waiting:
        break;
    }
    return true;
}

/// The space of the root, whatever its type.
MAD_DECL std::optional<space_use> space_meter::root_space() {
    if (root_probe_) {
        auto const& a = probe_.look(*root_probe_);
        return a.is == space_probe::state::ready ? space_of(a.space) : std::nullopt;
    }
    fs_space s;
    return settings_.statvfs(root_path_.c_str(), s) == 0 ? space_of(s) : std::nullopt;
}

MAD_DECL void space_meter::update(time_point at, read_buffer& buffer, sample& out) {
    if (!refresh(at, buffer))
        out.failed.add(source::disk);
    if (!probe_.poll(at))
        out.failed.add(source::disk);

    std::optional<std::size_t> done_group;
    for (auto& m : mounts_) {
        if (m.no_directory || done_group == m.group)
            continue;
        bool const shown = m.probe ? look_up(m) : measure_here(m);
        // A file mounted on a file: the next of the group may be a directory.
        if (m.no_directory)
            continue;
        done_group = m.group;
        if (shown)
            out.filesystems.push_back(m.shown);
    }
    std::sort(out.filesystems.begin(), out.filesystems.end(), detail::comes_before);

    bool any = false;
    for (auto const& f : out.filesystems) {
        if (f.network || !f.space)
            continue;
        out.storage = any ? std::max(out.storage, f.space->pct) : f.space->pct;
        any = true;
    }
    if (any)
        return;
    if (auto const use = root_space())
        out.storage = use->pct;
    else
        out.failed.add(source::storage);
}

} // namespace mad::inline MAD_ABI::host

#endif
