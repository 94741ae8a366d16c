#ifndef MAD_HOST_IMPL_FILE_READER_IPP
#define MAD_HOST_IMPL_FILE_READER_IPP

#include <mad/host/error.hpp>
#include <mad/host/file_reader.hpp>
#include <mad/host/scan.hpp>

#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

namespace mad::inline MAD_ABI::host {

namespace detail {

inline error_code last_system_error() {
    return {errno, boost::system::system_category()};
}

inline int open_to_read(char const* path) {
    int fd = -1;
    do {
        fd = ::open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    } while (fd < 0 && errno == EINTR);
    return fd;
}

/// pread that an interrupt does not end.
inline ssize_t read_at(int fd, char* to, std::size_t room, std::size_t offset) {
    ssize_t n = 0;
    do {
        n = ::pread(fd, to, room, static_cast<off_t>(offset));
    } while (n < 0 && errno == EINTR);
    return n;
}

/// Reads from the start until the end or a full buffer; false on an error, which errno tells.
inline bool read_all(int fd, read_buffer& into, std::size_t& size) {
    size = 0;
    while (size < into.size()) {
        // The kernel hands files of many records out a page at a time, so only 0 is the end.
        auto const n = read_at(fd, into.data() + size, into.size() - size, size);
        if (n < 0)
            return false;
        if (n == 0)
            break;
        size += static_cast<std::size_t>(n);
    }
    return true;
}

} // namespace detail

MAD_DECL file_reader::file_reader(file_reader&& o) noexcept
    : path_(std::move(o.path_))
    , fd_(std::exchange(o.fd_, -1)) {}

MAD_DECL file_reader& file_reader::operator=(file_reader&& o) noexcept {
    if (this != &o) {
        close();
        path_ = std::move(o.path_);
        fd_ = std::exchange(o.fd_, -1);
    }
    return *this;
}

MAD_DECL file_reader::~file_reader() {
    close();
}

MAD_DECL void file_reader::close() {
    if (fd_ >= 0)
        ::close(std::exchange(fd_, -1));
}

MAD_DECL result<std::string_view> file_reader::read(read_buffer& into) {
    bool const was_open = fd_ >= 0;
    auto first = read_open(into);
    if (first || !was_open)
        return first;
    auto const code = first.error().value();
    bool const stale = first.error().category() == boost::system::system_category() &&
                       (code == ENODEV || code == ESTALE || code == EBADF);
    if (!stale)
        return first;
    close();
    return read_open(into);
}

MAD_DECL result<std::string_view> file_reader::read_open(read_buffer& into) {
    if (fd_ < 0)
        fd_ = detail::open_to_read(path_.c_str());
    if (fd_ < 0)
        return detail::last_system_error();
    for (;;) {
        std::size_t size = 0;
        if (!detail::read_all(fd_, into, size))
            return detail::last_system_error();
        if (size < into.size())
            return std::string_view(into.data(), size);
        if (into.size() >= max_file_bytes)
            return make_error_code(error::file_too_large);
        // A full buffer may have cut the file; what is read on would be of another moment.
        into.grow();
    }
}

MAD_DECL result<std::string_view> read_once(char const* path, read_buffer& into) {
    int const fd = detail::open_to_read(path);
    if (fd < 0)
        return detail::last_system_error();
    std::size_t size = 0;
    bool const ok = detail::read_all(fd, into, size);
    auto const why = detail::last_system_error();
    ::close(fd);
    if (!ok)
        return why;
    return std::string_view(into.data(), size);
}

MAD_DECL std::string first_line_of(std::initializer_list<std::string> paths, read_buffer& into) {
    for (auto const& path : paths) {
        auto const text = read_once(path.c_str(), into);
        if (!text)
            continue;
        auto rest = *text;
        auto line = next_line(rest);
        auto const from = line.find_first_not_of(" \t\r");
        if (from == line.npos)
            continue;
        return std::string(line.substr(from, line.find_last_not_of(" \t\r") + 1 - from));
    }
    return {};
}

} // namespace mad::inline MAD_ABI::host

#endif
