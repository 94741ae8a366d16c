#ifndef MAD_TESTS_SUPPORT_ENGINE_PEER_HPP
#define MAD_TESTS_SUPPORT_ENGINE_PEER_HPP

#include <support/ws_peer.hpp>

#include <deque>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace mad_test {

/// One packet of the server: `4hello`, or bytes.
struct engine_packet {
    std::string text;
    bool binary = false;

    friend bool operator==(engine_packet const&, engine_packet const&) = default;
};

inline std::string sid_in(std::string_view open_packet) {
    auto const at = open_packet.find("\"sid\":\"");
    if (at == open_packet.npos)
        throw std::runtime_error("no sid in [" + std::string(open_packet) + "]");
    return std::string(open_packet.substr(at + 7, 20));
}

inline std::string base64_of(std::string_view bytes) {
    constexpr char const* digits =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string out;
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
        unsigned n = 0;
        for (std::size_t k = 0; k < 3; ++k)
            n = n << 8 | (i + k < bytes.size() ? static_cast<unsigned char>(bytes[i + k]) : 0u);
        for (std::size_t k = 0; k < 4; ++k)
            out += i + k > bytes.size() ? '=' : digits[n >> (18 - 6 * k) & 63];
    }
    return out;
}

inline std::string bytes_of(std::string_view base64) {
    std::string out;
    unsigned n = 0, bits = 0;
    for (char const c : base64) {
        if (c == '=')
            break;
        auto const v = c >= 'A' && c <= 'Z'   ? c - 'A'
                       : c >= 'a' && c <= 'z' ? c - 'a' + 26
                       : c >= '0' && c <= '9' ? c - '0' + 52
                       : c == '+'             ? 62
                                              : 63;
        n = n << 6 | static_cast<unsigned>(v);
        if ((bits += 6) >= 8)
            out += static_cast<char>(n >> (bits -= 8) & 0xff);
    }
    return out;
}

/// A polling session, request by request.
class polling_peer {
  public:
    /// Only remembers where to go; `open` begins a session.
    explicit polling_peer(std::uint16_t p, std::string path_ = "/engine.io/")
        : port(p)
        , path(std::move(path_)) {}

    /// The handshake over the connection for GETs.
    http_answer open(std::string const& more_query = {}, std::string const& fields = {}) {
        auto a =
            get_wire().ask(request("GET", eio + "&transport=polling" + extra + more_query, fields));
        if (a.status == 200)
            sid = sid_in(a.body);
        return a;
    }

    std::string query() const { return eio + "&transport=polling" + extra + "&sid=" + sid; }

    std::string request(std::string const& method, std::string const& q,
                        std::string const& fields = {}) const {
        return method + " " + path + "?" + q + " HTTP/1.1\r\nHost: 127.0.0.1\r\n" + fields + "\r\n";
    }

    std::string post_request(std::string_view body, std::string const& fields = {}) const {
        return request("POST", query(),
                       "Content-Length: " + std::to_string(body.size()) + "\r\n" + fields) +
               std::string(body);
    }

    /// A GET and its answer.
    http_answer get() {
        begin_get();
        return get_wire().answer();
    }
    /// A GET whose answer is taken later, by `get_wire().answer()`.
    void begin_get() { get_wire().send(request("GET", query())); }

    http_answer post(std::string_view body, std::string const& fields = {}) {
        return post_wire().ask(post_request(body, fields));
    }

    raw_client& get_wire() {
        if (!get_)
            get_ = std::make_unique<raw_client>(port);
        return *get_;
    }
    raw_client& post_wire() {
        if (!post_)
            post_ = std::make_unique<raw_client>(port);
        return *post_;
    }
    void set_get_wire(raw_client c) { get_ = std::make_unique<raw_client>(std::move(c)); }
    void set_post_wire(raw_client c) { post_ = std::make_unique<raw_client>(std::move(c)); }
    void drop_wires() {
        get_.reset();
        post_.reset();
    }

