#ifndef MAD_HOST_IMPL_SYSFS_IPP
#define MAD_HOST_IMPL_SYSFS_IPP

#include <mad/host/scan.hpp>
#include <mad/host/sysfs.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include <unistd.h>

namespace mad::inline MAD_ABI::host {

namespace detail {

inline constexpr unsigned iff_up = 0x1, iff_loopback = 0x8;

/// A block device named `a/b` is `a!b` in sysfs.
inline disk_name name_in_sysfs(std::string_view name) {
    char text[31];
    auto const n = std::min(name.size(), sizeof text);
    std::replace_copy(name.data(), name.data() + n, text, '/', '!');
    return std::string_view(text, n);
}

inline bool starts_with_any(std::string_view name, std::initializer_list<std::string_view> kinds) {
    return std::any_of(kinds.begin(), kinds.end(), [&](auto kind) {
        return name.size() > kind.size() && name.starts_with(kind) && name[kind.size()] >= '0' &&
               name[kind.size()] <= '9';
    });
}

} // namespace detail

MAD_DECL char const* sysfs::path(std::initializer_list<std::string_view> parts) {
    path_ = root_;
    for (auto p : parts)
        path_ += p;
    return path_.c_str();
}

MAD_DECL std::string_view sysfs::line(std::initializer_list<std::string_view> parts) {
    auto const text = read_once(path(parts), buffer_);
    if (!text)
        return {};
    auto rest = *text;
    return next_line(rest);
}

MAD_DECL bool sysfs::exists(std::initializer_list<std::string_view> parts) {
    return ::access(path(parts), F_OK) == 0;
}

MAD_DECL bool sysfs::has_entries(std::initializer_list<std::string_view> parts) {
    bool found = false;
    for_each_entry(parts, [&](std::string_view) {
        found = true;
        return false;
    });
    return found;
}

MAD_DECL std::string_view sysfs::link_name(std::initializer_list<std::string_view> parts) {
    auto const n = ::readlink(path(parts), buffer_.data(), buffer_.size());
    if (n <= 0)
        return {};
    std::string_view const target(buffer_.data(), static_cast<std::size_t>(n));
    return target.substr(target.rfind('/') + 1);
}

MAD_DECL disk_role disk_role_in(sysfs& sys, std::string_view name) {
    if (detail::starts_with_any(name, {"loop", "ram", "zram", "fd", "sr"}))
        return disk_role::ignored;
    auto const dir = detail::name_in_sysfs(name);
    if (!sys.exists({"/block/", dir}) || sys.line({"/block/", dir, "/hidden"}) == "1")
        return disk_role::ignored;
    // A volume of ZFS names no members, but its traffic is theirs.
    if (detail::starts_with_any(name, {"zd"}))
        return disk_role::listed;
    return sys.has_entries({"/block/", dir, "/slaves"}) ? disk_role::listed : disk_role::counted;
}

MAD_DECL std::string net_directory(roots const& where) {
    return where.proc + (where.root.empty() ? "/net" : "/1/net");
}

MAD_DECL system_nics::system_nics(roots const& where)
    : sys_(where.sys + "/class/net/")
    , routes_v4_(net_directory(where) + "/route")
    , routes_v6_(net_directory(where) + "/ipv6_route") {}

MAD_DECL std::optional<unsigned> system_nics::flags(std::string_view name) {
    auto text = sys_.line({name, "/flags"});
    if (text.starts_with("0x"))
        text.remove_prefix(2);
    return number_of<unsigned>(text, 16);
}

MAD_DECL nic_facts system_nics::facts(std::string_view name) {
    nic_facts out;
    out.hardware = sys_.exists({name, "/device"});
    out.type = number_of<unsigned>(sys_.line({name, "/type"}));
    out.loopback = flags(name).value_or(0) & detail::iff_loopback;
    out.master = sys_.link_name({name, "/master"});
    return out;
}

MAD_DECL unsigned system_nics::index(std::string_view name) {
    return number_of<unsigned>(sys_.line({name, "/ifindex"})).value_or(0);
}

MAD_DECL std::optional<double> system_nics::speed_mbit(std::string_view name) {
    // -1 or an error while the link is down or has no speed; some drivers say 2^32-1 for -1.
    auto const mbit = number_of(sys_.line({name, "/speed"}));
    if (!mbit || *mbit == 0 || *mbit >= UINT32_MAX)
        return std::nullopt;
    return static_cast<double>(*mbit);
}

MAD_DECL void system_nics::refresh_routes() {
    auto const v4 = routes_v4_.read(buffer_v4_);
    auto const v6 = routes_v6_.read(buffer_v6_);
    text_v4_ = v4 ? *v4 : std::string_view();
    text_v6_ = v6 ? *v6 : std::string_view();
}

MAD_DECL bool system_nics::leads_out(std::string_view name) {
    if (!(flags(name).value_or(detail::iff_up) & detail::iff_up))
        return false;
    return owns_default_route_v4(text_v4_, name) || owns_default_route_v6(text_v6_, name);
}

} // namespace mad::inline MAD_ABI::host

#endif
