#ifndef MAD_REDIS_IMPL_SUBSCRIBER_CORE_IPP
#define MAD_REDIS_IMPL_SUBSCRIBER_CORE_IPP

#include <mad/redis/command.hpp>
#include <mad/redis/detail/subscriber_core.hpp>

#include <algorithm>
#include <utility>

namespace mad::inline MAD_ABI::redis::detail {

/// Any node of a Cluster: what is published on one is heard on all. Another one at each attempt.
class roaming_guide final : public guide {
  public:
    roaming_guide(config const& c, cluster_map const& m)
        : config_(c)
        , map_(m) {}

    void locate(answer done) override {
        auto const& all = map_.known() ? map_.table().masters() : config_.endpoints;
        done(all[next_++ % all.size()], {});
    }
    void cancel() override {}

  private:
    config const& config_;
    cluster_map const& map_;
    std::size_t next_ = 0;
};

MAD_DECL subscriber_core::subscriber_core(net::shard& s, config c, settings st)
    : shard_(s)
    , config_(std::move(c))
    , settings_(std::move(st))
    , health_(moment::now()) {
    seen_ = health_.now();
    config_.database = 0; // channels know no databases, and a user may lack the right to SELECT
    if (config_.endpoints.empty())
        config_.endpoints = config().endpoints;
}

MAD_DECL subscriber_core::~subscriber_core() = default;

MAD_DECL redis::condition subscriber_core::condition() const {
    std::lock_guard const lock(mutex_);
    return seen_;
}

template <class Fn, class... Args>
void subscriber_core::call(Fn const& fn, Args const&... args) {
    try {
        fn(args...);
    } catch (...) {
        shard_.fault("redis.handler.fault");
    }
}

// Subscriptions

MAD_DECL void subscriber_core::subscribe(sub_kind k, std::string name,
                                         subscriber::message_handler fn,
                                         subscriber::done_handler done) {
    bool const full =
        tables_[0].size() + tables_[1].size() + tables_[2].size() >= settings_.max_subscriptions &&
        !of(k).contains(name);
    if (closed_ || full) {
        if (done)
            shard_.post(
                [done = std::move(done),
                 why = error_code(closed_ ? error::closed : error::queue_full)] { done(why); });
        return;
    }
    start();
    auto& e = of(k)[name];
    e.fn = std::make_shared<subscriber::message_handler const>(std::move(fn));
    e.done = std::move(done);
    if (k == sub_kind::sharded && cluster_) {
        e.link.clear();
        place_sharded(name, e);
    } else {
        main_.link->subscribe(k, name);
    }
}

MAD_DECL void subscriber_core::unsubscribe(sub_kind k, std::string const& name) {
    auto const it = of(k).find(name);
    if (it == of(k).end())
        return;
    if (k == sub_kind::sharded && cluster_) {
        if (auto const l = links_.find(it->second.link); l != links_.end())
            l->second.link->unsubscribe(k, name);
        of(k).erase(it);
        return leave_empty_links();
    }
    main_.link->unsubscribe(k, name);
    of(k).erase(it);
}

MAD_DECL void subscriber_core::start() {
    if (main_.link)
        return;
    if (config_.topology == topology::cluster && !cluster_)
        become_cluster({});
    if (config_.topology == topology::sentinel) {
        auto way = std::make_unique<sentinel_guide>(shard_, settings_, config_, [this] {
            main_.link->relocate(error::not_master, "a sentinel tells of another master");
        });
        sentinels_ = way.get();
        main_.way = std::move(way);
    } else if (cluster_) {
        main_.way = std::make_unique<roaming_guide>(config_, *cluster_);
    } else {
        main_.way = std::make_unique<fixed_guide>(config_.endpoints.front());
    }
    main_.link = std::make_unique<sub_link>(shard_, settings_, config_, *main_.way, *this);
    main_.link->start();
}

MAD_DECL void subscriber_core::fill(sub_link& l) {
    anew_ = true;
    if (is_main(l)) {
        for (auto const k : {sub_kind::channel, sub_kind::pattern, sub_kind::sharded})
            if (k != sub_kind::sharded || !cluster_)
                for (auto const& [name, e] : of(k))
                    l.subscribe(k, name);
        return;
    }
    for (auto const& [name, e] : of(sub_kind::sharded))
        if (auto const it = links_.find(e.link); it != links_.end() && it->second.link.get() == &l)
            l.subscribe(sub_kind::sharded, name);
}

MAD_DECL void subscriber_core::on_message(sub_kind k, std::string_view name,
                                          std::string_view channel, std::string_view payload) {
    auto const it = of(k).find(name);
    if (it == of(k).end())
        return; // it was on its way when we left
    auto const fn = it->second.fn;
    if (*fn)
        call(*fn, channel, payload);
}

MAD_DECL void subscriber_core::on_answer(sub_link& l, sub_kind k, std::string const& name,
                                         error why, std::string_view text) {
    auto const it = of(k).find(name);
    if (it == of(k).end())
        return check_settled();
    auto& e = it->second;
    if (k == sub_kind::sharded && (why == error::moved || why == error::ask ||
                                   why == error::try_again || why == error::cluster_down)) {
        // It belongs elsewhere, now or soon.
        if (!cluster_)
            become_cluster(l.where());
        auto const to = parse_redirect(text, l.where());
        e.refused = true;
        anew_ = true;
        if (to && why == error::moved)
            cluster_->moved(*to);
        else
            cluster_->refresh();
        if (to && why == error::moved)
            place_sharded(name, e);
        return;
    }
    if (why != error::none) {
        settings_.log.warn("redis.subscribe.refused", {{"name", name}, {"text", text}});
        tell(health_.refused(moment::now(), name, why, text));
    } else {
        tell(health_.worked(moment::now(), name));
    }
    if (auto const done = std::exchange(e.done, nullptr))
        call(done, error_code(why));
    check_settled();
}

// Links

MAD_DECL void subscriber_core::on_link_up(sub_link& l, server_info const& info) {
    settings_.log.info("redis.subscriber.connected",
                       {{"server", to_string(l.where())}, {"version", info.version}});
    if (info.cluster && !cluster_ && config_.topology == topology::single &&
        config_.endpoints[0].path.empty() && !of(sub_kind::sharded).empty())
        become_cluster(l.where());
    judge();
    check_settled();
}

MAD_DECL void subscriber_core::on_link_down(sub_link& l, error_code why, std::string const& text) {
    if (is_main(l) && sentinels_ && why == error::not_master)
        sentinels_->misled();
    why_ = why;
    text_ = text;
    if (cluster_)
        cluster_->refresh();
    judge();
}

MAD_DECL void subscriber_core::judge() {
    if (!main_.link || closed_)
        return;
    bool const main_up = main_.link->up();
    auto const missing = std::any_of(links_.begin(), links_.end(),
                                     [](auto const& l) { return !l.second.link->up(); });
    if (!main_up)
        tell(health_.down(moment::now(), why_, text_));
    else if (missing)
        tell(health_.partly(moment::now(), why_, text_));
    else
        tell(health_.up(moment::now()));
}

/// Tells once that everything is heard again.
MAD_DECL void subscriber_core::check_settled() {
    if (!anew_ || closed_ || !main_.link || !main_.link->settled())
        return;
    for (auto const& [name, l] : links_)
        if (!l.link->settled())
            return;
    if (cluster_)
        for (auto const& [name, e] : of(sub_kind::sharded))
            if (e.refused || e.link.empty())
                return;
    anew_ = false;
    ++epoch_;
    settings_.log.debug("redis.subscriber.ready", {{"epoch", epoch_}});
    for (std::size_t i = 0; i < resubscribed_handlers_.size() && !closed_; ++i) {
        auto const fn = resubscribed_handlers_[i];
        call(fn, epoch_);
    }
}

// Cluster

MAD_DECL void subscriber_core::become_cluster(endpoint const& from) {
    config_.topology = topology::cluster;
    cluster_ = std::make_unique<cluster_map>(
        shard_, settings_, config_, [this] { on_map(); },
        [this](error_code why, std::string const& text) {
            why_ = why;
            text_ = text;
            judge();
        });
    discovered_ = !from.host.empty();
    if (discovered_)
        cluster_->add_seed(from);
    cluster_->refresh();
}

/// Asks the node that has the slot, unless it has been asked.
MAD_DECL void subscriber_core::place_sharded(std::string const& name, entry& e) {
    auto const* const at = cluster_->table().at(slot_of(name));
    if (!at)
        return cluster_->refresh();
    auto const key = to_string(*at);
    if (e.link == key && !e.refused)
        return;
    if (auto const old = links_.find(e.link); old != links_.end() && e.link != key && !e.refused)
        old->second.link->unsubscribe(sub_kind::sharded, name);
    if (e.link.empty() && discovered_)
        main_.link->unsubscribe(sub_kind::sharded, name); // it may be heard there already
    e.link = key;
    e.refused = false;
    anew_ = true;
    auto& p = links_[key];
    if (p.link)
        return p.link->subscribe(sub_kind::sharded, name);
    p.way = std::make_unique<fixed_guide>(*at);
    p.link = std::make_unique<sub_link>(shard_, settings_, config_, *p.way, *this);
    p.link->start();
}

MAD_DECL void subscriber_core::on_map() {
    if (closed_)
        return;
    for (auto& [name, e] : of(sub_kind::sharded))
        place_sharded(name, e);
    leave_empty_links();
    judge();
    check_settled();
}

MAD_DECL void subscriber_core::leave_empty_links() {
    for (auto it = links_.begin(); it != links_.end();) {
        auto const used = std::any_of(of(sub_kind::sharded).begin(), of(sub_kind::sharded).end(),
                                      [&](auto const& e) { return e.second.link == it->first; });
        if (used) {
            ++it;
            continue;
        }
        it->second.link->stop();
        shard_.reap(std::make_unique<place>(std::move(it->second))); // it may be on the stack
        it = links_.erase(it);
    }
}

MAD_DECL void subscriber_core::on_moved_away(sub_link& l, std::string_view name) {
    auto const it = of(sub_kind::sharded).find(name);
    if (it == of(sub_kind::sharded).end())
        return;
    anew_ = true;
    it->second.refused = true;
    if (!cluster_)
        become_cluster(l.where());
    else
        cluster_->refresh();
}

// Condition and end

MAD_DECL void subscriber_core::on_resubscribed(std::function<void(std::uint64_t)> fn) {
    resubscribed_handlers_.push_back(std::move(fn));
}

MAD_DECL void subscriber_core::on_state(subscriber::condition_handler fn) {
    condition_handlers_.push_back(fn);
    call(fn, health_.now());
}

MAD_DECL void subscriber_core::tell(bool changed) {
    if (!changed || closed_)
        return;
    auto const now = health_.now();
    {
        std::lock_guard const lock(mutex_);
        seen_ = now;
    }
    if (now.state == state::connected)
        settings_.log.info("redis.subscriber.state", {{"state", to_string(now.state)}});
    else
        settings_.log.warn("redis.subscriber.state", {{"state", to_string(now.state)},
                                                      {"reason", now.reason.message()},
                                                      {"text", now.text}});
    for (std::size_t i = 0; i < condition_handlers_.size() && !closed_; ++i) {
        auto const fn = condition_handlers_[i];
        call(fn, now);
    }
}

MAD_DECL void subscriber_core::close() {
    if (std::exchange(closed_, true))
        return;
    if (main_.link)
        main_.link->stop();
    for (auto& [name, l] : links_)
        l.link->stop();
    if (cluster_)
        cluster_->stop();
    for (auto& t : tables_)
        for (auto& [name, e] : t) {
            e.fn = std::make_shared<subscriber::message_handler const>();
            e.done = nullptr;
        }
    {
        std::lock_guard const lock(mutex_);
        seen_.state = state::down;
        seen_.reason = error::closed;
        seen_.text.clear();
    }
    shard_.deadlines().settle();
}

} // namespace mad::inline MAD_ABI::redis::detail

#endif