    std::uint16_t port;
    std::string path, sid;
    std::string eio = "EIO=4";
    std::string extra; // more parameters of every request, `&` in front

  private:
    std::unique_ptr<raw_client> get_, post_;
};

enum class wire { websocket, polling };

inline char const* name_of(wire w) {
    return w == wire::websocket ? "websocket" : "polling";
}

/// An Engine.IO client on either wire, for tests that do not care which. Answers pings by itself.
class engine_peer {
  public:
    engine_peer(wire w, std::uint16_t port, std::string const& path = "/engine.io/",
                std::string const& fields = {}) {
        if (w == wire::websocket) {
            ws_ = std::make_unique<ws_peer>(port, path + "?EIO=4&transport=websocket", fields);
            open_packet = ws_->accepted().status == 101 ? ws_->next_text() : ws_->accepted().body;
            status = ws_->accepted().status;
        } else {
            poll_ = std::make_unique<polling_peer>(port, path);
            auto const a = poll_->open({}, fields);
            open_packet = a.body;
            status = a.status;
        }
    }

    std::string sid() const { return sid_in(open_packet); }

    /// Sends one packet: `4hello`.
    void send(std::string_view packet) {
        if (ws_)
            ws_->text(packet);
        else
            poll_->post(packet);
    }
    void send_binary(std::string_view bytes) {
        if (ws_)
            ws_->binary(bytes);
        else
            poll_->post("b" + base64_of(bytes));
    }

    /// The next packet but pings and noops; nothing when the session is over: a close frame or
    /// packet, an answer that is an error, or the end of the connection.
    std::optional<engine_packet> next() {
        for (;;) {
            auto p = ws_ ? next_frame() : next_polled();
            if (!p)
                over_ = true;
            if (!p || p->binary || (p->text != "2" && p->text != "6"))
                return p;
            if (p->text == "2" && answers_pings)
                send("3");
        }
    }

    /// Text of the next packet; empty at the end.
    std::string next_text() {
        auto const p = next();
        return p && !p->binary ? p->text : std::string();
    }

    /// Reads over all that comes until the session is over.
    bool ends() {
        while (next()) {
        }
        return true;
    }

    /// Goes away without a word.
    void vanish() {
        if (ws_)
            ws_->wire.reset();
        else
            poll_->drop_wires();
    }

    ws_peer& ws() { return *ws_; }
    polling_peer& poll() { return *poll_; }
    bool on_websocket() const { return ws_ != nullptr; }

    std::string open_packet;
    int status = 0;
    bool answers_pings = true;

  private:
    std::optional<engine_packet> next_frame() {
        auto const f = over_ ? std::nullopt : ws_->next();
        if (!f || f->is_close()) {
            if (f)
                ws_->bye();
            return std::nullopt;
        }
        return engine_packet{f->payload, f->opcode == 2};
    }

    std::optional<engine_packet> next_polled() {
        while (waiting_.empty()) {
            if (over_)
                return std::nullopt;
            http_answer a;
            try {
                a = poll_->get();
            } catch (std::runtime_error const&) {
                return std::nullopt; // the connection was ended
            }
            if (a.status != 200)
                return std::nullopt;
            split(a.body);
        }
        auto p = waiting_.front();
        waiting_.pop_front();
        if (!p.binary && p.text == "1")
            return std::nullopt;
        return p;
    }

    void split(std::string_view body) {
        for (;;) {
            auto const end = body.find('\x1e');
            auto const p = body.substr(0, end);
            if (p.starts_with('b'))
                waiting_.push_back({bytes_of(p.substr(1)), true});
            else
                waiting_.push_back({std::string(p), false});
            if (end == body.npos)
                return;
            body.remove_prefix(end + 1);
        }
    }

    std::unique_ptr<ws_peer> ws_;
    std::unique_ptr<polling_peer> poll_;
    std::deque<engine_packet> waiting_;
    bool over_ = false;
};

} // namespace mad_test

#endif
