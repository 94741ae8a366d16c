#include "websocket.hpp"

#include "metrics.hpp"

#include <array>
#include <charconv>

namespace bench {

namespace {

enum opcode : unsigned char { text = 1, close = 8, ping = 9, pong = 10 };

// Any key will do; a fixed one lets frames be made once. It is not zero, so servers must unmask.
constexpr std::array<unsigned char, 4> mask{0x37, 0xfa, 0x21, 0x3d};

void append_big_endian(std::string& out, std::uint64_t value, int bytes) {
    for (int i = bytes - 1; i >= 0; --i)
        out += static_cast<char>(value >> (8 * i));
}

std::string frame(opcode code, std::string_view payload) {
    std::string out(1, static_cast<char>(0x80 | code));
    if (payload.size() < 126) {
        out += static_cast<char>(0x80 | payload.size());
    } else if (payload.size() < 65'536) {
        out += static_cast<char>(0x80 | 126);
        append_big_endian(out, payload.size(), 2);
    } else {
        out += static_cast<char>(0x80 | 127);
        append_big_endian(out, payload.size(), 8);
    }
    out.append(mask.begin(), mask.end());
    for (std::size_t i = 0; i < payload.size(); ++i)
        out += static_cast<char>(static_cast<unsigned char>(payload[i]) ^ mask[i % mask.size()]);
    return out;
}

std::string const connect_frame = frame(opcode::text, "40");
std::string const engine_ping_frame = frame(opcode::text, "2");
std::string const engine_pong_frame = frame(opcode::text, "3");
std::string const close_frame = frame(opcode::close, "\x03\xe8");

} // namespace

std::string client_frame(std::string_view payload) {
    return frame(opcode::text, payload);
}

void pinger::start(std::string_view open_packet) {
    constexpr std::string_view field = R"("pingInterval":)";
    auto const at = open_packet.find(field);
    auto const* const end = open_packet.data() + open_packet.size();
    std::int64_t interval_ms = 0;
    if (at == std::string_view::npos ||
        std::from_chars(open_packet.data() + at + field.size(), end, interval_ms).ec !=
            std::errc{} ||
        interval_ms <= 0)
        throw failure("no pingInterval: " + std::string(open_packet.substr(0, 80)));
    interval_ns_ = interval_ms * 1'000'000;
    due_ = now_ns() + interval_ns_;
}

bool pinger::is_due() {
    auto const now = now_ns();
    if (now < due_)
        return false;
    due_ = now + interval_ns_;
    return true;
}

void websocket_events::on_closed(websocket& ws) {
    throw failure("the server closed connection " + std::to_string(ws.index()));
}

void websocket::send_close() {
    send(close_frame);
}

void websocket::on_dialled() {
    // The key is the example of RFC 6455, so a server without a digest can know the answer too.
    send("GET /socket.io/?EIO=" + std::to_string(revision_) +
         "&transport=websocket HTTP/1.1\r\nHost: " + to_.host +
         "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
         "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
}

std::size_t websocket::take_response(std::string_view bytes) {
    auto const end = bytes.find("\r\n\r\n");
    if (end == std::string_view::npos)
        return 0;
    if (bytes.substr(0, 12) != "HTTP/1.1 101")
        throw failure("no upgrade: " + std::string(bytes.substr(0, bytes.find('\r'))));
    state_ = state::opening;
    return end + 4;
}

void websocket::take_open(std::string_view packet) {
    state_ = state::connecting;
    if (revision_ == 3)
        pinger_.start(packet);
    else
        send(connect_frame);
}

void websocket::take_packet(std::string_view packet) {
    auto const is_old = revision_ == 3;
    if (packet == (is_old ? "3" : "2")) {
        if (!is_old)
            send(engine_pong_frame);
    } else if (state_ == state::connected) {
        if (is_old && pinger_.is_due())
            send(engine_ping_frame);
        events_.on_packet(*this, packet);
    } else if (state_ == state::opening && packet.substr(0, 2) == "0{") {
        take_open(packet);
    } else if (state_ == state::connecting &&
               (is_old ? packet == "40" : packet.substr(0, 3) == "40{")) {
        state_ = state::connected;
        events_.on_connected(*this);
    } else {
        throw failure("unexpected packet: " + std::string(packet.substr(0, 80)));
    }
}

void websocket::take_frame(unsigned char code, std::string_view payload) {
    switch (code) {
    case 0x80 | opcode::text:
        take_packet(payload);
        break;
    case 0x80 | opcode::ping:
        send(frame(opcode::pong, payload));
        break;
    case 0x80 | opcode::close:
        events_.on_closed(*this);
        break;
    default:
        throw failure("unexpected frame: first byte " + std::to_string(code));
    }
}

std::size_t websocket::on_bytes(std::string_view bytes) {
    std::size_t used = 0;
    if (state_ == state::upgrading) {
        used = take_response(bytes);
        if (used == 0)
            return 0;
    }
    auto const at = [&](std::size_t i) {
        return std::uint64_t{static_cast<unsigned char>(bytes[i])};
    };
    while (is_open() && bytes.size() - used >= 2) {
        auto length = at(used + 1);
        std::size_t header = 2;
        if (length >= 126) {
            header = length == 126 ? 4 : 10;
            if (bytes.size() - used < header)
                break;
            length = 0;
            for (std::size_t i = 2; i < header; ++i)
                length = length << 8 | at(used + i);
        }
        if (length > bytes.size() - used - header)
            break;
        auto const payload = bytes.substr(used + header, length);
        auto const code = static_cast<unsigned char>(bytes[used]);
        used += header + length;
        take_frame(code, payload);
    }
    return used;
}

} // namespace bench
