#ifndef MAD_TESTS_SUPPORT_FAKE_REDIS_HPP
#define MAD_TESTS_SUPPORT_FAKE_REDIS_HPP

#include <mad/core/clock.hpp>
#include <mad/sync/detail/handler_table.hpp>

#include <algorithm>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace mad_test {

/// A clock that tests move.
class hand_clock final : public mad::clock {
  public:
    mad::time_point now() const override { return mad::time_point(at); }
    std::int64_t wall_ms() const override { return 1'700'000'000'000 + at / mad::milliseconds(1); }
    mad::duration at{};
};

/// As much of Redis as adapters use, in one thread: what is sent waits until `run`.
class fake_redis {
  public:
    struct client;

    /// Everything that was sent, `PUBLISH channel body` and so on.
    std::vector<std::vector<std::string>> log;
    bool down = false;
    /// XADD is taken, but nobody reads it.
    bool reads_stopped = false;
    hand_clock clock;

    std::shared_ptr<mad::sync::bus> connect();

    /// Until nothing is left to do.
    void run() {
        for (int turns = 0; turns < 10'000 && (!work_.empty() || serve_readers()); ++turns) {
            if (work_.empty())
                continue;
            auto const fn = std::move(work_.front());
            work_.pop_front();
            fn();
        }
    }

    void pass(mad::milliseconds t) {
        auto const end = clock.at + t;
        while (!timers_.empty() && timers_.begin()->first <= end) {
            clock.at = std::max<mad::duration>(clock.at, timers_.begin()->first);
            auto const fn = std::move(timers_.begin()->second);
            timers_.erase(timers_.begin());
            fn();
            run();
        }
        clock.at = end;
        run();
    }

    void publish(std::string const& channel, std::string const& body);

    /// Messages on channels, as `channel body`.
    std::vector<std::pair<std::string, std::string>> published() const {
        std::vector<std::pair<std::string, std::string>> out;
        for (auto const& c : log)
            if (c[0] == "PUBLISH" || c[0] == "SPUBLISH")
                out.emplace_back(c[1], c[2]);
        return out;
    }

    std::map<std::string, std::string> keys;

  private:
    struct reader {
        std::string stream, after;
        mad::sync::bus::reply_handler done;
    };
    struct entry {
        std::string id;
        std::vector<std::string> fields;
    };

    mad::redis::reply answer(std::vector<std::string> const&);
    bool serve_readers();
    static mad::redis::reply as_reply(entry const& e) {
        std::vector<mad::redis::reply> fields;
        for (auto const& f : e.fields)
            fields.push_back(mad::redis::reply::make_string(f));
        return mad::redis::reply::make_array(
            {mad::redis::reply::make_string(e.id), mad::redis::reply::make_array(fields)});
    }
    static std::pair<std::uint64_t, std::uint64_t> id_of(std::string const& text) {
        auto const dash = text.find('-');
        return {std::stoull(text), std::stoull(text.substr(dash + 1))};
    }

    std::deque<std::function<void()>> work_;
    std::multimap<mad::duration, std::function<void()>> timers_;
    std::vector<std::weak_ptr<client>> clients_;
    std::map<std::string, std::vector<entry>> streams_;
    std::vector<reader> readers_;
    std::uint64_t last_ms_ = 0, last_n_ = 0;
};

struct fake_redis::client final : mad::sync::bus {
    explicit client(fake_redis& r)
        : redis(r) {}

    static std::vector<std::string> words(mad::redis::command const& c) {
        std::vector<std::string> out;
        for (std::size_t i = 0; i < c.size(); ++i)
            out.emplace_back(c.argument(i));
        return out;
    }

    void send(mad::redis::command c) override {
        exec(std::move(c), [](auto const&) {});
    }
    void exec(mad::redis::command c, reply_handler done) override {
        redis.work_.push_back([this, all = words(c), done = std::move(done)] {
            if (redis.down)
                return done(mad::redis::make_error_code(mad::redis::error::unreachable));
            redis.log.push_back(all);
            done(redis.answer(all));
        });
    }
    void exec_blocking(std::size_t, mad::redis::command c, reply_handler done) override {
        auto const all = words(c);
        if (all[0] != "XREAD")
            return exec(std::move(c), std::move(done));
        redis.readers_.push_back({all[6], all[7], std::move(done)});
    }
    void transaction(mad::redis::pipeline p, batch_handler done) override {
        std::vector<std::vector<std::string>> all;
        for (auto const& c : p.commands())
            all.push_back(words(c));
        redis.work_.push_back([this, all, done = std::move(done)] {
            if (redis.down)
                return done(mad::redis::make_error_code(mad::redis::error::unreachable));
            std::vector<mad::redis::reply> out;
            for (auto const& c : all) {
                redis.log.push_back(c);
                out.push_back(redis.answer(c));
            }
            done(std::move(out));
        });
    }
    std::uint64_t subscribe(mad::sync::subscription how, std::string name,
                            message_handler fn) override {
        return handlers.add({how, name}, std::move(fn), [&] { subscribed.insert({how, name}); });
    }
    void unsubscribe(std::uint64_t id) override {
        handlers.remove(id, [&](auto const& name) { subscribed.erase(name); });
    }
    bool is_up() const override { return !redis.down; }
    void after(mad::milliseconds t, std::function<void()> fn) override {
        redis.timers_.emplace(redis.clock.at + t, std::move(fn));
    }

