#include "scenario.hpp"
#include "websocket.hpp"

namespace bench {

namespace {

/// Opens `connections` clients that say nothing, and reads what the server's memory grew by.
class idle : public websocket_events {
  public:
    explicit idle(settings const& s)
        : settings_(s) {}

    void run(json_line& out) {
        if (settings_.server() <= 0)
            throw failure("idle needs --pid");
        // The first client makes the server load what it loads once.
        wanted_ = 1;
        open();
        wait(0.5);
        auto const before = resident();
        auto const began = now_ns();
        wanted_ = 1 + settings_.connections;
        open();
        auto const opened = now_ns();
        wait(settings_.settle);
        auto const after = resident();
        auto const grown = static_cast<double>(after - before);
        out.text("unit", "connection")
            .number("units", static_cast<std::int64_t>(settings_.connections))
            .real("seconds", static_cast<double>(opened - began) / 1e9, 3)
            .number("rss_before", before)
            .number("rss_after", after)
            .real("bytes_per_connection", grown / static_cast<double>(settings_.connections), 1);
    }

  private:
    /// Of all processes of the server in sum.
    std::int64_t resident() const {
        std::int64_t sum = 0;
        for (auto const pid : settings_.servers) {
            auto const one = rss_bytes(pid);
            if (one < 0)
                throw failure("no such process: " + std::to_string(pid));
            sum += one;
        }
        return sum;
    }

    void open() {
        while (connected_ < wanted_) {
            while (dialled_ < wanted_ && dialled_ - connected_ < max_handshakes) {
                loop_.adopt(std::make_unique<websocket>(settings_.to, *this, dialled_++),
                            settings_.to);
            }
            loop_.turn(100);
        }
    }

    void wait(double seconds) {
        auto const until = now_ns() + static_cast<std::int64_t>(seconds * 1e9);
        while (now_ns() < until)
            loop_.turn(50);
    }

    void on_connected(websocket&) override { ++connected_; }

    void on_packet(websocket&, std::string_view packet) override {
        throw failure("unasked for: " + std::string(packet.substr(0, 80)));
    }

    settings const& settings_;
    loop loop_;
    std::size_t wanted_ = 0, dialled_ = 0, connected_ = 0;
};

} // namespace

void run_idle(settings const& s, json_line& out) {
    idle(s).run(out);
}

} // namespace bench
