#include "scenario.hpp"
#include "websocket.hpp"

#include <algorithm>
#include <charconv>
#include <iostream>
#include <vector>

#include <poll.h>
#include <unistd.h>

namespace bench {

namespace {

/// `connections` clients of one server, the first of which broadcasts `rate` times a second. When
/// all are connected it says `connected` and begins at a line on stdin, so that several processes
/// begin together: each broadcasts, and counts what its clients get from all. Latencies are those
/// of its own messages, from when they were due until the last of its clients had them.
class crowd : public websocket_events {
  public:
    explicit crowd(settings const& s)
        : settings_(s)
        , meter_(s.how_long, s.servers)
        , mark_(R"(42["bcast-out",")" + std::to_string(::getpid()) + ".") {
        if (s.rate <= 0)
            throw failure("crowd needs --rate");
    }

    void run(json_line& out) {
        while (connected_ < settings_.connections) {
            dial();
            loop_.turn(100);
        }
        await_start();
        auto const gap = static_cast<std::int64_t>(1e9 / settings_.rate);
        auto due = now_ns();
        meter_.start();
        while (meter_.tick()) {
            for (auto const now = now_ns(); due <= now; due += gap)
                say(due);
            loop_.turn_until(std::max<std::int64_t>(due - now_ns(), 0));
        }
        meter_.report(out, "delivery");
        std::int64_t resident = 0;
        for (auto const pid : settings_.servers)
            resident += rss_bytes(pid);
        out.number("rss", resident);
    }

  private:
    struct round {
        std::int64_t due;
        std::size_t receivers;
    };

    void dial() {
        while (clients_.size() < settings_.connections &&
               clients_.size() - connected_ < max_handshakes) {
            auto client = std::make_unique<websocket>(settings_.to, *this, clients_.size());
            clients_.push_back(client.get());
            loop_.adopt(std::move(client), settings_.to);
        }
    }

    void await_start() {
        std::cout << "connected" << std::endl;
        pollfd in{STDIN_FILENO, POLLIN, 0};
        while (::poll(&in, 1, 0) == 0)
            loop_.turn(20); // servers go on asking whether we are there
    }

    void say(std::int64_t due) {
        auto const number = std::to_string(rounds_.size());
        rounds_.push_back({due, 0});
        clients_.front()->send(client_frame(R"(42["bcast",")" + std::to_string(::getpid()) + "." +
                                            number + " " + std::string(settings_.payload, 'x') +
                                            "\"]"));
    }

    void on_connected(websocket&) override { ++connected_; }

    void on_packet(websocket&, std::string_view packet) override {
        if (!packet.starts_with(R"(42["bcast-out",)"))
            throw failure("not a broadcast: " + std::string(packet.substr(0, 80)));
        meter_.unit();
        if (!packet.starts_with(mark_))
            return;
        std::size_t number = 0;
        std::from_chars(packet.data() + mark_.size(), packet.data() + packet.size(), number);
        if (number >= rounds_.size())
            throw failure("nobody sent this: " + std::string(packet.substr(0, 80)));
        auto& r = rounds_[number];
        if (++r.receivers == settings_.connections)
            meter_.latency(now_ns() - r.due);
    }

    settings const& settings_;
    meter meter_;
    loop loop_;
    std::string mark_; ///< what our own messages begin with
    std::vector<websocket*> clients_;
    std::size_t connected_ = 0;
    std::vector<round> rounds_;
};

} // namespace

void run_crowd(settings const& s, json_line& out) {
    crowd(s).run(out);
}

} // namespace bench
