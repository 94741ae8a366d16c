#include "scenario.hpp"
#include "websocket.hpp"

#include <algorithm>
#include <vector>

namespace bench {

namespace {

constexpr int slow_receive_buffer = 4096; // bytes; the kernel doubles it
constexpr std::int64_t between_readings_ns = 10'000'000;

/// `connections` clients that read, one of which also sends, and `slow` more that read nothing once
/// they are connected. A broadcast is over when all who read have it; the sender keeps `in_flight`
/// of them under way. Memory is what the server grew by at most since the slow ones came: before,
/// it has `settle` seconds of the same broadcasts.
class slow : public websocket_events {
  public:
    explicit slow(settings const& s)
        : settings_(s)
        , slow_to_(s.to)
        , meter_(s.how_long, s.servers)
        , frame_(client_frame(R"(42["bcast",)" + argument(s) + "]"))
        , expected_(R"(42["bcast-out",)" + argument(s) + "]")
        , received_(s.connections)
        , rounds_(s.in_flight) {
        if (s.slow == 0 || s.server() <= 0)
            throw failure("slow needs --slow and --pid");
        slow_to_.receive_buffer = slow_receive_buffer;
    }

    void run(json_line& out) {
        while (connected_ < settings_.connections) {
            while (dialled_ < settings_.connections && dialled_ - connected_ < max_handshakes)
                dial(settings_.to);
            loop_.turn(100);
        }
        for (auto& r : rounds_)
            say(r);
        auto const settled = now_ns() + static_cast<std::int64_t>(settings_.settle * 1e9);
        while (now_ns() < settled)
            loop_.turn(50);
        auto const before = rss_bytes(settings_.server());
        auto most = before;
        for (std::size_t i = 0; i < settings_.slow; ++i)
            dial(slow_to_);
        while (connected_ < dialled_)
            loop_.turn(100);
        auto const open = descriptors(settings_.server());
        auto const full = said_ + settings_.fill;
        for (auto next = now_ns(); meter_.tick(); loop_.turn(10)) {
            if (!meter_.started() && said_ >= full)
                meter_.start();
            if (now_ns() < next)
                continue;
            most = std::max(most, rss_bytes(settings_.server()));
            next = now_ns() + between_readings_ns;
        }
        auto const grown = std::max(most, rss_bytes(settings_.server())) - before;
        meter_.report(out, "delivery");
        out.number("slow", static_cast<std::int64_t>(settings_.slow))
            .number("closed", open - descriptors(settings_.server()))
            .number("grown_bytes", grown)
            .real("bytes_per_connection",
                  static_cast<double>(grown) / static_cast<double>(settings_.slow), 1);
    }

  private:
    struct round {
        std::int64_t sent_at = 0;
        std::size_t receivers = 0;
    };

    void dial(target const& to) {
        auto client = std::make_unique<websocket>(to, *this, dialled_++);
        if (sender_ == nullptr)
            sender_ = client.get();
        loop_.adopt(std::move(client), to);
    }

    [[nodiscard]] bool is_slow(websocket const& ws) const {
        return ws.index() >= settings_.connections;
    }

    void on_connected(websocket& ws) override {
        ++connected_;
        if (is_slow(ws))
            loop_.ignore(ws);
    }

    // Rounds end in order: see the scenario `broadcast`.
    void on_packet(websocket& ws, std::string_view packet) override {
        if (packet != expected_)
            throw failure("not the broadcast: " + std::string(packet.substr(0, 80)));
        if (is_slow(ws))
            return; // it came along with the answer to CONNECT
        meter_.unit();
        auto& place = received_[ws.index()];
        auto& r = rounds_[place];
        if (++place == rounds_.size())
            place = 0;
        if (++r.receivers < settings_.connections)
            return;
        meter_.latency(now_ns() - r.sent_at);
        say(r);
    }

    void say(round& r) {
        r = {now_ns(), 0};
        ++said_;
        sender_->send(frame_);
    }

    settings const& settings_;
    target slow_to_;
    meter meter_;
    loop loop_;
    websocket* sender_ = nullptr;
    std::size_t dialled_ = 0, connected_ = 0;
    std::size_t said_ = 0; ///< broadcasts
    std::string frame_, expected_;
    std::vector<std::size_t> received_;
    std::vector<round> rounds_;
};

} // namespace

void run_slow(settings const& s, json_line& out) {
    slow(s).run(out);
}

} // namespace bench
