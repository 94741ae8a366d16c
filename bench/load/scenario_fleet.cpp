#include "scenario.hpp"
#include "websocket.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <vector>

namespace bench {

namespace {

/// The health of an ordinary host, as agents send it.
constexpr std::string_view health =
    R"({"storage":26.3,"network":2.642,"cpu":{"pct":41.2,"user":28.9,"sys":10.3,"iowait":1.2,)"
    R"("steal":0,"cores":[47,47]},"load":[0.86,0.81,0.76],"mem":{"total":8589934592,)"
    R"("avail":5221781504,"pct":39.2,"swap_total":2147483648,"swap_used":0},"psi":{"cpu":[0],)"
    R"("mem":[0,0],"io":[1,0.3]},"disk":[{"m":"/","fs":"ext4","size":68719476736,)"
    R"("avail":50650857992,"pct":26.3,"ipct":4.4,"ro":false}],"io":{"rd":5284,"wr":13209,)"
    R"("rops":3,"wops":8,"util":5.2,"queue":0.1,"r_await_ms":0.4,"w_await_ms":0.9},)"
    R"("net":{"rx":231163,"tx":99070,"err":0,"drop":0,"ifs":[{"n":"eth0","rx":231163,)"
    R"("tx":99070,"speed":10000}]},"up":664236,"procs":{"run":1,"total":221,"blocked":0},)"
    R"("agent":{"cpu":0.02,"rss":2500000},"err":[]})";

/// `connections` agents send samples in turn, at `rate` in all and at even times; `consoles` old
/// pages are sent one event for each. Units are events that came; latencies are of samples that
/// were due while measuring, from when they were due until a page had them. What a page has not
/// got two seconds after the end counts as that late, and is told as `missing`.
class fleet : public websocket_events {
  public:
    explicit fleet(settings const& s)
        : settings_(s)
        , meter_(s.how_long, s.servers)
        , due_of_(s.connections) {
        if (s.rate <= 0 || s.consoles == 0)
            throw failure("fleet needs --rate and --consoles");
    }

    void run(json_line& out) {
        open(settings_.consoles);
        for (auto* const page : clients_)
            page->send(client_frame(R"(42["web_connected"])"));
        open(settings_.consoles + settings_.connections);
        for (std::size_t agent = 0; agent < settings_.connections; ++agent)
            send(agent, "client_connected", now_ns());
        wait(0.3); // every page has seen every agent come
        counts_from_ = now_ns() + static_cast<std::int64_t>(settings_.how_long.warmup * 1e9);
        auto due = now_ns();
        auto const gap = static_cast<std::int64_t>(1e9 / settings_.rate);
        std::size_t turn = 0;
        meter_.start();
        while (meter_.tick()) {
            for (auto const now = now_ns(); due <= now; due += gap) {
                send(turn, "client_healthcheck", due);
                turn = (turn + 1) % settings_.connections;
            }
            loop_.turn_until(std::max<std::int64_t>(due - now_ns(), 0));
        }
        auto const asked = due_while_measuring_ * settings_.consoles;
        auto const end = now_ns() + patience_ns;
        while (delays_.count() < asked && now_ns() < end)
            loop_.turn(20);
        report(out, asked);
    }

  private:
    static constexpr std::int64_t patience_ns = 2'000'000'000;
    /// Behind it the agent and the number of its sample.
    static constexpr std::string_view sent_mark = R"(,"sent":")";

    void report(json_line& out, std::uint64_t asked) {
        auto const missing = asked - std::min(asked, delays_.count());
        for (std::uint64_t i = 0; i < missing; ++i)
            delays_.add(patience_ns);
        meter_.report(out, "event");
        out.number("missing", static_cast<std::int64_t>(missing))
            .real("p50_us", delays_.percentile_us(0.50), 1)
            .real("p99_us", delays_.percentile_us(0.99), 1)
            .real("max_us", delays_.max_us(), 1);
    }

    void open(std::size_t wanted) {
        while (connected_ < wanted) {
            while (clients_.size() < wanted && clients_.size() - connected_ < max_handshakes) {
                auto client = std::make_unique<websocket>(settings_.to, *this, clients_.size());
                clients_.push_back(client.get());
                loop_.adopt(std::move(client), settings_.to);
            }
            loop_.turn(100);
        }
    }

    void wait(double seconds) {
        auto const until = now_ns() + static_cast<std::int64_t>(seconds * 1e9);
        while (now_ns() < until)
            loop_.turn(50);
    }

    void send(std::size_t agent, std::string_view event, std::int64_t due) {
        auto& sent = due_of_[agent];
        text_ = "42[\"";
        text_.append(event).append(R"(",{"id":"bench-)").append(std::to_string(agent));
        text_.append(R"(","health":)").append(health).append(sent_mark);
        text_.append(std::to_string(agent)).append(1, '.');
        text_.append(std::to_string(sent.size())).append("\"}]");
        sent.push_back(due);
        due_while_measuring_ += counts(due) ? 1 : 0;
        clients_[settings_.consoles + agent]->send(client_frame(text_));
    }

    [[nodiscard]] bool counts(std::int64_t due) const {
        return counts_from_ > 0 && due >= counts_from_;
    }

    void on_connected(websocket&) override { ++connected_; }

    void on_packet(websocket& ws, std::string_view packet) override {
        if (ws.index() >= settings_.consoles)
            return; // a server that tells agents too
        if (!packet.starts_with(R"(42["web_client_update",)"))
            return;
        // Servers may write the members in another order.
        auto const mark = sent_mark.substr(1);
        auto const* const at = static_cast<char const*>(
            ::memmem(packet.data(), packet.size(), mark.data(), mark.size()));
        char const* const end = packet.data() + packet.size();
        std::size_t agent = 0, n = 0;
        if (at == nullptr || !number(at + mark.size(), end, agent, n) || agent >= due_of_.size() ||
            n >= due_of_[agent].size())
            throw failure("nobody sent this: " + std::string(packet.substr(0, 80)));
        meter_.unit();
        if (auto const due = due_of_[agent][n]; counts(due))
            delays_.add(now_ns() - due);
    }

    /// Reads `17.3`.
    static bool number(char const* at, char const* end, std::size_t& agent, std::size_t& n) {
        auto const first = std::from_chars(at, end, agent);
        return first.ec == std::errc() && first.ptr != end && *first.ptr == '.' &&
               std::from_chars(first.ptr + 1, end, n).ec == std::errc();
    }

    settings const& settings_;
    meter meter_;
    loop loop_;
    std::vector<websocket*> clients_; ///< consoles, then agents
    std::size_t connected_ = 0;
    std::vector<std::vector<std::int64_t>> due_of_; ///< of each agent's samples, by number
    std::int64_t counts_from_ = 0;
    std::uint64_t due_while_measuring_ = 0;
    histogram delays_;
    std::string text_;
};

} // namespace

void run_fleet(settings const& s, json_line& out) {
    fleet(s).run(out);
}

} // namespace bench
