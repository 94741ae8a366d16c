#include "http.hpp"
#include "scenario.hpp"
#include "websocket.hpp"

#include <algorithm>
#include <charconv>
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
        , message_and_ping_(payload_of({message_, "2"}))
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
        pinger ping;                        ///< of revision 3
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
        if (is_old() && s.ping.is_due())
            s.posting->send(with_body(s.post_begin, message_and_ping_));
        else
            s.posting->send(s.post);
    }

    void count(session const& s) {
        meter_.unit();
        meter_.latency(now_ns() - s.sent_at);
    }

    [[nodiscard]] bool started() const { return meter_.started(); }
    /// Revision 3 of Engine.IO, on which the server connects `/` and the client pings.
    [[nodiscard]] bool is_old() const { return settings_.revision == 3; }

    /// The packets of a body, one after the other, to `take`.
    template <class Take>
    void each_packet(std::string_view body, Take take) const {
        while (!body.empty()) {
            auto const packet = is_old() ? counted(body) : body.substr(0, body.find('\x1e'));
            auto const begin = static_cast<std::size_t>(packet.data() - body.data());
            body.remove_prefix(std::min(begin + packet.size() + (is_old() ? 0 : 1), body.size()));
            take(packet);
        }
    }

  private:
    /// The first packet of `<length>:<packet>…`. Lengths count characters, which are bytes here:
    /// all that is said is ASCII.
    static std::string_view counted(std::string_view body) {
        std::size_t length = 0;
        auto const [colon, bad] = std::from_chars(body.data(), body.data() + body.size(), length);
        auto const begin = static_cast<std::size_t>(colon - body.data()) + 1;
        if (bad != std::errc{} || begin > body.size() || *colon != ':' ||
            length > body.size() - begin)
            throw failure("not a payload: " + std::string(body.substr(0, 80)));
        return body.substr(begin, length);
    }

    /// A body of these packets, as the revision wants it.
    std::string payload_of(std::initializer_list<std::string_view> packets) const {
        std::string made;
        for (auto const packet : packets) {
            if (is_old())
                made.append(std::to_string(packet.size())).append(":");
            else if (!made.empty())
                made += '\x1e';
            made += packet;
        }
        return made;
    }

    void dial() {
        auto const index = dialled_++;
        auto& s = sessions_[index];
        dial_for(s, index);
        s.polling->send("GET " + path() + " HTTP/1.1\r\nHost: " + settings_.to.host + "\r\n\r\n");
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

    std::string path() const {
        return "/socket.io/?EIO=" + std::to_string(settings_.revision) + "&transport=polling";
    }

    void open(session& s, std::string_view body) {
        if (is_old()) {
            auto const whole = body.size();
            body = counted(body);
            if (body.size() + std::to_string(body.size()).size() + 1 != whole)
                throw failure("more than an open packet"); // as socket.io 2 answers
        }
        constexpr std::string_view field = R"("sid":")";
        auto const at = body.find(field);
        if (body.substr(0, 2) != "0{" || at == std::string_view::npos)
            throw failure("not an open packet: " + std::string(body.substr(0, 80)));
        auto const begin = at + field.size();
        auto const path_of_it =
            path() + "&sid=" + std::string(body.substr(begin, body.find('"', begin) - begin));
        auto const host = " HTTP/1.1\r\nHost: " + settings_.to.host + "\r\n";
        s.poll = "GET " + path_of_it + host + "\r\n";
        s.post_begin = "POST " + path_of_it + host +
                       "Content-Type: text/plain;charset=UTF-8\r\nContent-Length: ";
        s.post = with_body(s.post_begin, payload_of({message_}));
        if (is_old()) {
            s.ping.start(body);
        } else {
            s.accepted = false;
            s.posting->send(with_body(s.post_begin, "40"));
        }
        opened(s);
    }

    settings const& settings_;
    meter meter_;
    loop loop_;
    std::string message_, message_and_ping_;
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
        each_packet(body, [&](std::string_view packet) { take_packet(s, packet); });
        s.polling->send(s.poll);
        next(s);
    }
    void begin(session& s) override { next(s); }

    void take_packet(session& s, std::string_view packet) {
        if (packet == ack_ && !s.acknowledged) {
            s.acknowledged = true;
            count(s);
        } else if (is_old() ? packet == "40" : packet.substr(0, 3) == "40{") {
            joined();
        } else if (packet == "2" && !is_old()) {
            s.accepted = false;
            s.posting->send(with_body(s.post_begin, "3"));
        } else if (packet != "3" || !is_old()) {
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
