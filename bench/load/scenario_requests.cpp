#include "http.hpp"
#include "scenario.hpp"

#include <algorithm>
#include <vector>

namespace bench {

namespace {

/// `connections` polling sessions, one connection each, that post one message after the other.
/// Nobody polls and nothing answers the messages: what is counted is requests.
class requests : public http_events {
  public:
    explicit requests(settings const& s)
        : settings_(s)
        , meter_(s.how_long, s.servers)
        , message_(R"(42["nobody-listens",)" + argument(s) + "]")
        , sessions_(s.connections) {}

    void run(json_line& out) {
        for (std::size_t i = 0; i < std::min(max_handshakes, sessions_.size()); ++i)
            dial();
        while (meter_.tick())
            loop_.turn(100);
        meter_.report(out, "request");
    }

  private:
    struct session {
        http_connection* posting = nullptr;
        std::string post; ///< the request with its body, made once the sid is known
        std::int64_t sent_at = 0;
    };

    void dial() {
        auto const index = dialled_++;
        auto made = std::make_unique<http_connection>(loop_, settings_.to, *this, index);
        sessions_[index].posting = made.get();
        loop_.adopt(std::move(made), settings_.to);
        sessions_[index].posting->send(
            "GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: " + settings_.to.host +
            "\r\n\r\n");
    }

    void on_response(http_connection& from, std::string_view body) override {
        auto& s = sessions_[from.index()];
        if (s.post.empty()) {
            s.post = post(sid_in(body), "40");
            s.posting->send(s.post);
            return;
        }
        if (body != "ok")
            throw failure("a post was answered: " + std::string(body.substr(0, 80)));
        if (!is_open_) {
            opened();
            return;
        }
        meter_.unit();
        meter_.latency(now_ns() - s.sent_at);
        say(s);
    }

    void opened() {
        if (dialled_ < sessions_.size())
            dial();
        if (++joined_ < sessions_.size())
            return;
        is_open_ = true;
        meter_.start();
        for (auto& s : sessions_) {
            auto const begin = s.post.find("sid=") + 4;
            s.post = post(s.post.substr(begin, s.post.find(' ', begin) - begin), message_);
            say(s);
        }
    }

    void say(session& s) {
        s.sent_at = now_ns();
        s.posting->send(s.post);
    }

    static std::string sid_in(std::string_view body) {
        constexpr std::string_view field = R"("sid":")";
        auto const at = body.find(field);
        if (body.substr(0, 2) != "0{" || at == std::string_view::npos)
            throw failure("not an open packet: " + std::string(body.substr(0, 80)));
        auto const begin = at + field.size();
        return std::string(body.substr(begin, body.find('"', begin) - begin));
    }

    [[nodiscard]] std::string post(std::string const& sid, std::string const& body) const {
        return "POST /socket.io/?EIO=4&transport=polling&sid=" + sid +
               " HTTP/1.1\r\nHost: " + settings_.to.host +
               "\r\nContent-Type: text/plain;charset=UTF-8\r\nContent-Length: " +
               std::to_string(body.size()) + "\r\n\r\n" + body;
    }

    settings const& settings_;
    meter meter_;
    loop loop_;
    std::string message_;
    std::vector<session> sessions_;
    std::size_t dialled_ = 0, joined_ = 0;
    bool is_open_ = false;
};

} // namespace

void run_requests(settings const& s, json_line& out) {
    requests(s).run(out);
}

} // namespace bench
