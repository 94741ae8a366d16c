#ifndef MAD_ENGINE_HANDSHAKE_INFO_HPP
#define MAD_ENGINE_HANDSHAKE_INFO_HPP

#include <mad/core/query.hpp>
#include <mad/net/http/message.hpp>

#include <boost/asio/ip/address.hpp>

#include <algorithm>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mad::inline MAD_ABI::engine {

/// The request that opened a session, kept for `socket.handshake()`. One block of text, since every
/// idle session carries it.
class handshake_info {
  public:
    handshake_info() = default;
    explicit handshake_info(net::http::request const& r, std::int64_t issued_ms = 0)
        : peer_(r.peer)
        , issued_ms_(issued_ms)
        , secure_(r.secure) {
        std::size_t size = r.target.size() + 1;
        for (auto const& f : r.fields)
            size += f.name.size() + f.value.size() + 2;
        text_.reserve(size);
        text_.append(r.target).append(1, '\n');
        for (auto const& f : r.fields)
            text_.append(f.name).append(1, '\0').append(f.value).append(1, '\n');
    }

    /// Request target, with the query.
    std::string_view url() const { return std::string_view(text_).substr(0, text_.find('\n')); }

    query_view query() const {
        auto const u = url();
        auto const q = u.find('?');
        return query_view(q == u.npos ? std::string_view{} : u.substr(q + 1));
    }

    /// First field of that name (case does not matter), empty when there is none.
    std::string_view header(std::string_view name) const {
        std::string_view found;
        bool done = false;
        for_each_header([&](std::string_view n, std::string_view v) {
            if (!done && net::http::iequals(n, name)) {
                found = v;
                done = true;
            }
        });
        return found;
    }

    template <class Fn>
    void for_each_header(Fn&& fn) const {
        std::string_view rest(text_);
        rest.remove_prefix(std::min(rest.find('\n') + 1, rest.size()));
        while (!rest.empty()) {
            auto const line = rest.substr(0, rest.find('\n'));
            auto const cut = line.find('\0');
            fn(line.substr(0, cut), line.substr(std::min(cut + 1, line.size())));
            rest.remove_prefix(std::min(line.size() + 1, rest.size()));
        }
    }

    /// The peer's address; behind a trusted proxy the one it forwards.
    boost::asio::ip::address const& address() const { return peer_; }
    /// True when the peer's own connection is TLS.
    bool secure() const { return secure_; }
    /// True when the request came from a page of another origin (it has an `Origin` field).
    bool cross_domain() const { return !header("Origin").empty(); }
    /// Wall clock, milliseconds since 1970.
    std::int64_t issued_ms() const { return issued_ms_; }

    void set_client(boost::asio::ip::address a, bool secure) {
        peer_ = std::move(a);
        secure_ = secure;
    }

    /// Whether `server_settings::forwarded_addresses` has counted it.
    bool counted() const { return counted_; }
    void set_counted() { counted_ = true; }

    /// Whether the request came from one of `server_settings::vouching`.
    bool vouched() const { return vouched_; }
    void set_vouched(bool yes) { vouched_ = yes; }

  private:
    std::string text_;
    boost::asio::ip::address peer_;
    std::int64_t issued_ms_ = 0;
    bool secure_ = false, counted_ = false, vouched_ = false;
};

} // namespace mad::inline MAD_ABI::engine

#endif
