#ifndef MAD_NET_IMPL_UNIX_SOCKET_IPP
#define MAD_NET_IMPL_UNIX_SOCKET_IPP

#include <mad/net/unix_socket.hpp>

#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstring>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace mad::inline MAD_ABI::net {

namespace detail {

/// Behind the name of a socket until it is ready to be found.
inline constexpr char const* unix_draft = ".new";

inline error_code unix_error(int why = errno) {
    return {why, boost::system::system_category()};
}

/// False when the path does not fit.
inline bool unix_address(std::string const& path, sockaddr_un& at) {
    at = {};
    at.sun_family = AF_UNIX;
    if (path.empty() || path.size() >= sizeof at.sun_path)
        return false;
    std::memcpy(at.sun_path, path.data(), path.size());
    return true;
}

inline int unix_socket(unix_kind kind) {
    int const type = kind == unix_kind::stream ? SOCK_STREAM : SOCK_SEQPACKET;
    return ::socket(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

inline result<int> bind_unix(std::string const& path, unix_kind kind) {
    sockaddr_un at;
    if (!unix_address(path, at))
        return unix_error(ENAMETOOLONG);
    int const fd = unix_socket(kind);
    if (fd < 0)
        return unix_error();
    // The mode of the socket becomes that of its file: nobody else ever sees it open.
    if (::fchmod(fd, 0600) != 0 ||
        ::bind(fd, reinterpret_cast<sockaddr const*>(&at), sizeof at) != 0 ||
        ::listen(fd, 64) != 0) {
        auto const e = unix_error();
        ::close(fd);
        return e;
    }
    return fd;
}

} // namespace detail

MAD_DECL unix_socket_file::unix_socket_file(std::string path)
    : path_(std::move(path)) {
    struct stat s {};
    if (::lstat(path_.c_str(), &s) == 0) {
        device_ = s.st_dev;
        inode_ = s.st_ino;
    } else {
        path_.clear();
    }
}

MAD_DECL unix_socket_file::~unix_socket_file() {
    struct stat s {};
    if (!path_.empty() && ::lstat(path_.c_str(), &s) == 0 && s.st_dev == device_ &&
        s.st_ino == inode_)
        ::unlink(path_.c_str());
}

MAD_DECL result<int> connect_unix(std::string const& path, unix_kind kind) {
    sockaddr_un at;
    if (!detail::unix_address(path, at))
        return detail::unix_error(ENAMETOOLONG);
    int const fd = detail::unix_socket(kind);
    if (fd < 0)
        return detail::unix_error();
    if (::connect(fd, reinterpret_cast<sockaddr const*>(&at), sizeof at) != 0) {
        auto const e = detail::unix_error();
        ::close(fd);
        return e;
    }
    return fd;
}

MAD_DECL result<unix_listener> open_unix_listener(std::string const& path, unix_taken taken,
                                                  unix_kind kind) {
    auto const draft = path + detail::unix_draft;
    struct stat there {};
    if (::lstat(path.c_str(), &there) == 0) {
        if (!S_ISSOCK(there.st_mode))
            return detail::unix_error(EEXIST);
        if (taken == unix_taken::refuse) {
            auto const answer = connect_unix(path, kind);
            if (answer)
                ::close(*answer);
            // EAGAIN: so busy that its queue is full. EPROTOTYPE: alive, of the other kind.
            if (answer || answer.error().value() == EAGAIN || answer.error().value() == EPROTOTYPE)
                return detail::unix_error(EADDRINUSE);
            if (answer.error().value() != ECONNREFUSED && answer.error().value() != ENOENT)
                return answer.error();
        }
    }
    // Made under another name and moved: whoever finds it can connect, at every moment.
    if (::lstat(draft.c_str(), &there) == 0 && S_ISSOCK(there.st_mode))
        ::unlink(draft.c_str());
    auto const fd = detail::bind_unix(draft, kind);
    if (!fd)
        return fd.error();
    if (::rename(draft.c_str(), path.c_str()) != 0) {
        auto const e = detail::unix_error();
        ::close(*fd);
        ::unlink(draft.c_str());
        return e;
    }
    unix_listener out;
    out.fd = *fd;
    out.file = unix_socket_file(path);
    return out;
}

} // namespace mad::inline MAD_ABI::net

#endif
