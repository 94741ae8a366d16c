#include "scenario.hpp"
#include "websocket.hpp"

#include <vector>

namespace bench {

namespace {

/// `connections` clients, one of which also sends, spread over the servers there are. A broadcast
/// is over when every client has it; the sender keeps `in_flight` of them under way.
class broadcast : public websocket_events {
  public:
    explicit broadcast(settings const& s)
        : settings_(s)
        , meter_(s.how_long, s.servers)
        , frame_(client_frame(R"(42["bcast",)" + argument(s) + "]"))
        , expected_(R"(42["bcast-out",)" + argument(s) + "]")
        , received_(s.connections)
        , rounds_(s.in_flight) {}

    void run(json_line& out) {
        for (std::size_t i = 0; i < std::min(max_handshakes, settings_.connections); ++i)
            dial();
        while (meter_.tick())
            loop_.turn(100);
        meter_.report(out, "delivery");
    }

  private:
    struct round {
        std::int64_t sent_at = 0;
        std::size_t receivers = 0;
    };

    void dial() {
        auto const at = dialled_ % (settings_.others.size() + 1);
        auto const& to = at == 0 ? settings_.to : settings_.others[at - 1];
        auto client = std::make_unique<websocket>(to, *this, dialled_++);
        if (sender_ == nullptr)
            sender_ = client.get();
        loop_.adopt(std::move(client), to);
    }

    void on_connected(websocket&) override {
        if (dialled_ < settings_.connections)
            dial();
        if (++connected_ < settings_.connections)
            return;
        meter_.start();
        for (auto& r : rounds_)
            say(r);
    }

    // Packets of one connection keep their order, so the n-th that a client gets is of round n,
    // and rounds end in order: one place per round in flight is enough.
    void on_packet(websocket& ws, std::string_view packet) override {
        if (packet != expected_)
            throw failure("not the broadcast: " + std::string(packet.substr(0, 80)));
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
        sender_->send(frame_);
    }

    settings const& settings_;
    meter meter_;
    loop loop_;
    websocket* sender_ = nullptr;
    std::size_t dialled_ = 0, connected_ = 0;
    std::string frame_, expected_;
    std::vector<std::size_t> received_;
    std::vector<round> rounds_;
};

} // namespace

void run_broadcast(settings const& s, json_line& out) {
    broadcast(s).run(out);
}

} // namespace bench
