#include "http.hpp"
#include "scenario.hpp"

#include <algorithm>
#include <vector>

namespace bench {

namespace {

/// `connections` sessions over polling, two connections each: one always holds a poll, the other
/// posts the next message when the last one is both accepted and acknowledged.
class polling_echo : public http_events {
  public:
    explicit polling_echo(settings const& s)
        : settings_(s)
        , meter_(s.how_long, s.servers)
        , message_(R"(420["echo",)" + argument(s) + "]")
        , ack_("430[" + argument(s) + "]")
        , sessions_(s.connections) {}

    void run(json_line& out) {
        for (std::size_t i = 0; i < std::min(max_handshakes, sessions_.size()); ++i)
            dial();
        while (meter_.tick())
            loop_.turn(100);
        meter_.report(out, "ack");
    }

  private:
    struct session {
        http_connection* polling = nullptr;
        http_connection* posting = nullptr;
        std::string poll;       ///< the request, made once the sid is known
        std::string post;       ///< with the message as its body
        std::string post_begin; ///< the request line and headers up to Content-Length
        bool accepted = true;   ///< the last post is answered
        bool acknowledged = true;
        std::int64_t sent_at = 0;
    };

    void dial() {
        auto const index = dialled_++;
        auto& s = sessions_[index];
        s.polling = add(index);
        s.posting = add(index);
        s.polling->send("GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: " +
                        settings_.to.host + "\r\n\r\n");
    }

    http_connection* add(std::size_t index) {
        auto made = std::make_unique<http_connection>(loop_, settings_.to, *this, index);
        auto* const stays = made.get();
        loop_.adopt(std::move(made), settings_.to);
        return stays;
    }

    static std::string with_body(std::string const& begin, std::string_view body) {
        return begin + std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
    }

    void on_response(http_connection& from, std::string_view body) override {
        auto& s = sessions_[from.index()];
        if (s.poll.empty()) {
            open(s, body);
        } else if (&from == s.posting) {
            if (body != "ok")
                throw failure("a post was answered: " + std::string(body.substr(0, 80)));
            s.accepted = true;
            next(s);
        } else {
            while (!body.empty()) {
                auto const end = std::min(body.find('\x1e'), body.size());
                take_packet(s, body.substr(0, end));
                body.remove_prefix(std::min(end + 1, body.size()));
            }
            s.polling->send(s.poll);
            next(s);
        }
    }

    void open(session& s, std::string_view body) {
        constexpr std::string_view field = R"("sid":")";
        auto const at = body.find(field);
        if (body.substr(0, 2) != "0{" || at == std::string_view::npos)
            throw failure("not an open packet: " + std::string(body.substr(0, 80)));
        auto const begin = at + field.size();
        auto const path = "/socket.io/?EIO=4&transport=polling&sid=" +
                          std::string(body.substr(begin, body.find('"', begin) - begin));
        auto const host = " HTTP/1.1\r\nHost: " + settings_.to.host + "\r\n";
        s.poll = "GET " + path + host + "\r\n";
        s.post_begin =
            "POST " + path + host + "Content-Type: text/plain;charset=UTF-8\r\nContent-Length: ";
        s.post = with_body(s.post_begin, message_);
        s.accepted = false;
        s.posting->send(with_body(s.post_begin, "40"));
        s.polling->send(s.poll);
    }

    void take_packet(session& s, std::string_view packet) {
        if (packet == ack_ && !s.acknowledged) {
            s.acknowledged = true;
            meter_.unit();
            meter_.latency(now_ns() - s.sent_at);
        } else if (packet.substr(0, 3) == "40{") {
            if (dialled_ < sessions_.size())
                dial();
            if (++connected_ == sessions_.size())
                begin();
        } else if (packet == "2") {
            s.accepted = false;
            s.posting->send(with_body(s.post_begin, "3"));
        } else {
            throw failure("unexpected packet: " + std::string(packet.substr(0, 80)));
        }
    }

    void begin() {
        meter_.start();
        for (auto& s : sessions_)
            next(s);
    }

    void next(session& s) {
        if (!meter_.started() || !s.accepted || !s.acknowledged)
            return;
        s.accepted = s.acknowledged = false;
        s.sent_at = now_ns();
        s.posting->send(s.post);
    }

    settings const& settings_;
    meter meter_;
    loop loop_;
    std::string message_, ack_;
    std::vector<session> sessions_;
    std::size_t dialled_ = 0, connected_ = 0;
};

} // namespace

void run_polling_echo(settings const& s, json_line& out) {
    polling_echo(s).run(out);
}

} // namespace bench
