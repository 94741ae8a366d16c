#ifndef MAD_PROXY_AFFINITY_HPP
#define MAD_PROXY_AFFINITY_HPP

#include <mad/core/clock.hpp>
#include <mad/proxy/pool_view.hpp>
#include <mad/proxy/sid_table.hpp>

#include <boost/asio/ip/address.hpp>

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace mad::inline MAD_ABI::proxy {

/// What brought a request to its upstream.
enum class affinity_rule : std::uint8_t { sid, cookie, hash };

std::string_view to_string(affinity_rule);

/// How a request finds its upstream.
struct affinity_settings {
    /// Sessions stay where they were made: by what handshakes told, else by the node's tag in the
    /// id. Default on.
    bool sid = true;

    /// New sessions go where the client's last one was. Default on.
    bool cookie = true;

    /// How much more than its part an upstream may have, by the hash, before a new session goes to
    /// the next one. Default 1.25 (consistent hashing with bounded loads); 0: as much as it will.
    /// Without `sid` and `cookie` it does not count: then the address alone decides.
    double bound = 1.25;

    /// Name of the cookie. Default `mad_node`.
    std::string cookie_name = "mad_node";

    /// Whether the address and the set of upstreams decide alone, as with `ip_hash`.
    bool pure_hash() const { return !sid && !cookie; }
};

/// Reads `sid,cookie,hash`, or a part of it that ends with `hash`. `hash` alone is what `ip_hash`
/// of nginx is for, but over the whole address: any number of proxies agree without a word. An
/// upstream that drains keeps its part of the sessions that there are; when one goes down or comes
/// back, the sessions of its part of the addresses move at once, and end with that. Nothing for any
/// other text.
std::optional<affinity_settings> parse_affinity(std::string_view text);

/// The bytes of an address that are hashed: 4 or 16. An IPv4 address in IPv6 form gives 4.
class client_key {
  public:
    explicit client_key(boost::asio::ip::address const&);

    std::string_view bytes() const { return {reinterpret_cast<char const*>(bytes_.data()), size_}; }

  private:
    std::array<unsigned char, 16> bytes_{};
    std::size_t size_ = 0;
};

/// What is known of a request. Empty: it has none.
struct affinity_request {
    std::string_view sid;        ///< from the query
    std::string_view cookie;     ///< value of the affinity cookie
    std::string_view client_key; ///< bytes of the client's address
};

struct choice {
    enum class outcome : std::uint8_t {
        chosen,       ///< `to` it is
        session_gone, ///< the session is known, and where it lived does not serve: 400, code 1
        none,         ///< nobody is there: 503
    };

    outcome verdict = outcome::none;
    affinity_rule by = affinity_rule::hash;
    std::shared_ptr<target const> to;
    bool learnt = false; ///< the session is in the table

    explicit operator bool() const { return verdict == outcome::chosen; }
};

/// The upstream for a request of the engine path. `excluded`: ids of those tried already, for a
/// handshake that is sent again. Allocates nothing; renews the session's entry in the table.
choice choose(pool_view const&, affinity_settings const&, affinity_request const&, sid_table&,
              time_point now, std::span<std::uint32_t const> excluded = {});

/// The upstream for a request that belongs to no session (`/api/`): any that is up, by the hash of
/// the client's key; null when there is none.
std::shared_ptr<target const> choose_any(pool_view const&, std::string_view client_key,
                                         std::span<std::uint32_t const> excluded = {});

namespace detail {

/// 64 well mixed bits of the key. The same in every process, so that several proxies agree.
std::uint64_t affinity_hash(std::string_view bytes);

/// How high a target of that share stands for a client: of all, the highest is taken.
double rendezvous_score(std::uint64_t key, std::uint64_t seed, double share);

} // namespace detail

} // namespace mad::inline MAD_ABI::proxy

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/proxy/impl/affinity.ipp>
#endif

#endif
