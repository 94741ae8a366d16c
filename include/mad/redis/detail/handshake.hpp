#ifndef MAD_REDIS_DETAIL_HANDSHAKE_HPP
#define MAD_REDIS_DETAIL_HANDSHAKE_HPP

#include <mad/redis/reply.hpp>

#include <string>
#include <string_view>

namespace mad::inline MAD_ABI::redis::detail {

/// What a connection is to be before anybody uses it.
struct session_wish {
    std::string user = {}, password = {};
    std::string client_name = {};
    unsigned database = 0;
    int protocol = 2;
    bool need_master = false;
    bool sentinel = false; ///< has no databases, and no master to be
};

/// What a server says of itself.
struct server_info {
    std::string version = {}; ///< empty before 6.0
    bool cluster = false;     ///< a node of a Cluster
    bool master = true;
};

/// The first words of a connection, with no socket: HELLO (which also brings user, password and
/// name, and tells the role), SELECT, and a PING that fails while the server is loading. All leave
/// in one write. A server before 6.0 has no HELLO: then AUTH, SELECT and ROLE do.
class handshake {
  public:
    explicit handshake(session_wish w)
        : wish_(std::move(w)) {}

    /// What to write first.
    std::string start();

    enum class step : std::uint8_t { more, ready, failed };

    /// An answer has come. `more` may add to what is to be written.
    step on_reply(reply const&, std::string& write);

    server_info const& info() const { return info_; }
    /// Why it failed; in words too, the server's where it said some.
    error_code why() const { return why_; }
    std::string const& text() const { return text_; }

  private:
    enum class word : std::uint8_t { hello, auth, select, ping, role };

    void add(std::string& write, word);
    step fail(error_code, std::string_view text);

    session_wish wish_;
    server_info info_;
    std::string awaited_; // words, as characters, whose answers are to come
    error_code why_;
    std::string text_;
    bool old_server_ = false;
    std::size_t skip_ = 0; // answers to words that were sent in vain
};

} // namespace mad::inline MAD_ABI::redis::detail

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/redis/impl/handshake.ipp>
#endif

#endif
