#ifndef MAD_TESTS_INTEGRATION_REDIS_REDIS_WORLD_HPP
#define MAD_TESTS_INTEGRATION_REDIS_REDIS_WORLD_HPP

#include <mad/redis/client.hpp>
#include <mad/redis/decoder.hpp>
#include <mad/redis/subscriber.hpp>

#include <catch2/catch.hpp>

#include <support/captured_log.hpp>
#include <support/inbox.hpp>
#include <support/print_result.hpp>
#include <support/redis_server.hpp>

#include <boost/asio/co_spawn.hpp>

#include <exception>
#include <memory>
#include <string>
#include <utility>
#include <vector>

/// How a failed check shows a reply.
template <>
struct Catch::StringMaker<mad::redis::reply> {
    static std::string convert(mad::redis::reply const& r) {
        if (r.kind() == mad::redis::reply_kind::integer)
            return std::to_string(r.integer());
        if (!r.is_array())
            return r.is_nil() ? "nil" : std::string(r.text());
        std::string out = "[";
        for (auto const& i : r.items())
            out += convert(i) + ' ';
        return out + ']';
    }
};

namespace mad_test {

namespace redis = mad::redis;
using mad::milliseconds;
using redis::command;
using redis::error;
using redis::reply;
using redis::state;
using story = boost::asio::awaitable<void>;

/// Lets the loop go on until that is so; an error when it never is.
template <class Done>
story turns_until(boost::asio::io_context& ctx, Done done) {
    auto const end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    boost::asio::steady_timer turn(ctx);
    while (!done()) {
        if (std::chrono::steady_clock::now() >= end)
            throw std::runtime_error("it has not come about");
        turn.expires_after(milliseconds(5));
        co_await turn.async_wait(boost::asio::use_awaitable);
    }
}

/// A client with what it told.
struct told_client {
    told_client(boost::asio::io_context& ctx, redis::config c, redis::settings s)
        : conditions(ctx)
        , db(std::make_unique<redis::client>(ctx, std::move(c), std::move(s))) {
        db->on_state([this](redis::condition const& c1) { conditions.push(c1); });
    }

    /// The next condition with that state.
    boost::asio::awaitable<redis::condition> until(redis::state s) {
        for (;;) {
            auto c = co_await conditions.next();
            if (c.state == s)
                co_return c;
        }
    }
    /// The answer, or the error as one.
    boost::asio::awaitable<reply> ask(command c) {
        auto r = co_await db->exec(std::move(c));
        co_return r ? std::move(*r) : reply::make_error("no answer: " + r.error().message());
    }

    inbox<redis::condition> conditions;
    std::unique_ptr<redis::client> db;
};

/// A subscriber with what it heard: `channel=payload`.
struct told_subscriber {
    told_subscriber(boost::asio::io_context& ctx, redis::config c, redis::settings s)
        : heard(ctx)
        , epochs(ctx)
        , answers(ctx)
        , conditions(ctx)
        , sub(std::make_unique<redis::subscriber>(ctx, std::move(c), std::move(s))) {
        sub->on_resubscribed([this](std::uint64_t e) { epochs.push(e); });
        sub->on_state([this](redis::condition const& c1) { conditions.push(c1); });
    }

    redis::subscriber::message_handler hear() {
        return [this](std::string_view channel, std::string_view payload) {
            heard.push(std::string(channel) + '=' + std::string(payload));
        };
    }
    redis::subscriber::done_handler answer() {
        return [this](mad::error_code ec) { answers.push(ec); };
    }
    boost::asio::awaitable<redis::condition> until(redis::state s) {
        for (;;) {
            auto c = co_await conditions.next();
            if (c.state == s)
                co_return c;
        }
    }

    inbox<std::string> heard;
    inbox<std::uint64_t> epochs;
    inbox<mad::error_code> answers;
    inbox<redis::condition> conditions;
    std::unique_ptr<redis::subscriber> sub;
};

/// Clients on one io_context that the test runs itself.
struct redis_world {
    redis::settings quick() const {
        redis::settings s;
        s.command_timeout = milliseconds(8'000);
        s.backoff = {milliseconds(5), milliseconds(40)};
        s.log = log.handle();
        return s;
    }

    told_client& make(std::string const& url, redis::settings s) {
        clients.push_back(std::make_unique<told_client>(ctx, redis::parse_url(url).value(), s));
        return *clients.back();
    }
    told_client& make(std::string const& url) { return make(url, quick()); }

    told_subscriber& listen(std::string const& url, redis::settings s) {
        subscribers.push_back(
            std::make_unique<told_subscriber>(ctx, redis::parse_url(url).value(), s));
        return *subscribers.back();
    }
    told_subscriber& listen(std::string const& url) { return listen(url, quick()); }

    /// Plays the story, then closes everything, and sees to it that nothing is left to do.
    void play(story s) {
        std::exception_ptr failed;
        boost::asio::co_spawn(ctx, std::move(s), [&](std::exception_ptr e) {
            failed = e;
            clients.clear();
            subscribers.clear();
        });
        ctx.run_for(mad::seconds(60));
        if (failed)
            std::rethrow_exception(failed);
        REQUIRE(ctx.stopped());
    }

    captured_log log;
    boost::asio::io_context ctx{1};
    std::vector<std::unique_ptr<told_client>> clients;
    std::vector<std::unique_ptr<told_subscriber>> subscribers;
};

} // namespace mad_test

#endif
