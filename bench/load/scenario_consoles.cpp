#include "scenario.hpp"
#include "websocket.hpp"

#include <algorithm>

namespace bench {

namespace {

/// `connections` consoles of version 2 that look at a fleet: how long until each has its list, and
/// what it is sent from then on.
class consoles : public websocket_events {
  public:
    explicit consoles(settings const& s)
        : settings_(s)
        , meter_(s.how_long, s.servers)
        , ask_(client_frame(R"(42["web_connected",{"v":2}])"))
        , asked_at_(s.connections) {}

    void run(json_line& out) {
        for (std::size_t i = 0; i < std::min(max_handshakes, settings_.connections); ++i)
            dial();
        while (meter_.tick())
            loop_.turn(100);
        meter_.report(out, "delta");
        out.real("first_rows_p50_us", first_rows_.percentile_us(0.5), 0)
            .real("first_rows_max_us", first_rows_.max_us(), 0)
            .real("list_p50_us", lists_.percentile_us(0.5), 0)
            .real("list_max_us", lists_.max_us(), 0)
            .number("list_bytes", static_cast<std::int64_t>(list_bytes_ / settings_.connections))
            .number("delta_bytes", static_cast<std::int64_t>(delta_bytes_))
            .number("delta_rows", static_cast<std::int64_t>(delta_rows_));
    }

  private:
    void dial() {
        auto const at = dialled_ % (settings_.others.size() + 1);
        auto const& to = at == 0 ? settings_.to : settings_.others[at - 1];
        loop_.adopt(std::make_unique<websocket>(to, *this, dialled_++), to);
    }

    void on_connected(websocket& ws) override {
        if (dialled_ < settings_.connections)
            dial();
        asked_at_[ws.index()] = now_ns();
        ws.send(ask_);
    }

    void on_packet(websocket& ws, std::string_view packet) override {
        if (packet.starts_with(R"(42["fleet_delta",)")) {
            meter_.unit();
            if (meter_.started()) {
                delta_bytes_ += packet.size();
                delta_rows_ += rows_of(packet);
            }
        } else if (packet.starts_with(R"(42["fleet_snapshot",)")) {
            on_list(ws, packet);
        }
    }

    void on_list(websocket& ws, std::string_view packet) {
        auto& asked = asked_at_[ws.index()];
        auto const took = now_ns() - std::abs(asked);
        if (asked > 0) {
            first_rows_.add(took);
            asked = -asked;
        }
        list_bytes_ += packet.size();
        if (packet.find(R"("last":true)") == packet.npos)
            return;
        lists_.add(took);
        if (lists_.count() == settings_.connections)
            meter_.start();
    }

    /// Each row is an array of its own in the array of rows.
    static std::size_t rows_of(std::string_view packet) {
        std::size_t rows = 0;
        for (auto at = packet.find("[["); at != packet.npos; at = packet.find("],[", at + 1))
            ++rows;
        return rows;
    }

    settings const& settings_;
    meter meter_;
    loop loop_;
    std::string ask_;
    std::vector<std::int64_t> asked_at_; ///< negative: has its first rows
    histogram first_rows_, lists_;
    std::size_t dialled_ = 0;
    std::uint64_t list_bytes_ = 0, delta_bytes_ = 0, delta_rows_ = 0;
};

} // namespace

void run_consoles(settings const& s, json_line& out) {
    consoles(s).run(out);
}

} // namespace bench
