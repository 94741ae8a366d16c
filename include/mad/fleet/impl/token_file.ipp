#ifndef MAD_FLEET_IMPL_TOKEN_FILE_IPP
#define MAD_FLEET_IMPL_TOKEN_FILE_IPP

#include <mad/fleet/token_file.hpp>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace mad::inline MAD_ABI::fleet {

namespace detail {

inline constexpr std::size_t longest_token = 4096;

struct open_file {
    explicit open_file(char const* path)
        : fd(::open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)) {}
    ~open_file() {
        if (fd >= 0)
            ::close(fd);
    }
    open_file(open_file const&) = delete;
    open_file& operator=(open_file const&) = delete;
    int const fd;
};

} // namespace detail

namespace detail {

/// The first `text.size()` bytes of the file; then `text` is as long as what there was.
inline std::string read_guarded(std::string const& path, std::string& text) {
    // What is judged is what is read, also when the name is given to another file meanwhile.
    open_file const file(path.c_str());
    struct stat is {};
    if (file.fd < 0 || ::fstat(file.fd, &is) != 0)
        return "cannot read " + path + ": " + std::strerror(errno);
    if (!S_ISREG(is.st_mode))
        return path + " is no file";
    if ((is.st_mode & S_IRWXO) != 0 || (is.st_mode & S_IWGRP) != 0)
        return path + " is open to others than its owner: chmod 600 (or 640) " + path;
    std::size_t size = 0;
    while (size < text.size()) {
        auto const n = ::read(file.fd, text.data() + size, text.size() - size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return "cannot read " + path + ": " + std::strerror(errno);
        if (n == 0)
            break;
        size += static_cast<std::size_t>(n);
    }
    text.resize(size);
    return {};
}

} // namespace detail

MAD_DECL std::string read_secret_file(std::string const& path, std::size_t max_bytes,
                                      std::string& text) {
    std::string all(max_bytes + 1, '\0');
    if (auto wrong = detail::read_guarded(path, all); !wrong.empty())
        return wrong;
    if (all.size() > max_bytes)
        return path + " is longer than " + std::to_string(max_bytes) + " bytes";
    text = std::move(all);
    return {};
}

MAD_DECL std::string read_token_file(std::string const& path, std::string& token) {
    std::string text(detail::longest_token + 2, '\0');
    if (auto wrong = detail::read_guarded(path, text); !wrong.empty())
        return wrong;
    std::string_view line(text);
    line = line.substr(0, line.find('\n'));
    while (line.ends_with('\r') || line.ends_with(' '))
        line.remove_suffix(1);
    if (line.empty())
        return "the first line of " + path + " is empty";
    if (line.size() > detail::longest_token)
        return "the first line of " + path + " is longer than a token may be";
    if (!std::all_of(line.begin(), line.end(), [](char c) { return c > ' ' && c < '\x7f'; }))
        return "the first line of " + path +
               " holds more than a token (blanks, control characters)";
    token = line;
    return {};
}

} // namespace mad::inline MAD_ABI::fleet

#endif
