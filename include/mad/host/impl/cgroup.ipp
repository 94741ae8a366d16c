#ifndef MAD_HOST_IMPL_CGROUP_IPP
#define MAD_HOST_IMPL_CGROUP_IPP

#include <mad/host/cgroup.hpp>
#include <mad/host/impl/mounts.ipp>
#include <mad/host/scan.hpp>

#include <algorithm>

namespace mad::inline MAD_ABI::host {

namespace detail {

/// The only line of a file with one value.
inline std::string_view only_line(std::string_view text) {
    return next_line(text);
}

/// Whether a mount is of the hierarchy: v2 for an empty controller.
inline bool mounts_controller(mount_entry const& m, std::string_view controller) {
    if (controller.empty())
        return m.type == "cgroup2";
    return m.type == "cgroup" && has_option(m.super_options, controller);
}

/// What of `path` lies below `top`, both of one hierarchy; nothing when it is elsewhere.
inline std::optional<std::string> path_below(std::string_view path, std::string const& top) {
    if (!is_under(path, top))
        return std::nullopt;
    std::string rest(top == "/" ? path : path.substr(top.size()));
    if (rest == "/")
        rest.clear();
    // `..` leads out of a namespace, where we see nothing.
    if (rest.find("/..") != rest.npos)
        return std::nullopt;
    return rest;
}

inline std::optional<cgroup_place> find_in(std::string_view path, std::span<mount_entry const> all,
                                           std::string_view controller) {
    std::optional<cgroup_place> found;
    for (auto const& m : all) {
        if (!mounts_controller(m, controller))
            continue;
        auto below = path_below(path, unescape_mount(m.root));
        if (found && !below)
            continue;
        found = {controller.empty() ? cgroup_version::v2 : cgroup_version::v1,
                 unescape_mount(m.mountpoint), below.value_or(std::string())};
        if (below)
            break;
    }
    return found;
}

inline bool names_engine(std::string_view part) {
    constexpr std::string_view whole[] = {"docker", "lxc", "ecs", "garden", "k8s.io"};
    constexpr std::string_view starts[] = {"docker-",  "kubepods", "libpod",   "lxc.payload",
                                           "crio-",    "nerdctl-", "nspawn@",  "systemd-nspawn@",
                                           "machine-", "podman-",  "buildkit", "cri-containerd"};
    if (part.ends_with(".service") && !part.starts_with("systemd-nspawn@"))
        return false; // the engine itself
    return one_of(part, whole) ||
           std::any_of(std::begin(starts), std::end(starts),
                       [&](std::string_view s) { return part.starts_with(s); });
}

} // namespace detail

MAD_DECL std::optional<std::string_view> cgroup_path_of(std::string_view text,
                                                        std::string_view controller) {
    while (!text.empty()) {
        auto const line = next_line(text);
        auto const first = line.find(':');
        auto const second = first == line.npos ? first : line.find(':', first + 1);
        if (second == line.npos)
            continue;
        auto const names = line.substr(first + 1, second - first - 1);
        auto const path = line.substr(second + 1);
        bool const wanted = controller.empty() ? names.empty() && line.substr(0, first) == "0"
                                               : detail::has_option(names, controller);
        if (wanted && path.starts_with('/'))
            return path;
    }
    return std::nullopt;
}

MAD_DECL std::optional<cgroup_place> find_cgroup(std::string_view cgroups,
                                                 std::span<mount_entry const> mounts,
                                                 std::string_view controller) {
    // A controller that v1 mounts is in v1, although a line of v2 may be there as well.
    for (auto const in : {controller, std::string_view()})
        if (auto const path = cgroup_path_of(cgroups, in))
            if (auto found = detail::find_in(*path, mounts, in))
                return found;
    return std::nullopt;
}

MAD_DECL bool parse_cgroup_limit(std::string_view text, std::optional<std::uint64_t>& out) {
    auto line = detail::only_line(text);
    auto const word = next_word(line);
    out = number_of(word);
    return out || word == "max";
}

MAD_DECL bool parse_cpu_max(std::string_view text, std::optional<double>& cpus) {
    cpus.reset();
    auto line = detail::only_line(text);
    auto const quota = next_word(line);
    if (quota == "max")
        return true;
    auto const us = number_of(quota);
    auto const period = next_number(line);
    if (!us || !period || *us == 0 || *period == 0)
        return false;
    cpus = static_cast<double>(*us) / static_cast<double>(*period);
    return true;
}

MAD_DECL bool parse_cfs_quota(std::string_view quota, std::string_view period,
                              std::optional<double>& cpus) {
    cpus.reset();
    auto line = detail::only_line(quota);
    auto const us = number_of<std::int64_t>(next_word(line));
    if (!us || *us == 0)
        return false;
    if (*us < 0)
        return true;
    auto second = detail::only_line(period);
    auto const length = next_number(second);
    if (!length || *length == 0)
        return false;
    cpus = static_cast<double>(*us) / static_cast<double>(*length);
    return true;
}

MAD_DECL std::optional<std::uint64_t> cgroup_stat_value(std::string_view text,
                                                        std::string_view key) {
    while (!text.empty()) {
        auto line = next_line(text);
        if (next_word(line) == key)
            return next_number(line);
    }
    return std::nullopt;
}

MAD_DECL bool names_container_engine(std::string_view path) {
    while (!path.empty()) {
        auto const end = path.find('/');
        if (detail::names_engine(path.substr(0, end)))
            return true;
        path.remove_prefix(end == path.npos ? path.size() : end + 1);
    }
    return false;
}

MAD_DECL bool environ_names_container(std::string_view text) {
    constexpr std::string_view name = "container=";
    while (!text.empty()) {
        auto const end = text.find('\0');
        auto const variable = text.substr(0, end);
        if (variable.starts_with(name) && variable.size() > name.size())
            return true;
        text.remove_prefix(end == text.npos ? text.size() : end + 1);
    }
    return false;
}

} // namespace mad::inline MAD_ABI::host

#endif
