#ifndef MAD_FLEET_IMPL_HUB_SHARED_IPP
#define MAD_FLEET_IMPL_HUB_SHARED_IPP

#include <mad/core/base64.hpp>
#include <mad/core/ids.hpp>
#include <mad/fleet/detail/hub.hpp>
#include <mad/fleet/rule_json.hpp>

#include <chrono>
#include <utility>

// What a hub shares with those of other nodes: rules, mutes, and what they know of the past.

namespace mad::inline MAD_ABI::fleet {

namespace detail {

/// A question for the history of a host, and an answer.
inline constexpr std::string_view history_word = "history ", past_word = "past ";

/// How long other nodes are waited for, and how far back a history goes.
inline constexpr milliseconds history_patience{500};
inline constexpr std::int64_t history_reach =
    static_cast<std::int64_t>(history::max_minutes) * history::minute_ms;

} // namespace detail

// Rules and mutes: those of the file, and what people have changed since, on all nodes.

MAD_DECL void api::hub::set_rules(rule_set r, std::vector<mute> m) {
    file_rules_ = std::move(r);
    file_mutes_ = std::move(m);
    use_rules();
    use_mutes();
}

MAD_DECL void api::hub::change(std::string_view table, std::string_view name,
                               std::optional<std::string> value) {
    if (value)
        ledger_->put(table, name, std::move(*value));
    else
        ledger_->erase(table, name);
    if (table == "rules")
        use_rules();
    else
        use_mutes();
}

MAD_DECL void api::hub::use_rules() {
    auto all = file_rules_;
    ledger_->each("rules", [&](std::string_view name, std::string_view text) {
        if (auto r = parse_rule(name, text)) {
            // It stands for all of that name, per tag too.
            std::erase_if(all.rules, [&](auto const& one) { return one.name == name; });
            all.rules.push_back(std::move(*r));
        }
    });
    roster_.set_rules(std::move(all), now(), wall());
}

MAD_DECL void api::hub::use_mutes() {
    mutes_ = file_mutes_;
    std::vector<std::string> over;
    ledger_->each("mutes", [&](std::string_view id, std::string_view text) {
        auto m = read_mute(id, text);
        if (!m)
            return;
        if (m->until_ms && *m->until_ms < wall())
            over.emplace_back(id);
        else
            mutes_.push_back(std::move(*m));
    });
    for (auto const& id : over)
        ledger_->erase("mutes", id);
    roster_.set_mutes(mutes_, now(), wall());
}

// What other nodes know of the past.

MAD_DECL void api::hub::hear(std::string_view message) {
    if (message.starts_with(detail::forget_word)) {
        auto const* const h = roster_.find(message.substr(detail::forget_word.size()));
        if (h && h->state == host_state::offline)
            roster_.remove(std::string(h->id));
    } else if (message.starts_with(detail::history_word)) {
        answer_history(message.substr(detail::history_word.size()));
    } else if (message.starts_with(detail::past_word)) {
        take_history(message.substr(detail::past_word.size()));
    }
}

/// `KEY HOST`; the key names who asks and what.
MAD_DECL void api::hub::answer_history(std::string_view request) {
    auto const space = request.find(' ');
    if (space == request.npos)
        return;
    auto const* const known = history_of(request.substr(space + 1));
    if (!known || known->empty())
        return;
    std::string text(detail::past_word);
    text.append(request.substr(0, space)).append(" ");
    append_base64(text, known->pack());
    ledger_->tell(std::move(text));
}

/// `KEY HISTORY`
MAD_DECL void api::hub::take_history(std::string_view answer) {
    auto const space = answer.find(' ');
    auto const q = questions_.find(std::string(answer.substr(0, space)));
    if (space == answer.npos || q == questions_.end())
        return; // another node's question
    std::string packed;
    bool const whole = base64_decode(answer.substr(space + 1), packed);
    auto const kept = histories_.find(q->second.host);
    if (!whole || kept == histories_.end())
        return;
    (void)kept->second->merge(packed);
}

MAD_DECL void api::hub::read_history(std::string_view id,
                                     std::function<void(history const&)> done) {
    auto const give = [this](std::string const& host, auto const& to) {
        auto const* const known = history_of(host);
        to(known ? *known : history());
    };
    // Whoever has run for as long as a history lasts has seen it all.
    bool const whole = now() - api_.started_ > std::chrono::milliseconds(detail::history_reach);
    if (!ledger_->shared() || whole || !feed_timer_ || !histories_.contains(std::string(id)))
        return give(std::string(id), done);
    auto const key = random_id(9);
    auto& q = questions_[key];
    q.host = id;
    q.done = std::move(done);
    q.limit = std::make_unique<boost::asio::steady_timer>(home_.context());
    q.limit->expires_after(detail::history_patience);
    q.limit->async_wait([this, key, give, self = weak_from_this()](error_code ec) {
        if (ec || self.expired())
            return;
        auto const asked = questions_.extract(key);
        give(asked.mapped().host, asked.mapped().done);
    });
    ledger_->tell(std::string(detail::history_word).append(key).append(" ").append(id));
}

} // namespace mad::inline MAD_ABI::fleet

#endif
