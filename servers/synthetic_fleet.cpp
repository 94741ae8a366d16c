#include "synthetic_fleet.hpp"

#include "synthetic_host.hpp"

#include <mad/core/ids.hpp>
#include <mad/core/json_text.hpp>
#include <mad/host/json.hpp>
#include <mad/socketio/client.hpp>

#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace programs {

namespace {

using mad::milliseconds;
using mad::time_point;

constexpr double connects_per_second = 1000;

mad::socketio::backoff_settings like_an_agent() {
    return {mad::seconds(1), mad::seconds(30), 0.0, true};
}

/// One agent: its host and its connection.
struct actor {
    actor(synthetic_settings const& s, std::size_t number, trouble t, bool steady)
        : host(s.seed, number, t, steady)
        , run(mad::random_id(6))
        , away(like_an_agent()) {
        char digits[24];
        std::snprintf(digits, sizeof digits, "%05zu", number);
        id = s.prefix + digits;
    }

    synthetic_host host;
    std::string id, run;
    std::uint64_t seq = 0;
    std::unique_ptr<mad::socketio::client> client;
    mad::socketio::backoff away; ///< after the node has sent it away
    bool connected = false, greeted = false;
    time_point back{}; ///< when it connects again; none: not by us
};

trouble trouble_of(std::size_t number, double percent) {
    // Spread over the numbers without chance, so that any part of the fleet looks like the whole.
    auto const mixed = number * 2'654'435'761u % 10'000;
    if (static_cast<double>(mixed) >= percent * 100)
        return trouble::none;
    return static_cast<trouble>(1 + mixed % 4);
}

} // namespace

class synthetic_fleet::crowd {
  public:
    crowd(synthetic_settings s, mad::net::io_pool& pool)
        : settings_(std::move(s))
        , pool_(pool)
        , timer_(pool.context(0)) {
        for (std::size_t i = 0; i < settings_.agents; ++i) {
            auto const number = settings_.first + i;
            bool const steady =
                static_cast<double>(number * 40'503u % 10'000) < settings_.steady * 100;
            actors_.push_back(std::make_unique<actor>(
                settings_, number, trouble_of(number, settings_.trouble), steady));
            make_client(*actors_.back(), settings_.urls[i % settings_.urls.size()]);
        }
    }

    void begin() {
        began_ = next_ = std::chrono::steady_clock::now();
        step();
    }

    void end(milliseconds drain) {
        if (std::exchange(ending_, true))
            return;
        for (auto const& a : actors_) {
            if (a->connected) {
                std::string text = "{\"id\":";
                mad::append_json_string(text, a->id);
                a->client->socket("/").emit("client_disconnected",
                                            mad::socketio::raw_json{text += '}'});
            }
            a->client->close();
        }
        await_end(std::chrono::steady_clock::now() + drain);
    }

    synthetic_numbers numbers;

  private:
    void make_client(actor& a, std::string const& url) {
        mad::socketio::client_settings c;
        c.engine.url = url;
        c.engine.path = settings_.path;
        c.engine.transports = {mad::engine::transport_kind::websocket};
        c.engine.tls = settings_.tls;
        c.backoff = like_an_agent();
        c.log = settings_.log;
        a.client = std::make_unique<mad::socketio::client>(pool_[0], std::move(c));
        auto const root = a.client->socket("/");
        if (!settings_.token.empty())
            root.set_auth(mad::json{{"token", settings_.token}});
        root.on_connect([this, &a] {
            a.connected = true;
            a.greeted = false;
            a.back = {}; // what it was to leave has ended first
            a.away.reset();
            ++numbers.connected;
            ++numbers.connections;
            send(a);
        });
        root.on_disconnect([this, &a](mad::socketio::disconnect_reason why) {
            a.connected = false;
            --numbers.connected;
            if (why == mad::socketio::disconnect_reason::io_server_disconnect)
                a.back = std::chrono::steady_clock::now() + a.away.next(chance());
        });
        root.on_connect_error([this, &a](mad::socketio::connect_failure const& why) {
            if (!why.refused())
                return; // the client tries again by itself
            if (numbers.refused++ == 0)
                settings_.log.warn("fleet.synthetic.refused", {{"why", why.message}});
            a.back = std::chrono::steady_clock::now() + mad::seconds(30);
        });
        root.on("node_draining", [this, &a](mad::json notice) {
            auto const most = notice.is_object() ? notice.value("after_ms", 1000.0) : 1000.0;
            a.back = std::chrono::steady_clock::now() +
                     milliseconds(static_cast<std::int64_t>(chance() *
                                                            std::clamp(most, 1'000.0, 600'000.0)));
        });
    }

