#ifndef MAD_HOST_FILE_READER_HPP
#define MAD_HOST_FILE_READER_HPP

#include <mad/core/error.hpp>

#include <cstddef>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace mad::inline MAD_ABI::host {

/// Largest proc or sys file that is read, in bytes.
inline constexpr std::size_t max_file_bytes = std::size_t{16} << 20;

/// Where files are read to. One serves all readers of a thread: it grows to the largest file and
/// stays so. What `file_reader::read` gave lives until the next read into the same buffer.
class read_buffer {
  public:
    explicit read_buffer(std::size_t bytes = 8192)
        : bytes_(bytes) {}

    char* data() { return bytes_.data(); }
    std::size_t size() const { return bytes_.size(); }
    void grow() { bytes_.resize(bytes_.size() * 2); }

  private:
    std::vector<char> bytes_;
};

/// A file of procfs or sysfs that is read again and again: opened once, then read from its start.
class file_reader {
  public:
    explicit file_reader(std::string path)
        : path_(std::move(path)) {}
    file_reader(file_reader&& o) noexcept;
    file_reader& operator=(file_reader&& o) noexcept;
    ~file_reader();

    /// The whole file as it is now. A file that went away or became stale (ENODEV, ESTALE, EBADF)
    /// is opened once more. Errors: what the system said, `error::file_too_large`.
    result<std::string_view> read(read_buffer& into);

    /// The descriptor, -1 while the file is not open. Owned by the reader.
    int fd() const { return fd_; }

    std::string const& path() const { return path_; }

  private:
    result<std::string_view> read_open(read_buffer& into);
    void close();

    std::string path_;
    int fd_ = -1;
};

/// A small file read once, cut at the size of `into` (the kernel's one-value files, os-release):
/// opened, read, closed, nothing allocated. Errors: what the system said.
result<std::string_view> read_once(char const* path, read_buffer& into);

/// The first line of the first of `paths` that has one with anything in it, without blanks at its
/// ends; empty when none has.
std::string first_line_of(std::initializer_list<std::string> paths, read_buffer& into);

} // namespace mad::inline MAD_ABI::host

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/host/impl/file_reader.ipp>
#endif

#endif
