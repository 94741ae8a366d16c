#ifndef MAD_HOST_OPTIONAL_FILE_HPP
#define MAD_HOST_OPTIONAL_FILE_HPP

#include <mad/host/delta.hpp>
#include <mad/host/file_reader.hpp>

#include <cerrno>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace mad::inline MAD_ABI::host {

/// A file of procfs or sysfs that not every kernel has. While there is none it is asked for again
/// each `recheck_time`, so that a missing feature costs nothing at each reading.
class optional_file {
  public:
    enum class state : std::uint8_t {
        there,
        missing, ///< never seen: no such file, or one that the kernel does not serve (EOPNOTSUPP)
        gone,    ///< was there, and is missing now
        failed,  ///< there, but cannot be read
    };

    explicit optional_file(std::string path)
        : file_(std::move(path)) {}

    /// Reads the whole file to `text`, which is empty for every state but `there`.
    state read(time_point at, read_buffer& into, std::string_view& text) {
        text = {};
        if (missing_since_ && at - *missing_since_ < recheck_time)
            return state::missing;
        missing_since_.reset();
        auto const r = file_.read(into);
        if (r) {
            text = *r;
            was_there_ = true;
            return state::there;
        }
        auto const e = r.error();
        bool const none = e.category() == boost::system::system_category() &&
                          (e.value() == ENOENT || e.value() == ENOTDIR || e.value() == ENODEV ||
                           e.value() == EOPNOTSUPP);
        if (!none)
            return state::failed;
        if (was_there_)
            return state::gone;
        missing_since_ = at;
        return state::missing;
    }

  private:
    file_reader file_;
    std::optional<time_point> missing_since_;
    bool was_there_ = false;
};

} // namespace mad::inline MAD_ABI::host

#endif
