#include "http.hpp"
#include "scenario.hpp"

#include <algorithm>
#include <vector>

namespace bench {

namespace {

/// `connections` sessions over polling, opened a few at a time. What is measured begins when all of
/// them are there.
class polling_sessions : public http_events {
  public:
    polling_sessions(settings const& s, std::string message)
        : settings_(s)
        , meter_(s.how_long, s.servers)
        , message_(std::move(message))
        , sessions_(s.connections) {}

    void run(json_line& out, std::string_view unit) {
        for (std::size_t i = 0; i < std::min(max_handshakes, sessions_.size()); ++i)
            dial();
        while (meter_.tick())
            loop_.turn(100);
        meter_.report(out, unit);
    }

  protected:
    struct session {
        http_connection* polling = nullptr; ///< asks for the session, and may poll
        http_connection* posting = nullptr; ///< may be the same
        std::string poll;                   ///< the request, made once the sid is known
        std::string post;                   ///< with the message as its body
        std::string post_begin;             ///< the request line and headers up to Content-Length
        bool accepted = true;               ///< the last post is answered
        bool acknowledged = true;
        std::int64_t sent_at = 0;
    };

    /// Makes the connections of one session.
    virtual void dial_for(session&, std::size_t index) = 0;
    /// The sid is known, and CONNECT is on its way.
    virtual void opened(session&) = 0;
    virtual void posted(session&) = 0;
    virtual void polled(session&, std::string_view body) = 0;
    /// All are there.
    virtual void begin(session&) = 0;

    http_connection* add(std::size_t index) {
        auto made = std::make_unique<http_connection>(loop_, settings_.to, *this, index);
        auto* const stays = made.get();
        loop_.adopt(std::move(made), settings_.to);
        return stays;
    }

    static std::string with_body(std::string const& begin, std::string_view body) {
        return begin + std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
    }

    /// CONNECT of one more is done.
    void joined() {
        if (dialled_ < sessions_.size())
            dial();
        if (++joined_ < sessions_.size())
            return;
        meter_.start();
        for (auto& s : sessions_)
            begin(s);
    }

    void send_message(session& s) {
        s.accepted = s.acknowledged = false;
        s.sent_at = now_ns();
        s.posting->send(s.post);
    }

    void count(session const& s) {
        meter_.unit();
        meter_.latency(now_ns() - s.sent_at);
    }

    [[nodiscard]] bool started() const { return meter_.started(); }

  private:
    void dial() {
        auto const index = dialled_++;
        auto& s = sessions_[index];
        dial_for(s, index);
        s.polling->send("GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: " +
                        settings_.to.host + "\r\n\r\n");
    }

    void on_response(http_connection& from, std::string_view body) override {
        auto& s = sessions_[from.index()];
        if (s.poll.empty()) {
            open(s, body);
        } else if (&from == s.posting) {
            if (body != "ok")
                throw failure("a post was answered: " + std::string(body.substr(0, 80)));
            posted(s);
        } else {
            polled(s, body);
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
        opened(s);
    }

    settings const& settings_;
    meter meter_;
    loop loop_;
    std::string message_;
    std::vector<session> sessions_;
    std::size_t dialled_ = 0, joined_ = 0;
};

/// Two connections each: one always holds a poll, the other posts the next message when the last
/// one is both accepted and acknowledged.
class polling_echo final : public polling_sessions {
  public:
    explicit polling_echo(settings const& s)
        : polling_sessions(s, R"(420["echo",)" + argument(s) + "]")
        , ack_("430[" + argument(s) + "]") {}

  private:
    void dial_for(session& s, std::size_t index) override {
        s.polling = add(index);
        s.posting = add(index);
    }
    void opened(session& s) override { s.polling->send(s.poll); }
    void posted(session& s) override {
        s.accepted = true;
        next(s);
    }
    void polled(session& s, std::string_view body) override {
        while (!body.empty()) {
            auto const end = std::min(body.find('\x1e'), body.size());
            take_packet(s, body.substr(0, end));
            body.remove_prefix(std::min(end + 1, body.size()));
        }
        s.polling->send(s.poll);
        next(s);
    }
    void begin(session& s) override { next(s); }

    void take_packet(session& s, std::string_view packet) {
        if (packet == ack_ && !s.acknowledged) {
            s.acknowledged = true;
            count(s);
        } else if (packet.substr(0, 3) == "40{") {
            joined();
        } else if (packet == "2") {
            s.accepted = false;
            s.posting->send(with_body(s.post_begin, "3"));
        } else {
            throw failure("unexpected packet: " + std::string(packet.substr(0, 80)));
        }
    }

    void next(session& s) {
        if (started() && s.accepted && s.acknowledged)
            send_message(s);
    }

    std::string ack_;
};

/// One connection each, that posts one message after the other. Nobody polls and nothing answers
/// the messages: what is counted is requests.
class requests final : public polling_sessions {
  public:
    explicit requests(settings const& s)
        : polling_sessions(s, R"(42["nobody-listens",)" + argument(s) + "]") {}

  private:
    void dial_for(session& s, std::size_t index) override { s.polling = s.posting = add(index); }
    void opened(session&) override {}
    void posted(session& s) override {
        if (!started())
            return joined();
        count(s);
        send_message(s);
    }
    void polled(session&, std::string_view) override {}
    void begin(session& s) override { send_message(s); }
};

} // namespace

void run_polling_echo(settings const& s, json_line& out) {
    polling_echo(s).run(out, "ack");
}

void run_requests(settings const& s, json_line& out) {
    requests(s).run(out, "request");
}

} // namespace bench
