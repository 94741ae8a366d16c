#ifndef MAD_SYNC_IMPL_REDIS_BUS_IPP
#define MAD_SYNC_IMPL_REDIS_BUS_IPP

#include <mad/sync/redis_bus.hpp>

#include <boost/asio/steady_timer.hpp>

#include <set>
#include <utility>

namespace mad::inline MAD_ABI::sync {

/// Those that run, to be stopped: they would hold the loop.
struct redis_bus::timers {
    std::set<std::shared_ptr<boost::asio::steady_timer>> running; // on the shard
    bool stopped = false;
};

MAD_DECL redis_bus::redis_bus(net::shard& home, redis::config c, redis::settings s)
    : shard_(home)
    , config_(std::move(c))
    , settings_(std::move(s))
    , client_(home, config_, settings_)
    , subscriber_(home, config_, settings_)
    , timers_(std::make_shared<timers>())
    , handlers_(std::make_shared<detail::handler_table>()) {
    client_.connect();
}

MAD_DECL redis_bus::~redis_bus() {
    close();
}

MAD_DECL void redis_bus::close() {
    {
        std::lock_guard const lock(mutex_);
        if (std::exchange(closed_, true))
            return;
        for (auto const& l : lanes_)
            if (l)
                l->close();
    }
    subscriber_.close();
    client_.close();
    shard_.post([t = timers_] {
        t->stopped = true;
        for (auto const& each : std::exchange(t->running, {}))
            each->cancel();
    });
}

MAD_DECL void redis_bus::send(redis::command c) {
    client_.send(std::move(c));
}

MAD_DECL void redis_bus::exec(redis::command c, reply_handler done) {
    client_.exec(std::move(c), std::move(done));
}

MAD_DECL void redis_bus::exec_on_masters(redis::command c, batch_handler done) {
    client_.exec_on_masters(std::move(c), std::move(done));
}

MAD_DECL void redis_bus::exec_blocking(std::size_t lane, redis::command c, reply_handler done) {
    redis::client const* to = nullptr;
    {
        std::lock_guard const lock(mutex_);
        if (!closed_) {
            if (lanes_.size() <= lane)
                lanes_.resize(lane + 1);
            if (!lanes_[lane])
                lanes_[lane] = std::make_unique<redis::client>(shard_, config_, settings_);
            to = lanes_[lane].get(); // stays as long as this
        }
    }
    if (to)
        return to->exec(std::move(c), std::move(done));
    shard_.post([done = std::move(done)] { done(error_code(redis::error::closed)); });
}

MAD_DECL void redis_bus::transaction(redis::pipeline p, batch_handler done) {
    client_.transaction(std::move(p), std::move(done));
}

MAD_DECL std::uint64_t redis_bus::subscribe(subscription how, std::string name,
                                            message_handler fn) {
    detail::handler_table::name const key(how, name);
    return handlers_->add(key, std::move(fn), [&] {
        auto hear = [all = handlers_, key](std::string_view channel, std::string_view body) {
            all->call(key, channel, body);
        };
        switch (how) {
        case subscription::channel:
            return subscriber_.subscribe(std::move(name), std::move(hear));
        case subscription::pattern:
            return subscriber_.psubscribe(std::move(name), std::move(hear));
        case subscription::sharded:
            return subscriber_.ssubscribe(std::move(name), std::move(hear));
        }
    });
}

MAD_DECL void redis_bus::unsubscribe(std::uint64_t id) {
    handlers_->remove(id, [&](detail::handler_table::name const& n) {
        switch (n.first) {
        case subscription::channel:
            return subscriber_.unsubscribe(n.second);
        case subscription::pattern:
            return subscriber_.punsubscribe(n.second);
        case subscription::sharded:
            return subscriber_.sunsubscribe(n.second);
        }
    });
}

MAD_DECL bool redis_bus::is_up() const {
    return client_.condition().state != redis::state::down;
}

MAD_DECL void redis_bus::after(milliseconds t, std::function<void()> fn) {
    shard_.post([&home = shard_, all = timers_, t, fn = std::move(fn)]() mutable {
        if (all->stopped)
            return;
        auto const timer = std::make_shared<boost::asio::steady_timer>(home.context(), t);
        all->running.insert(timer);
        timer->async_wait([all, timer, fn = std::move(fn)](error_code ec) {
            all->running.erase(timer);
            if (!ec)
                fn();
        });
    });
}

} // namespace mad::inline MAD_ABI::sync

#endif
