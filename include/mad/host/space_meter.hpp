#ifndef MAD_HOST_SPACE_METER_HPP
#define MAD_HOST_SPACE_METER_HPP

#include <mad/core/clock.hpp>
#include <mad/host/file_reader.hpp>
#include <mad/host/mounts.hpp>
#include <mad/host/roots.hpp>
#include <mad/host/sample.hpp>
#include <mad/host/space_probe.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mad::inline MAD_ABI::host {

/// Knows which filesystems there are, and measures them. The list is read again when the kernel
/// says that it changed, and each `recheck_time`.
class space_meter {
  public:
    struct settings {
        roots where;

        /// Network filesystems too.
        bool network = false;

        statvfs_function statvfs;

        /// Time after which a network filesystem counts as stuck.
        milliseconds statvfs_limit{1000};
    };

    explicit space_meter(settings s);

    /// Writes `filesystems` and `storage` of `out`. `buffer` is for the file.
    void update(time_point at, read_buffer& buffer, sample& out);

  private:
    struct mount {
        filesystem shown;
        std::string path; // for the call; ends in a slash, so that a file mounted there fails
        bool read_only = false;
        bool no_directory = false;
        std::size_t group = 0;
        std::optional<std::size_t> probe; // position in the probe's list
    };

    bool refresh(time_point at, read_buffer& buffer);
    bool rebuild(std::string_view text);
    bool measure_here(mount& m);
    bool look_up(mount& m);
    std::optional<space_use> root_space();
    std::string path_of(std::string_view mountpoint) const;

    settings settings_;
    file_reader mountinfo_;
    space_probe probe_;
    std::optional<time_point> read_at_;
    std::optional<std::uint64_t> text_hash_;
    std::vector<mount> mounts_;
    std::string root_path_;
    std::optional<std::size_t> root_probe_; // position in the probe's list, when it may hang
};

} // namespace mad::inline MAD_ABI::host

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/host/impl/space_meter.ipp>
#endif

#endif
