#include "scenario.hpp"
#include "websocket.hpp"

#include <algorithm>
#include <deque>
#include <vector>

namespace bench {

namespace {

/// `connections` clients stay and echo in turn at `rate` in all; beside them `churn` others at a
/// time connect, echo once and leave, one half with a close frame, the other with a reset. Units
/// are those who came; latencies are of those who stay, from when a message was due.
class churn : public websocket_events {
  public:
    explicit churn(settings const& s)
        : settings_(s)
        , meter_(s.how_long, s.servers)
        , frame_(client_frame(R"(420["echo",)" + argument(s) + "]"))
        , ack_("430[" + argument(s) + "]")
        , waiting_(s.connections) {
        if (s.rate <= 0 || s.churn == 0)
            throw failure("churn needs --rate and --churn");
    }

    void run(json_line& out) {
        for (std::size_t i = 0; i < std::min(max_handshakes, settings_.connections); ++i)
            dial_one_who_stays();
        while (staying_ < settings_.connections)
            loop_.turn(100);
        auto const before = rss_bytes(settings_.server());
        for (std::size_t i = 0; i < settings_.churn; ++i)
            dial(settings_.connections + i);
        meter_.start();
        due_ = now_ns();
        while (meter_.tick())
            turn();
        meter_.report(out, "handshake");
        out.number("left", static_cast<std::int64_t>(left_));
        if (settings_.server() > 0)
            out.number("rss_before", before).number("rss_after", rss_bytes(settings_.server()));
    }

  private:
    [[nodiscard]] bool stays(websocket const& ws) const {
        return ws.index() < settings_.connections;
    }

    websocket* dial(std::size_t index) {
        auto client = std::make_unique<websocket>(settings_.to, *this, index);
        auto* const made = client.get();
        loop_.adopt(std::move(client), settings_.to);
        return made;
    }

    void dial_one_who_stays() { clients_.push_back(dial(clients_.size())); }

    void on_connected(websocket& ws) override {
        if (!stays(ws)) {
            ws.send(frame_);
            return;
        }
        ++staying_;
        if (clients_.size() < settings_.connections)
            dial_one_who_stays();
    }

    void on_packet(websocket& ws, std::string_view packet) override {
        if (packet != ack_)
            throw failure("not the ack: " + std::string(packet.substr(0, 80)));
        if (stays(ws)) {
            auto& due = waiting_[ws.index()];
            meter_.latency(now_ns() - due.front());
            due.pop_front();
            return;
        }
        meter_.unit();
        auto const index = ws.index();
        if (++left_ % 2 == 0) {
            ws.send_close();
            loop_.close(ws);
        } else {
            loop_.reset(ws);
        }
        dial(index);
    }

    void turn() {
        auto const gap = static_cast<std::int64_t>(1e9 / settings_.rate);
        for (auto const now = now_ns(); due_ <= now; due_ += gap) {
            waiting_[turn_].push_back(due_);
            clients_[turn_]->send(frame_);
            turn_ = (turn_ + 1) % clients_.size();
        }
        loop_.turn_until(std::max<std::int64_t>(due_ - now_ns(), 0));
    }

    settings const& settings_;
    meter meter_;
    loop loop_;
    std::string frame_, ack_;
    std::vector<websocket*> clients_; ///< who stay
    std::size_t staying_ = 0;         ///< of them connected
    std::uint64_t left_ = 0;
    std::vector<std::deque<std::int64_t>> waiting_; ///< when what is under way was due
    std::int64_t due_ = 0;                          ///< the next message
    std::size_t turn_ = 0;                          ///< whose it is
};

} // namespace

void run_churn(settings const& s, json_line& out) {
    churn(s).run(out);
}

} // namespace bench