    /// A tenth of a second's part of all: actors are due in the order of their numbers.
    void step() {
        if (ending_)
            return;
        auto const now = std::chrono::steady_clock::now();
        connect_some(now);
        if (settings_.freeze_after.count() > 0 && !frozen_ &&
            now - began_ >= settings_.freeze_after)
            freeze();
        auto const share = static_cast<double>(actors_.size()) *
                           static_cast<double>(tick_.count()) /
                           static_cast<double>(settings_.interval.count());
        for (owed_ += std::min(share * ticks_since(now), static_cast<double>(actors_.size()));
             owed_ >= 1; owed_ -= 1) {
            serve(*actors_[turn_], now);
            turn_ = (turn_ + 1) % actors_.size();
        }
        timer_.expires_at(next_);
        timer_.async_wait([this](mad::error_code ec) {
            if (!ec)
                step();
        });
    }

    void freeze() {
        frozen_ = true;
        std::string out = "{\"frozen\":{";
        for (auto const& a : actors_) {
            a->host.freeze();
            auto const& s = a->host.last();
            mad::append_json_string(out += a == actors_.front() ? "" : ",", a->id);
            mad::append_json_number(out += ":{\"storage\":", s.storage);
            mad::append_json_number(out += ",\"cpu\":", s.cpu ? s.cpu->pct : 0.0);
            mad::append_json_number(out += ",\"mem\":", s.memory ? s.memory->pct : 0.0);
            out += a->host.silent() ? ",\"silent\":true}" : ",\"silent\":false}";
        }
        settings_.on_frozen(out += "}}");
    }

    double ticks_since(time_point now) {
        double ticks = 0;
        for (; next_ <= now; next_ += tick_)
            ++ticks;
        return ticks;
    }

    void connect_some(time_point now) {
        auto const allowed = static_cast<std::size_t>(
            1 + connects_per_second * std::chrono::duration<double>(now - began_).count());
        for (; started_ < std::min(allowed, actors_.size()); ++started_)
            actors_[started_]->client->socket("/").connect();
    }

    void serve(actor& a, time_point now) {
        if (a.back != time_point() && now >= a.back) {
            a.back = {};
            a.client->close();
            a.client->socket("/").connect();
        } else if (a.connected) {
            auto const turns_a_minute = 60'000 / static_cast<double>(settings_.interval.count());
            if (settings_.churn > 0 && !frozen_ &&
                chance() < settings_.churn / 100 / turns_a_minute)
                return a.client->drop_connection();
            send(a);
        }
    }

    void send(actor& a) {
        auto const wall = mad::system_clock::instance().wall_ms();
        auto const& sample = a.host.next(wall);
        if (a.host.silent() && a.greeted)
            return;
        auto& t = message_.text;
        t.assign("{\"id\":");
        mad::append_json_string(t, a.id);
        mad::append_json_string(t += ",\"v\":2,\"run\":", a.run);
        mad::append_json_number(t += ",\"seq\":", ++a.seq);
        mad::append_json_number(t += ",\"ts\":", wall);
        mad::append_json_number(t += ",\"interval_ms\":", settings_.interval.count());
        if (!a.greeted) {
            mad::host::info_labels labels;
            labels.agent = "synthetic";
            labels.region = a.host.region();
            labels.tags = a.host.tags();
            auto who = a.host.who();
            who.host = a.id;
            mad::host::append_info_json(t += ",\"info\":", who, labels);
        }
        mad::host::append_health_json(t += ",\"health\":", sample);
        t += '}';
        auto const root = a.client->socket("/");
        if (a.greeted)
            root.volatile_emit("client_healthcheck", message_);
        else
            root.emit("client_connected", message_);
        a.greeted = true;
        ++numbers.sent;
    }

    void await_end(time_point limit) {
        bool const done = std::all_of(actors_.begin(), actors_.end(),
                                      [](auto const& a) { return a->client->closed(); });
        if (done || std::chrono::steady_clock::now() >= limit)
            return pool_.stop();
        timer_.expires_after(milliseconds(20));
        timer_.async_wait([this, limit](mad::error_code) { await_end(limit); });
    }

    double chance() { return std::uniform_real_distribution<double>(0, 1)(random_); }

    static constexpr milliseconds tick_{20};

    synthetic_settings settings_;
    mad::net::io_pool& pool_;
    boost::asio::steady_timer timer_;
    std::vector<std::unique_ptr<actor>> actors_;
    mad::socketio::raw_json message_;
    std::minstd_rand random_{std::random_device{}()};
    time_point began_{}, next_{};
    std::size_t started_ = 0, turn_ = 0;
    double owed_ = 0;
    bool ending_ = false, frozen_ = false;
};

synthetic_fleet::synthetic_fleet(synthetic_settings s)
    : pool_(1, s.log)
    , crowd_(std::make_unique<crowd>(std::move(s), pool_)) {}

synthetic_fleet::~synthetic_fleet() = default;

void synthetic_fleet::run() {
    pool_[0].post([this] { crowd_->begin(); });
    pool_.run();
}

void synthetic_fleet::leave(milliseconds drain) {
    pool_[0].post([this, drain] { crowd_->end(drain); });
}

boost::asio::io_context& synthetic_fleet::context() {
    return pool_.context(0);
}

synthetic_numbers const& synthetic_fleet::numbers() const {
    return crowd_->numbers;
}

} // namespace programs
