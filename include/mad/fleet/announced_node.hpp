#ifndef MAD_FLEET_ANNOUNCED_NODE_HPP
#define MAD_FLEET_ANNOUNCED_NODE_HPP

#include <mad/core/clock.hpp>
#include <mad/proxy/upstream.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mad::inline MAD_ABI::fleet {

/// A node as it announces itself to proxies (`mad-api --advertise URL`).
struct announced_node {
    std::string node = {};     ///< its name, `--node-id`
    std::string url = {};      ///< `http://10.0.0.5:3000`
    std::string version = {};  ///< of the program
    std::string instance = {}; ///< of the process
    std::uint16_t tag = 0;     ///< what the ids of its sessions carry
    bool draining = false;     ///< it takes nothing new, and goes soon

    friend bool operator==(announced_node const&, announced_node const&) = default;
};

/// As it is kept: `{"url":"http://10.0.0.5:3000","tag":513,"version":"0.1.0","instance":"x",
/// "draining":false}`. The name is in the key.
std::string announcement_of(announced_node const&);

/// The node of that name, from what is kept of it; nothing when that is no announcement of at most
/// 4 KB.
std::optional<announced_node> read_announcement(std::string_view node, std::string_view text);

/// The upstream that it is for a proxy, called as the node (what no name may hold becomes `-`);
/// nothing when its URL is none.
std::optional<proxy::upstream> upstream_of(announced_node const&);

/// All nodes that are announced, by what is read of them again and again. A node that is not there
/// any more is gone when its lease is over, or when it has said that it leaves; before that its
/// entry was lost, and it will write it anew.
class node_directory {
  public:
    /// One node as it was read.
    struct entry {
        announced_node node;
        milliseconds left{0}; ///< of its lease
    };

    /// Everything that was read at that time. Whether the list is another one now.
    bool read(std::vector<entry> const&, time_point now);

    /// That node has said that it leaves. Whether the list is another one now.
    bool left(std::string_view node);

    /// The link to where nodes are kept is new, and what is kept may be too: nobody is gone before
    /// so much time.
    void keep_until(time_point);

    /// By name.
    std::vector<announced_node> list() const;

    /// When the first lease is over, as far as is known.
    std::optional<time_point> next_end() const;

  private:
    struct known {
        announced_node node;
        time_point until{};
    };
    std::map<std::string, known, std::less<>> nodes_;
    time_point kept_until_{};
    bool ever_read_ = false;
};

} // namespace mad::inline MAD_ABI::fleet

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/fleet/impl/announced_node.ipp>
#endif

#endif
