#ifndef MAD_REDIS_IMPL_CLIENT_CORE_IPP
#define MAD_REDIS_IMPL_CLIENT_CORE_IPP

#include <mad/redis/detail/client_core.hpp>

#include <algorithm>
#include <utility>

namespace mad::inline MAD_ABI::redis::detail {

/// A transaction: kept until it has run, as its commands may be sent to another node.
struct client_core::whole {
    std::vector<command> commands;
    client::batch_handler done;
    time_point deadline;
    std::optional<std::uint16_t> slot;
    std::uint8_t tries = 0;
};

inline constexpr std::uint8_t max_redirects = 16;

MAD_DECL client_core::client_core(net::shard& s, config c, settings st)
    : shard_(s)
    , config_(std::move(c))
    , settings_(std::move(st))
    , parked_limit_([](void* p) { static_cast<client_core*>(p)->on_parked(); }, this)
    , health_(moment::now()) {
    seen_ = health_.now();
    if (config_.endpoints.empty())
        config_.endpoints = config().endpoints;
}

MAD_DECL client_core::~client_core() = default;

MAD_DECL redis::condition client_core::condition() const {
    std::lock_guard const lock(mutex_);
    return seen_;
}

// Commands

MAD_DECL bool client_core::admit(std::size_t commands, std::size_t bytes) {
    if (queued_ + commands > settings_.max_queued_commands ||
        queued_bytes_ + bytes > settings_.max_queued_bytes)
        return false;
    queued_ += commands;
    queued_bytes_ += bytes;
    return true;
}

MAD_DECL time_point client_core::deadline_of(command const& c) const {
    return std::chrono::steady_clock::now() + c.timeout().value_or(settings_.command_timeout);
}

MAD_DECL void client_core::exec(command c, waiter w) {
    auto const until = deadline_of(c);
    pending p{std::move(c), std::move(w), until};
    if (closed_ || !admit(1, p.cmd.wire().size())) {
        p.ours = true; // it is not counted
        return refuse(std::move(p), closed_ ? error::closed : error::queue_full);
    }
    route(std::move(p));
}

MAD_DECL void client_core::exec(std::vector<command> all, std::function<void(batch&)> done) {
    auto const b = std::make_shared<batch>();
    b->done = std::move(done);
    std::size_t bytes = 0;
    for (auto const& c : all)
        bytes += c.wire().size();
    if (closed_)
        b->failed = error::closed;
    else if (!admit(all.size(), bytes))
        b->failed = error::queue_full;
    if (b->failed || all.empty())
        return tell_later([b] { b->done(*b); });
    b->left = all.size();
    b->replies.resize(all.size());
    for (std::size_t i = 0; i < all.size(); ++i) {
        auto const until = deadline_of(all[i]);
        route({std::move(all[i]), {{}, b, i}, until});
    }
}

MAD_DECL void client_core::exec_on_masters(command c, std::function<void(batch&)> done) {
    auto const until = deadline_of(c);
    send_to_masters(std::move(c), until, std::move(done));
}

MAD_DECL void client_core::send_to_masters(command c, time_point until,
                                           std::function<void(batch&)> done) {
    if (!closed_ && !cluster_)
        connect();
    bool const alone = !cluster_ && only().up();
    if (!closed_ && !alone && !(cluster_ && cluster_->known())) {
        // Which masters there are is not known yet: once it is, this comes back here.
        pending p{command("PING"), {}, until, 0, false, false, cluster_ != nullptr};
        p.who.one = [this, c = std::move(c), until, done = std::move(done)](result<reply> r) {
            if (r)
                return send_to_masters(c, until, done);
            batch none;
            none.failed = r.error();
            done(none);
        };
        if (cluster_) {
            park(std::move(p));
            return cluster_->refresh();
        }
        if (admit(1, p.cmd.wire().size()))
            return only().push(std::move(p));
        p.ours = true; // it is not counted
        return refuse(std::move(p), error::queue_full);
    }
    std::vector<node*> to;
    if (alone)
        to.push_back(&only());
    else if (!closed_)
        for (auto const& m : cluster_->table().masters())
            to.push_back(&node_at(m));
    auto const b = std::make_shared<batch>();
    b->done = std::move(done);
    if (closed_ || !admit(to.size(), to.size() * c.wire().size())) {
        b->failed = closed_ ? error::closed : error::queue_full;
        return tell_later([b] { b->done(*b); });
    }
    b->left = to.size();
    b->replies.resize(to.size());
    for (std::size_t i = 0; i < to.size(); ++i)
        to[i]->push({c, {{}, b, i}, until, 0, false, false, false, !alone});
}

MAD_DECL void client_core::route(pending p) {
    if (closed_)
        return refuse(std::move(p), error::closed);
    if (!cluster_ && config_.topology == topology::cluster)
        connect();
    if (!cluster_)
        return only().push(std::move(p));
    auto const slot = p.cmd.slot();
    if (auto const* const at = slot ? cluster_->table().at(*slot) : nullptr)
        return node_at(*at).push(std::move(p));
    if (auto* const n = slot ? nullptr : any_node())
        return n->push(std::move(p));
    if (is_denial(map_why_))
        return refuse(std::move(p), map_why_);
    park(std::move(p));
    cluster_->refresh();
}

MAD_DECL void client_core::release(pending const& p) {
    if (p.ours)
        return;
    --queued_;
    queued_bytes_ -= p.cmd.wire().size();
}

MAD_DECL void client_core::tell_later(std::function<void()> fn) {
    shard_.post([&home = shard_, fn = std::move(fn)] {
        try {
            fn();
        } catch (...) {
            home.fault("redis.handler.fault");
        }
    });
}

MAD_DECL void client_core::refuse(pending&& p, error_code why) {
    release(p);
    tell_later([w = std::make_shared<waiter>(std::move(p.who)), why] { w->tell(why); });
}

MAD_DECL void client_core::settle(pending&& p, result<reply> r) {
    release(p);
    if (!p.ours) {
        auto const e = r && r->is_error() ? error_of(r->text()) : error::none;
        if (e == error::out_of_memory || e == error::misconfigured || e == error::no_permission)
            tell(health_.refused(moment::now(), p.cmd.name(), e, r->text()));
        else if (r && e == error::none && health_.now().state == state::degraded)
            tell(health_.worked(moment::now(), p.cmd.name()));
    }
    try {
        p.who.tell(std::move(r));
    } catch (...) {
        shard_.fault("redis.handler.fault");
    }
}

MAD_DECL void client_core::eval(std::weak_ptr<client_core> self, script s,
                                std::vector<std::string> keys, std::vector<std::string> args,
                                client::handler done) {
    auto by_digest = s.by_digest(keys, args);
    waiter w;
    w.one = [self = std::move(self), s = std::move(s), keys = std::move(keys),
             args = std::move(args), done = std::move(done)](result<reply> r) {
        auto const core =
            r && r->is_error() && error_of(r->text()) == error::no_script ? self.lock() : nullptr;
        if (!core)
            return done ? done(std::move(r)) : void();
        waiter again;
        again.one = done;
        core->exec(s.by_text(keys, args), std::move(again));
    };
    exec(std::move(by_digest), std::move(w));
}

// Transactions

MAD_DECL void client_core::transaction(std::vector<command> all, client::batch_handler done) {
    auto const w = std::make_shared<whole>();
    w->commands = std::move(all);
    w->done = std::move(done);
    w->deadline = std::chrono::steady_clock::now() + settings_.command_timeout;
    bool crossed = false;
    for (auto const& c : w->commands) {
        auto const slot = c.slot();
        if (!w->slot)
            w->slot = slot;
        else if (slot && *slot != *w->slot)
            crossed = true;
    }
    if (crossed && (cluster_ || config_.topology == topology::cluster))
        return tell_later([w] { w->done(error_code(error::cross_slot)); });
    send_whole(w, nullptr, false);
}

/// MULTI, the commands, EXEC: pushed in one go, so nothing comes between.
MAD_DECL void client_core::send_whole(std::shared_ptr<whole> w, node* to, bool asking) {
    ++w->tries;
    std::vector<command> all;
    all.reserve(w->commands.size() + 2);
    all.emplace_back("MULTI");
    all.insert(all.end(), w->commands.begin(), w->commands.end());
    all.emplace_back("EXEC");
    std::size_t bytes = 0;
    for (auto const& c : all)
        bytes += c.wire().size();
    auto const b = std::make_shared<batch>();
    b->left = all.size();
    b->replies.resize(all.size());
    if (closed_ || !admit(all.size(), bytes))
        return tell_later(
            [w, why = error_code(closed_ ? error::closed : error::queue_full)] { w->done(why); });
    b->done = [this, w](batch& done) { on_whole(w, done); };
    for (std::size_t i = 0; i < all.size(); ++i) {
        // All of them go where their key lives, MULTI and EXEC too.
        pending p{std::move(all[i]), {{}, b, i}, w->deadline, 0, asking && i == 0, true};
        if (w->slot)
            p.cmd.route_to(*w->slot);
        if (to)
            to->push(std::move(p));
        else
            route(std::move(p));
    }
}

MAD_DECL void client_core::on_whole(std::shared_ptr<whole> const& w, batch& b) {
    if (b.failed)
        return w->done(b.failed);
    auto& last = b.replies.back();
    if (last.kind() == reply_kind::array)
        return w->done(std::move(last).take_items());
    // It did not run. When that is because of what the server is at the moment, it may elsewhere.
    reply const* why = nullptr;
    for (auto const& r : b.replies)
        if (!why && r.is_error())
            why = &r;
    auto const e = why ? error_of(why->text()) : error::none;
    bool const passing =
        is_passing(e) || e == error::moved || e == error::ask || e == error::try_again;
    auto const now = std::chrono::steady_clock::now();
    if (!passing || now >= w->deadline || closed_)
        return w->done(error_code(why && e != error::server ? e : error::exec_abort));
    if (w->tries > max_redirects)
        return w->done(error_code(error::too_many_redirects));
    auto const to = parse_redirect(why->text(), endpoint());
    if (cluster_ && to && !to->to.host.empty()) {
        if (e == error::moved)
            cluster_->moved(*to);
        return send_whole(w, &node_at(to->to), e == error::ask);
    }
    // Waits a little in the queue of what is parked; that brings it back here.
    pending p{command("MULTI"), {}, w->deadline, 0, false, false, true};
    p.who.one = [this, w](result<reply> r) {
        if (!r)
            return w->done(r.error());
        send_whole(w, nullptr, false);
    };
    if (cluster_)
        cluster_->refresh();
    park(std::move(p));
}

// Nodes

MAD_DECL node& client_core::only() {
    auto& p = nodes_[std::string()];
    if (!p.wire) {
        if (config_.topology == topology::sentinel) {
            auto way = std::make_unique<sentinel_guide>(shard_, settings_, config_, [this] {
                only().relocate(error::not_master, "a sentinel tells of another master");
            });
            sentinels_ = way.get();
            p.way = std::move(way);
        } else {
            p.way = std::make_unique<fixed_guide>(config_.endpoints.front());
        }
        p.wire = std::make_unique<node>(shard_, settings_, config_, *p.way, *this);
    }
    return *p.wire;
}

MAD_DECL node& client_core::node_at(endpoint const& e) {
    auto& p = nodes_[to_string(e)];
    if (!p.wire) {
        p.way = std::make_unique<fixed_guide>(e);
        p.wire = std::make_unique<node>(shard_, settings_, config_, *p.way, *this);
    }
    return *p.wire;
}

/// For what has no key. One that is connected, if there is one.
MAD_DECL node* client_core::any_node() {
    for (auto& [name, p] : nodes_)
        if (p.wire->up())
            return p.wire.get();
    auto const& masters = cluster_->table().masters();
    return masters.empty() ? nullptr : &node_at(masters.front());
}

MAD_DECL void client_core::connect() {
    if (closed_)
        return;
    if (config_.topology != topology::cluster)
        return only().start();
    if (!cluster_)
        become_cluster({});
    cluster_->refresh();
}

MAD_DECL void client_core::on_node_up(node& n, server_info const& info) {
    settings_.log.info("redis.connected",
                       {{"server", to_string(n.where())}, {"version", info.version}});
    if (cluster_)
        return judge_cluster();
    if (info.cluster && config_.topology == topology::single && config_.endpoints[0].path.empty())
        return become_cluster(n.where());
    tell(health_.up(moment::now()));
}

MAD_DECL void client_core::on_node_down(node& n, error_code why, std::string const& text) {
    settings_.log.debug(
        "redis.node.down",
        {{"server", to_string(n.where())}, {"reason", why.message()}, {"text", text}});
    if (cluster_) {
        cluster_->refresh();
        return judge_cluster();
    }
    if (sentinels_ && (why == error::not_master || why == error::read_only))
        sentinels_->misled();
    tell(health_.down(moment::now(), why, text));
}

// Cluster

/// A server that turns out to be a node of a Cluster stays the one that it is among the others.
MAD_DECL void client_core::become_cluster(endpoint const& from) {
    config_.topology = topology::cluster;
    cluster_ = std::make_unique<cluster_map>(
        shard_, settings_, config_, [this] { on_map(); },
        [this](error_code why, std::string const& text) { on_no_map(why, text); });
    if (auto it = nodes_.find(std::string()); it != nodes_.end()) {
        auto handle = nodes_.extract(it);
        handle.key() = to_string(from);
        nodes_.insert(std::move(handle));
    }
    cluster_->refresh();
}

MAD_DECL void client_core::on_map() {
    map_why_ = {};
    auto const& masters = cluster_->table().masters();
    for (auto const& m : masters)
        node_at(m).start();
    // What waits for a node that lost its slots goes to those that have them now; a node that has
    // none leaves when it has nothing to do.
    std::deque<pending> homeless = std::exchange(parked_, {});
    for (auto it = nodes_.begin(); it != nodes_.end();) {
        auto& n = *it->second.wire;
        bool const member = std::any_of(masters.begin(), masters.end(), [&](endpoint const& m) {
            return to_string(m) == it->first;
        });
        if (!n.up()) {
            for (auto& p : n.take_waiting()) {
                if (p.pinned && member)
                    n.push(std::move(p));
                else if (!p.ours)
                    homeless.push_back(std::move(p));
            }
        }
        if (!member && n.idle()) {
            n.stop(error::closed);
            shard_.reap(std::make_unique<place>(std::move(it->second))); // it may be on the stack
            it = nodes_.erase(it);
        } else {
            ++it;
        }
    }
    for (auto& p : homeless) {
        if (p.pinned)
            settle(std::move(p), error::unreachable);
        else if (p.who.one && p.ours)
            settle(std::move(p), reply());
        else
            route(std::move(p));
    }
    if (!closed_)
        judge_cluster();
}

MAD_DECL void client_core::on_no_map(error_code why, std::string const& text) {
    map_why_ = why;
    if (!cluster_->known())
        tell(health_.down(moment::now(), why, text));
    if (is_denial(why))
        for (auto& p : std::exchange(parked_, {}))
            settle(std::move(p), why);
}

MAD_DECL void client_core::judge_cluster() {
    if (!cluster_->known())
        return;
    std::size_t up = 0, all = 0;
    std::string missing;
    for (auto const& m : cluster_->table().masters()) {
        ++all;
        auto const it = nodes_.find(to_string(m));
        if (it != nodes_.end() && it->second.wire->up())
            ++up;
        else
            missing = to_string(m);
    }
    if (up == all)
        tell(health_.up(moment::now()));
    else if (up > 0)
        tell(health_.partly(moment::now(), error::unreachable, "no connection to " + missing));
    else
        tell(health_.down(moment::now(), error::unreachable, "no connection to " + missing));
}

MAD_DECL bool client_core::redirected(node& from, pending& p, reply const& r) {
    auto const e = error_of(r.text());
    if (!cluster_ && e == error::moved && config_.topology == topology::single)
        become_cluster(from.where());
    if (!cluster_ || p.whole || p.pinned)
        return false;
    if (++p.redirects > max_redirects || std::chrono::steady_clock::now() >= p.deadline) {
        settle(std::move(p), error::too_many_redirects);
        return true;
    }
    if (auto const to = parse_redirect(r.text(), from.where())) {
        if (e == error::moved)
            cluster_->moved(*to);
        p.asking = e == error::ask;
        node_at(to->to).push(std::move(p));
        return true;
    }
    cluster_->refresh();
    park(std::move(p));
    return true;
}

MAD_DECL void client_core::park(pending p) {
    parked_.push_back(std::move(p));
    if (!parked_limit_.armed())
        shard_.deadlines().arm(parked_limit_, settings_.backoff.min);
}

MAD_DECL void client_core::on_parked() {
    auto const now = std::chrono::steady_clock::now();
    bool const lost = cluster_ && !cluster_->known();
    for (auto& p : std::exchange(parked_, {})) {
        if (now >= p.deadline)
            settle(std::move(p), error::timeout);
        else if (p.ours)
            settle(std::move(p), reply());
        else if (lost)
            parked_.push_back(std::move(p));
        else
            route(std::move(p));
    }
    if (!parked_.empty() && !parked_limit_.armed())
        shard_.deadlines().arm(parked_limit_, settings_.backoff.min);
}

// Condition and end

MAD_DECL void client_core::on_state(client::condition_handler fn) {
    condition_handlers_.push_back(std::move(fn));
    auto const now = health_.now();
    auto const handler = condition_handlers_.back(); // it may add others
    try {
        handler(now);
    } catch (...) {
        shard_.fault("redis.handler.fault");
    }
}

MAD_DECL void client_core::tell(bool changed) {
    if (!changed || closed_)
        return;
    auto const now = health_.now();
    {
        std::lock_guard const lock(mutex_);
        seen_ = now;
    }
    if (now.state == state::connected)
        settings_.log.info("redis.state", {{"state", to_string(now.state)}});
    else
        settings_.log.warn("redis.state", {{"state", to_string(now.state)},
                                           {"reason", now.reason.message()},
                                           {"text", now.text}});
    for (std::size_t i = 0; i < condition_handlers_.size() && !closed_; ++i) {
        auto const handler = condition_handlers_[i];
        try {
            handler(now);
        } catch (...) {
            shard_.fault("redis.handler.fault");
        }
    }
}

MAD_DECL void client_core::close() {
    if (closed_)
        return;
    closed_ = true;
    parked_limit_.cancel();
    if (cluster_)
        cluster_->stop();
    for (auto& [name, p] : nodes_)
        p.wire->stop(error::closed);
    for (auto& p : std::exchange(parked_, {}))
        settle(std::move(p), error::closed);
    condition_handlers_.clear();
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
