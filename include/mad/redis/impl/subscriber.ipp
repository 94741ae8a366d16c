#ifndef MAD_REDIS_IMPL_SUBSCRIBER_IPP
#define MAD_REDIS_IMPL_SUBSCRIBER_IPP

#include <mad/redis/detail/subscriber_core.hpp>
#include <mad/redis/subscriber.hpp>

#include <utility>

namespace mad::inline MAD_ABI::redis {

MAD_DECL subscriber::subscriber(boost::asio::io_context& ctx, config c, settings s)
    : subscriber(net::shard::of(ctx), std::move(c), std::move(s)) {}

MAD_DECL subscriber::subscriber(net::shard& home, config c, settings s)
    : core_(std::make_shared<detail::subscriber_core>(home, std::move(c), std::move(s))) {}

MAD_DECL subscriber::~subscriber() {
    auto& home = core_->home();
    home.dispatch([core = std::move(core_)]() mutable {
        core->close();
        // It may be on the stack.
        auto& at = core->home();
        at.reap(std::make_unique<std::shared_ptr<detail::subscriber_core>>(std::move(core)));
    });
}

MAD_DECL void subscriber::run(std::function<void(detail::subscriber_core&)> fn) const {
    core_->home().dispatch([core = core_, fn = std::move(fn)] { fn(*core); });
}

MAD_DECL void subscriber::subscribe(std::string channel, message_handler fn,
                                    done_handler done) const {
    run([channel = std::move(channel), fn = std::move(fn), done = std::move(done)](auto& c) {
        c.subscribe(detail::sub_kind::channel, channel, fn, done);
    });
}

MAD_DECL void subscriber::psubscribe(std::string pattern, message_handler fn,
                                     done_handler done) const {
    run([pattern = std::move(pattern), fn = std::move(fn), done = std::move(done)](auto& c) {
        c.subscribe(detail::sub_kind::pattern, pattern, fn, done);
    });
}

MAD_DECL void subscriber::ssubscribe(std::string channel, message_handler fn,
                                     done_handler done) const {
    run([channel = std::move(channel), fn = std::move(fn), done = std::move(done)](auto& c) {
        c.subscribe(detail::sub_kind::sharded, channel, fn, done);
    });
}

MAD_DECL void subscriber::unsubscribe(std::string channel) const {
    run([channel = std::move(channel)](auto& c) {
        c.unsubscribe(detail::sub_kind::channel, channel);
    });
}

MAD_DECL void subscriber::punsubscribe(std::string pattern) const {
    run([pattern = std::move(pattern)](auto& c) {
        c.unsubscribe(detail::sub_kind::pattern, pattern);
    });
}

MAD_DECL void subscriber::sunsubscribe(std::string channel) const {
    run([channel = std::move(channel)](auto& c) {
        c.unsubscribe(detail::sub_kind::sharded, channel);
    });
}

MAD_DECL void subscriber::on_resubscribed(std::function<void(std::uint64_t)> fn) const {
    run([fn = std::move(fn)](auto& c) { c.on_resubscribed(fn); });
}

MAD_DECL void subscriber::on_state(condition_handler fn) const {
    run([fn = std::move(fn)](auto& c) { c.on_state(fn); });
}

MAD_DECL redis::condition subscriber::condition() const {
    return core_->condition();
}

MAD_DECL void subscriber::close() const {
    run([](detail::subscriber_core& c) { c.close(); });
}

} // namespace mad::inline MAD_ABI::redis

#endif
