#ifndef MAD_FLEET_IMPL_ANNOUNCED_NODE_IPP
#define MAD_FLEET_IMPL_ANNOUNCED_NODE_IPP

#include <mad/core/json.hpp>
#include <mad/core/json_parse.hpp>
#include <mad/core/json_text.hpp>
#include <mad/fleet/announced_node.hpp>

#include <algorithm>
#include <utility>

namespace mad::inline MAD_ABI::fleet {

MAD_DECL std::string announcement_of(announced_node const& n) {
    std::string out = "{\"url\":";
    append_json_string(out, n.url);
    out += ",\"tag\":";
    append_json_number(out, std::uint64_t{n.tag});
    out += ",\"version\":";
    append_json_string(out, n.version);
    out += ",\"instance\":";
    append_json_string(out, n.instance);
    return out.append(",\"draining\":").append(n.draining ? "true}" : "false}");
}

MAD_DECL std::optional<announced_node> read_announcement(std::string_view node,
                                                         std::string_view text) {
    if (node.empty() || node.size() > 64 || text.size() > 4096)
        return std::nullopt;
    auto const said = parse_json(text);
    if (!said || !said->is_object())
        return std::nullopt;
    announced_node out;
    out.node = node;
    auto const take = [&](char const* key, std::string& into) {
        if (auto const at = said->find(key); at != said->end() && at->is_string())
            into = at->template get<std::string>();
    };
    take("url", out.url);
    take("version", out.version);
    take("instance", out.instance);
    auto const tag = said->find("tag"), draining = said->find("draining");
    if (out.url.empty() || tag == said->end() || !tag->is_number_unsigned() ||
        tag->get<std::uint64_t>() > 0xffff)
        return std::nullopt;
    out.tag = static_cast<std::uint16_t>(tag->get<std::uint64_t>());
    out.draining = draining != said->end() && draining->is_boolean() && draining->get<bool>();
    return out;
}

MAD_DECL std::optional<proxy::upstream> upstream_of(announced_node const& n) {
    auto u = proxy::parse_upstream(n.url);
    if (!u || n.node.empty())
        return std::nullopt;
    u->name = n.node.substr(0, 64);
    for (auto& c : u->name)
        if (!proxy::is_upstream_name(std::string_view(&c, 1)))
            c = '-';
    u->node_tag = n.tag;
    return std::move(*u);
}

MAD_DECL bool node_directory::read(std::vector<entry> const& all, time_point now) {
    bool changed = !std::exchange(ever_read_, true);
    for (auto& [name, k] : nodes_)
        k.until = std::max(k.until, kept_until_);
    kept_until_ = {};
    for (auto const& e : all) {
        auto& k = nodes_[e.node.node];
        changed = changed || k.node != e.node;
        k = {e.node, now + e.left};
    }
    auto const before = nodes_.size();
    std::erase_if(nodes_, [&](auto const& item) {
        bool const there = std::any_of(all.begin(), all.end(),
                                       [&](entry const& e) { return e.node.node == item.first; });
        return !there && item.second.until <= now;
    });
    return changed || nodes_.size() != before;
}

MAD_DECL bool node_directory::left(std::string_view node) {
    auto const at = nodes_.find(node);
    if (at == nodes_.end())
        return false;
    nodes_.erase(at);
    return true;
}

MAD_DECL void node_directory::keep_until(time_point t) {
    kept_until_ = t;
}

MAD_DECL std::vector<announced_node> node_directory::list() const {
    std::vector<announced_node> out;
    for (auto const& [name, k] : nodes_)
        out.push_back(k.node);
    return out;
}

MAD_DECL std::optional<time_point> node_directory::next_end() const {
    std::optional<time_point> out;
    for (auto const& [name, k] : nodes_)
        out = out ? std::min(*out, k.until) : k.until;
    return out;
}

} // namespace mad::inline MAD_ABI::fleet

#endif
