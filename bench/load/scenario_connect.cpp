#include "scenario.hpp"
#include "websocket.hpp"

#include <vector>

namespace bench {

namespace {

/// `connections` clients at a time: connect, echo `echoes` messages, leave with a close frame, and
/// the next one comes.
class connect : public websocket_events {
  public:
    explicit connect(settings const& s)
        : settings_(s)
        , meter_(s.how_long, s.servers)
        , frame_(client_frame(R"(420["echo",)" + argument(s) + "]"))
        , ack_("430[" + argument(s) + "]")
        , dialled_at_(s.connections)
        , to_echo_(s.connections) {}

    void run(json_line& out) {
        auto const before = rss_bytes(settings_.server());
        meter_.start();
        for (std::size_t i = 0; i < settings_.connections; ++i)
            dial(i);
        while (meter_.tick())
            loop_.turn(100);
        meter_.report(out, "handshake");
        if (settings_.server() > 0) {
            out.number("rss_before", before).number("rss_after", rss_bytes(settings_.server()));
        }
    }

  private:
    void dial(std::size_t index) {
        dialled_at_[index] = now_ns();
        to_echo_[index] = settings_.echoes;
        loop_.adopt(std::make_unique<websocket>(settings_.to, *this, index), settings_.to);
    }

    void on_connected(websocket& ws) override {
        meter_.unit();
        meter_.latency(now_ns() - dialled_at_[ws.index()]);
        next(ws);
    }

    void on_packet(websocket& ws, std::string_view packet) override {
        if (packet != ack_)
            throw failure("not the ack: " + std::string(packet.substr(0, 80)));
        next(ws);
    }

    void next(websocket& ws) {
        if (to_echo_[ws.index()] > 0) {
            --to_echo_[ws.index()];
            ws.send(frame_);
            return;
        }
        auto const index = ws.index();
        ws.send_close();
        loop_.close(ws);
        dial(index);
    }

    settings const& settings_;
    meter meter_;
    loop loop_;
    std::string frame_, ack_;
    std::vector<std::int64_t> dialled_at_;
    std::vector<std::size_t> to_echo_;
};

} // namespace

void run_connect(settings const& s, json_line& out) {
    connect(s).run(out);
}

} // namespace bench
