#ifndef MAD_SOCKETIO_HANDSHAKE_HPP
#define MAD_SOCKETIO_HANDSHAKE_HPP

#include <mad/core/json_fwd.hpp>
#include <mad/engine/handshake_info.hpp>

#include <string>
#include <utility>

namespace mad::inline MAD_ABI::socketio {

/// What a socket said when it connected. A view: holds while its handler runs.
class handshake {
  public:
    handshake(engine::handshake_info const& info, std::string_view auth)
        : info_(&info)
        , auth_(auth) {}

    /// The JSON object of the CONNECT packet as text; `{}` when there was none.
    std::string_view auth_text() const { return auth_; }
    json auth() const;

    /// Parameters of the URL, percent-decoded; of repeated ones the first.
    query_view query() const { return info_->query(); }
    /// All of them as an object of strings.
    json query_object() const;

    std::string_view header(std::string_view name) const { return info_->header(name); }
    /// Calls `fn(std::string_view name, std::string_view value)` for each field of the request.
    template <class Fn>
    void for_each_header(Fn&& fn) const {
        info_->for_each_header(std::forward<Fn>(fn));
    }
    /// All fields as an object of strings, names in lower case; repeated ones joined by `, `.
    json headers() const;
    std::string_view url() const { return info_->url(); }
    boost::asio::ip::address const& address() const { return info_->address(); }
    bool secure() const { return info_->secure(); }
    /// See `engine::handshake_info::vouched`.
    bool vouched() const { return info_->vouched(); }
    bool cross_domain() const { return info_->cross_domain(); }
    /// Wall clock, milliseconds since 1970.
    std::int64_t issued_ms() const { return info_->issued_ms(); }
    /// The same as JavaScript prints it: `Sun Nov 22 2026 15:02:09 GMT+0000 (Coordinated Universal
    /// Time)`.
    std::string time() const;

    /// Everything, with the names of the reference: headers, time, address, xdomain, secure,
    /// issued, url, query, auth.
    json to_json() const;

  private:
    engine::handshake_info const* info_;
    std::string_view auth_;
};

} // namespace mad::inline MAD_ABI::socketio

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/socketio/impl/handshake.ipp>
#endif

#endif
