#ifndef MAD_REDIS_IMPL_CLIENT_IPP
#define MAD_REDIS_IMPL_CLIENT_IPP

#include <mad/net/one_shot.hpp>
#include <mad/redis/client.hpp>
#include <mad/redis/detail/client_core.hpp>

#include <boost/asio/this_coro.hpp>

#include <utility>

namespace mad::inline MAD_ABI::redis {

namespace detail {

inline std::function<void(batch&)> into(client::batch_handler done) {
    if (!done)
        return [](batch&) {};
    return [done = std::move(done)](batch& b) {
        if (b.failed)
            done(b.failed);
        else
            done(std::move(b.replies));
    };
}

} // namespace detail

MAD_DECL client::client(boost::asio::io_context& ctx, config c, settings s)
    : client(net::shard::of(ctx), std::move(c), std::move(s)) {}

MAD_DECL client::client(net::shard& home, config c, settings s)
    : core_(std::make_shared<detail::client_core>(home, std::move(c), std::move(s))) {}

MAD_DECL client::~client() {
    auto& home = core_->home();
    home.dispatch([core = std::move(core_)]() mutable {
        core->close();
        // It may be on the stack.
        auto& at = core->home();
        at.reap(std::make_unique<std::shared_ptr<detail::client_core>>(std::move(core)));
    });
}

MAD_DECL void client::run(std::function<void(detail::client_core&)> fn) const {
    core_->home().dispatch([core = core_, fn = std::move(fn)] { fn(*core); });
}

MAD_DECL void client::connect() const {
    run([](detail::client_core& c) { c.connect(); });
}

MAD_DECL void client::close() const {
    run([](detail::client_core& c) { c.close(); });
}

MAD_DECL void client::exec(command c, handler done) const {
    detail::waiter w{std::move(done)};
    if (core_->home().here())
        return core_->exec(std::move(c), std::move(w));
    core_->home().post([core = core_, c = std::move(c), w = std::move(w)]() mutable {
        core->exec(std::move(c), std::move(w));
    });
}

MAD_DECL void client::send(command c) const {
    exec(std::move(c), handler());
}

MAD_DECL void client::exec(pipeline p, batch_handler done) const {
    auto told = detail::into(std::move(done));
    if (core_->home().here())
        return core_->exec(std::move(p).take(), std::move(told));
    core_->home().post([core = core_, p = std::move(p), told = std::move(told)]() mutable {
        core->exec(std::move(p).take(), std::move(told));
    });
}

MAD_DECL void client::send(pipeline p) const {
    exec(std::move(p), batch_handler());
}

MAD_DECL void client::transaction(pipeline p, batch_handler done) const {
    if (!done)
        done = [](result<std::vector<reply>> const&) {};
    run([p = std::move(p), done = std::move(done)](detail::client_core& c) mutable {
        c.transaction(std::move(p).take(), std::move(done));
    });
}

MAD_DECL void client::exec_on_masters(command c, batch_handler done) const {
    run([c = std::move(c),
         told = detail::into(std::move(done))](detail::client_core& core) mutable {
        core.exec_on_masters(std::move(c), std::move(told));
    });
}

MAD_DECL void client::eval(script s, std::vector<std::string> keys, std::vector<std::string> args,
                           handler done) const {
    run([self = std::weak_ptr<detail::client_core>(core_), s = std::move(s), keys = std::move(keys),
         args = std::move(args), done = std::move(done)](detail::client_core& c) mutable {
        c.eval(std::move(self), std::move(s), std::move(keys), std::move(args), std::move(done));
    });
}

MAD_DECL boost::asio::awaitable<result<reply>> client::exec(command c) const {
    net::one_shot<reply> answer(co_await boost::asio::this_coro::executor);
    exec(std::move(c), answer.callback());
    co_return co_await answer.wait();
}

MAD_DECL boost::asio::awaitable<result<std::vector<reply>>> client::exec(pipeline p) const {
    net::one_shot<std::vector<reply>> answer(co_await boost::asio::this_coro::executor);
    exec(std::move(p), answer.callback());
    co_return co_await answer.wait();
}

MAD_DECL boost::asio::awaitable<result<std::vector<reply>>> client::transaction(pipeline p) const {
    net::one_shot<std::vector<reply>> answer(co_await boost::asio::this_coro::executor);
    transaction(std::move(p), answer.callback());
    co_return co_await answer.wait();
}

MAD_DECL boost::asio::awaitable<result<std::vector<reply>>>
client::exec_on_masters(command c) const {
    net::one_shot<std::vector<reply>> answer(co_await boost::asio::this_coro::executor);
    exec_on_masters(std::move(c), answer.callback());
    co_return co_await answer.wait();
}

MAD_DECL boost::asio::awaitable<result<reply>> client::eval(script s, std::vector<std::string> keys,
                                                            std::vector<std::string> args) const {
    net::one_shot<reply> answer(co_await boost::asio::this_coro::executor);
    eval(std::move(s), std::move(keys), std::move(args), answer.callback());
    co_return co_await answer.wait();
}

MAD_DECL void client::on_state(condition_handler fn) const {
    run([fn = std::move(fn)](detail::client_core& c) mutable { c.on_state(std::move(fn)); });
}

MAD_DECL redis::condition client::condition() const {
    return core_->condition();
}

MAD_DECL std::size_t client::queued() const {
    return core_->queued();
}

} // namespace mad::inline MAD_ABI::redis

#endif
