#ifndef MAD_TESTS_SUPPORT_WS_PEER_HPP
#define MAD_TESTS_SUPPORT_WS_PEER_HPP

#include <support/raw_client.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace mad_test {

/// One frame from the server. Control frames never come fragmented, and this server fragments
/// nothing.
struct ws_frame {
    int opcode = 0;
    std::string payload;
    bool compressed = false;

    bool is_close() const { return opcode == 8; }
    bool is_text(std::string_view text) const { return opcode == 1 && payload == text; }
};

/// A masked frame as a client sends it. The mask is fixed: tests want the same bytes every time.
inline std::string client_frame(int opcode, std::string_view payload, bool fin = true) {
    std::string out;
    out += static_cast<char>((fin ? 0x80 : 0) | opcode);
    if (payload.size() < 126) {
        out += static_cast<char>(0x80 | payload.size());
    } else {
        int const bytes = payload.size() < 65536 ? 2 : 8;
        out += static_cast<char>(0x80 | (bytes == 2 ? 126 : 127));
        for (int i = bytes - 1; i >= 0; --i)
            out += static_cast<char>(static_cast<std::uint64_t>(payload.size()) >> (8 * i));
    }
    constexpr unsigned char mask[4] = {0x37, 0xfa, 0x21, 0x3d};
    out.append(reinterpret_cast<char const*>(mask), 4);
    for (std::size_t i = 0; i < payload.size(); ++i)
        out += static_cast<char>(static_cast<unsigned char>(payload[i]) ^ mask[i % 4]);
    return out;
}

/// A websocket client that sends exactly what a test says.
class ws_peer {
  public:
    /// Opens a connection and asks for `target`; `fields` are more header lines.
    ws_peer(std::uint16_t port, std::string const& target, std::string const& fields = {},
            raw_client::wish const& w = {})
        : ws_peer(raw_client(port, w), target, fields) {}

    /// The same over a connection that is there.
    ws_peer(raw_client c, std::string const& target, std::string const& fields = {})
        : wire(std::move(c)) {
        wire.send(upgrade_request(target, fields));
    }

    static std::string upgrade_request(std::string const& target, std::string const& fields = {}) {
        return "GET " + target +
               " HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
               "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
               fields + "\r\n";
    }

    /// The answer to the upgrade; call it first.
    http_answer const& accepted() {
        if (!answer_) {
            answer_ = http_answer{};
            answer_->head = wire.take_until("\r\n\r\n");
            answer_->status = std::stoi(answer_->head.substr(9, 3));
            auto const length = answer_->header("content-length");
            if (answer_->status != 101 && !length.empty())
                answer_->body = wire.take(std::stoul(length));
        }
        return *answer_;
    }

    bool send(int opcode, std::string_view payload, bool fin = true) {
        return wire.send(client_frame(opcode, payload, fin));
    }
    /// A text that is compressed already.
    bool compressed(std::string_view t) { return send(0x41, t); }
    bool text(std::string_view t) { return send(1, t); }
    bool binary(std::string_view b) { return send(2, b); }
    bool bye() { return send(8, {}); }

    /// The next frame; nothing when the server has ended.
    std::optional<ws_frame> next() {
        accepted();
        while (frame_bytes(wire.unread()) == 0) {
            auto const before = wire.unread().size();
            wire.read_some();
            if (wire.unread().size() == before)
                return std::nullopt;
        }
        auto const raw = wire.take(frame_bytes(wire.unread()));
        auto const head = head_bytes(raw);
        return ws_frame{raw[0] & 0x0f, raw.substr(head), (raw[0] & 0x40) != 0};
    }

    /// Text of the next frame; throws when it is something else.
    std::string next_text() {
        auto const f = next();
        if (!f || f->opcode != 1)
            throw std::runtime_error(f ? "a frame of type " + std::to_string(f->opcode)
                                       : "the server has ended");
        return f->payload;
    }

    raw_client wire;

  private:
    static std::size_t head_bytes(std::string_view s) {
        if (s.size() < 2)
            return 0;
        auto const n = static_cast<unsigned char>(s[1]) & 0x7f;
        return n < 126 ? 2 : n == 126 ? 4 : 10;
    }

    /// Bytes of the frame at the front; 0 while it is not complete.
    static std::size_t frame_bytes(std::string_view s) {
        auto const head = head_bytes(s);
        if (head == 0 || s.size() < head)
            return 0;
        std::uint64_t n = static_cast<unsigned char>(s[1]) & 0x7f;
        if (head > 2) {
            n = 0;
            for (std::size_t i = 2; i < head; ++i)
                n = n << 8 | static_cast<unsigned char>(s[i]);
        }
        return s.size() >= head + n ? head + static_cast<std::size_t>(n) : 0;
    }

    std::optional<http_answer> answer_;
};

} // namespace mad_test

#endif
