#ifndef MAD_NET_UNIX_SOCKET_HPP
#define MAD_NET_UNIX_SOCKET_HPP

#include <mad/core/error.hpp>

#include <cstdint>
#include <string>
#include <utility>

namespace mad::inline MAD_ABI::net {

/// The name of a listening unix socket in the file system. Removed with this object, unless another
/// process has put a socket of its own there meanwhile.
class unix_socket_file {
  public:
    unix_socket_file() = default;
    /// Takes over the file that is at `path` now.
    explicit unix_socket_file(std::string path);
    unix_socket_file(unix_socket_file&& o) noexcept { swap(o); }
    unix_socket_file& operator=(unix_socket_file&& o) noexcept {
        unix_socket_file gone(std::move(o));
        swap(gone);
        return *this;
    }
    ~unix_socket_file();

    std::string const& path() const { return path_; }

    /// Lets the file be: it is another's.
    void release() { path_.clear(); }

  private:
    void swap(unix_socket_file& o) noexcept {
        std::swap(path_, o.path_);
        std::swap(device_, o.device_);
        std::swap(inode_, o.inode_);
    }

    std::string path_;
    std::uint64_t device_ = 0, inode_ = 0;
};

struct unix_listener {
    int fd = -1; ///< non-blocking, close-on-exec; the caller closes it
    unix_socket_file file;
};

/// What becomes of a socket that is at the path already and somebody listens on.
enum class unix_taken : std::uint8_t {
    refuse, ///< `address_in_use`
    replace ///< the name is ours from now on; the other keeps those it has
};

enum class unix_kind : std::uint8_t {
    stream, ///< bytes, as TCP
    packets ///< whole messages in order (SOCK_SEQPACKET)
};

/// Listens on a unix socket that this user alone may connect to (mode 0600). A socket file that
/// nobody listens on (its process has died) is replaced. `file_exists`: something is there that is
/// no socket; `filename_too_long`: over 103 bytes.
result<unix_listener> open_unix_listener(std::string const& path, unix_taken = unix_taken::refuse,
                                         unix_kind = unix_kind::stream);

/// Connects (non-blocking, close-on-exec). `no_such_file_or_directory` and `connection_refused`:
/// nobody listens.
result<int> connect_unix(std::string const& path, unix_kind = unix_kind::stream);

} // namespace mad::inline MAD_ABI::net

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/net/impl/unix_socket.ipp>
#endif

#endif