    fake_redis& redis;
    std::set<mad::sync::detail::handler_table::name> subscribed;
    mad::sync::detail::handler_table handlers;
};

inline std::shared_ptr<mad::sync::bus> fake_redis::connect() {
    auto const c = std::make_shared<client>(*this);
    clients_.push_back(c);
    return c;
}

inline void fake_redis::publish(std::string const& channel, std::string const& body) {
    for (auto const& weak : clients_) {
        auto const c = weak.lock();
        if (!c)
            continue;
        std::vector<mad::sync::detail::handler_table::name> heard;
        for (auto const& key : c->subscribed) {
            auto const& name = key.second;
            bool const hears =
                key.first == mad::sync::subscription::pattern
                    ? channel.starts_with(std::string_view(name).substr(0, name.size() - 1))
                    : name == channel;
            if (hears)
                heard.push_back(key);
        }
        for (auto const& key : heard)
            c->handlers.call(key, channel, body);
    }
}

inline mad::redis::reply fake_redis::answer(std::vector<std::string> const& c) {
    using mad::redis::reply;
    if (c[0] == "PUBLISH" || c[0] == "SPUBLISH") {
        publish(c[1], c[2]);
        return reply::make_integer(1);
    }
    if (c[0] == "PUBSUB") {
        std::int64_t n = 0;
        for (auto const& weak : clients_)
            if (auto const each = weak.lock())
                for (auto const& key : each->subscribed)
                    n += key.second == c[2] && key.first != mad::sync::subscription::pattern;
        return reply::make_array({reply::make_string(c[2]), reply::make_integer(n)});
    }
    if (c[0] == "XADD") {
        auto const ms = static_cast<std::uint64_t>(clock.wall_ms());
        last_n_ = ms == last_ms_ ? last_n_ + 1 : 0;
        last_ms_ = ms;
        entry e{std::to_string(last_ms_) + '-' + std::to_string(last_n_), {c.begin() + 6, c.end()}};
        auto const id = e.id;
        streams_[c[1]].push_back(std::move(e));
        return reply::make_string(id);
    }
    if (c[0] == "XREVRANGE") {
        auto const& all = streams_[c[1]];
        return reply::make_array(all.empty() ? std::vector<reply>()
                                             : std::vector<reply>{as_reply(all.back())});
    }
    if (c[0] == "XRANGE") {
        std::vector<reply> out;
        for (auto const& e : streams_[c[1]])
            if (id_of(e.id) >= id_of(c[2]) && (c[3] == "+" || id_of(e.id) <= id_of(c[3])))
                out.push_back(as_reply(e));
        return reply::make_array(std::move(out));
    }
    if (c[0] == "SET")
        keys[c[1]] = c[2];
    if (c[0] == "GET")
        return keys.contains(c[1]) ? reply::make_string(keys[c[1]]) : reply();
    if (c[0] == "DEL")
        return reply::make_integer(static_cast<std::int64_t>(keys.erase(c[1])));
    return reply::make_status("OK");
}

inline bool fake_redis::serve_readers() {
    if (reads_stopped || down)
        return false;
    for (auto it = readers_.begin(); it != readers_.end(); ++it) {
        std::vector<mad::redis::reply> found;
        for (auto const& e : streams_[it->stream])
            if (id_of(e.id) > id_of(it->after))
                found.push_back(as_reply(e));
        if (found.empty())
            continue;
        auto const r = std::move(*it);
        readers_.erase(it);
        r.done(mad::redis::reply::make_array({mad::redis::reply::make_array(
            {mad::redis::reply::make_string(r.stream), mad::redis::reply::make_array(found)})}));
        return true;
    }
    return false;
}

} // namespace mad_test

#endif
