#include "scenario.hpp"
#include "websocket.hpp"

#include <algorithm>
#include <deque>
#include <vector>

namespace bench {

namespace {

/// `connections` clients keep `in_flight` messages each under way; every ack is compared. With a
/// rate they speak in turn at even times instead, and latencies count from when a message was due.
class echo : public websocket_events {
  public:
    explicit echo(settings const& s)
        : settings_(s)
        , meter_(s.how_long, s.servers)
        , sent_at_(s.connections * s.in_flight) {
        for (std::size_t slot = 0; slot < s.in_flight; ++slot) {
            auto const id = std::to_string(slot);
            frames_.push_back(client_frame("42" + id + R"(["echo",)" + argument(s) + "]"));
            acks_.push_back("43" + id + "[" + argument(s) + "]");
        }
    }

    void run(json_line& out) {
        for (std::size_t i = 0; i < std::min(max_handshakes, settings_.connections); ++i)
            dial();
        while (meter_.tick())
            turn();
        meter_.report(out, "ack");
    }

  private:
    void dial() {
        auto const index = clients_.size();
        auto client = std::make_unique<websocket>(settings_.to, *this, index, settings_.revision);
        clients_.push_back(client.get());
        loop_.adopt(std::move(client), settings_.to);
    }

    void on_connected(websocket&) override {
        if (clients_.size() < settings_.connections)
            dial();
        if (++connected_ < settings_.connections)
            return;
        meter_.start();
        if (settings_.rate > 0) {
            waiting_.resize(clients_.size());
            due_ = now_ns();
            return;
        }
        for (auto* const client : clients_) {
            for (std::size_t slot = 0; slot < settings_.in_flight; ++slot)
                say(*client, slot);
        }
    }

    void on_packet(websocket& ws, std::string_view packet) override {
        std::size_t slot = 0;
        for (std::size_t i = 2; i < packet.size() && packet[i] >= '0' && packet[i] <= '9'; ++i)
            slot = slot * 10 + static_cast<std::size_t>(packet[i] - '0');
        if (slot >= acks_.size() || packet != acks_[slot])
            throw failure("not the ack: " + std::string(packet.substr(0, 80)));
        meter_.unit();
        if (settings_.rate > 0) {
            auto& due = waiting_[ws.index()];
            meter_.latency(now_ns() - due.front());
            due.pop_front();
            return;
        }
        meter_.latency(now_ns() - sent_at_[ws.index() * settings_.in_flight + slot]);
        say(ws, slot);
    }

    void turn() {
        if (waiting_.empty()) {
            loop_.turn(100);
            return;
        }
        auto const gap = static_cast<std::int64_t>(1e9 / settings_.rate);
        for (auto const now = now_ns(); due_ <= now; due_ += gap) {
            waiting_[turn_].push_back(due_);
            clients_[turn_]->send(frames_.front());
            turn_ = (turn_ + 1) % clients_.size();
        }
        loop_.turn_until(std::max<std::int64_t>(due_ - now_ns(), 0));
    }

    void say(websocket& ws, std::size_t slot) {
        sent_at_[ws.index() * settings_.in_flight + slot] = now_ns();
        ws.send(frames_[slot]);
    }

    settings const& settings_;
    meter meter_;
    loop loop_;
    std::vector<websocket*> clients_;
    std::size_t connected_ = 0;
    std::vector<std::string> frames_, acks_;
    std::vector<std::int64_t> sent_at_;
    std::vector<std::deque<std::int64_t>> waiting_; ///< when what is under way was due
    std::int64_t due_ = 0;                          ///< the next message
    std::size_t turn_ = 0;                          ///< whose it is
};

} // namespace

void run_echo(settings const& s, json_line& out) {
    echo(s).run(out);
}

} // namespace bench
