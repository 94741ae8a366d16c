#ifndef MAD_TESTS_SUPPORT_HAND_REDIS_HPP
#define MAD_TESTS_SUPPORT_HAND_REDIS_HPP

#include "hand_calls.hpp"

#include <mad/redis/client.hpp>
#include <mad/redis/subscriber.hpp>

#include <memory>
#include <string>
#include <string_view>

namespace mad_test::hand {

namespace redis = mad::redis;

/// A Redis client and a subscriber with the servers they call, driven by hand.
class redis_world : public calling_world {
  public:
    explicit redis_world(redis::config c, redis::settings s = {}) {
        under_test const counted;
        db_ = std::make_unique<redis::client>(ctx_, c, s);
        sub_ = std::make_unique<redis::subscriber>(ctx_, c, s);
        db_->connect();
        turn(); // the client's connection is the first one
        auto& n = answers_.ask();
        sub_->on_resubscribed([this](std::uint64_t) { ++resubscribed_; });
        sub_->subscribe("news", hear(), [&n](mad::error_code) { ++n; });
        turn();
    }

    void act(unsigned what) {
        under_test const counted;
        switch (what % 8) {
        case 0:
            return db_->exec(redis::command("GET", "key"), one());
        case 1:
            return db_->exec(redis::command("GET", "key").idempotent(), one());
        case 2: {
            redis::pipeline p;
            p.add("HSET", "h", "f", 1).add("PUBLISH", "news", std::string(what, 'x'));
            return db_->exec(std::move(p), several());
        }
        case 3: {
            redis::pipeline p;
            p.add("INCR", "a{1}").add("INCR", "b{1}");
            return db_->transaction(std::move(p), several());
        }
        case 4:
            return db_->eval(redis::script("return 1"), {"key"}, {"arg"}, one());
        case 5:
            return db_->exec_on_masters(redis::command("DBSIZE"), several());
        case 6:
            return what & 8 ? sub_->unsubscribe("more") : sub_->psubscribe("n*", hear());
        case 7:
            return what & 8 ? sub_->ssubscribe("shard", hear()) : sub_->subscribe("more", hear());
        }
    }

    std::string finish() {
        {
            under_test const counted;
            db_->close();
        }
        turn();
        auto wrong = answers_.wrong_but_first();
        {
            under_test const counted;
            sub_->close();
        }
        turn();
        {
            under_test const counted;
            db_.reset();
            sub_.reset();
        }
        hang_up();
        pass(4, std::chrono::seconds(30));
        calls_.clear();
        if (restless_)
            wrong += "never at rest; ";
        forget_connections();
        return wrong;
    }

    std::size_t heard() const { return heard_; }
    std::size_t answered() const { return answered_; }
    std::size_t resubscribed() const { return resubscribed_; }

  private:
    /// The first question is the subscriber's: Redis may never have confirmed it.
    struct all_questions : questions {
        std::string wrong_but_first() const {
            auto const w = wrong();
            constexpr std::string_view unconfirmed = "question 0 answered 0 times; ";
            return w.starts_with(unconfirmed) ? w.substr(unconfirmed.size()) : w;
        }
    };

    redis::client::handler one() {
        return [this, &n = answers_.ask()](mad::result<redis::reply> const& r) {
            ++n;
            answered_ += r.has_value();
        };
    }
    redis::client::batch_handler several() {
        return [this, &n = answers_.ask()](mad::result<std::vector<redis::reply>> const& r) {
            ++n;
            answered_ += r.has_value();
        };
    }
    redis::subscriber::message_handler hear() {
        return [this](std::string_view, std::string_view) { ++heard_; };
    }

    std::unique_ptr<redis::client> db_;
    std::unique_ptr<redis::subscriber> sub_;
    all_questions answers_;
    std::size_t heard_ = 0, answered_ = 0, resubscribed_ = 0;
};

} // namespace mad_test::hand

#endif
