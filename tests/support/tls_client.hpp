#ifndef MAD_TESTS_SUPPORT_TLS_CLIENT_HPP
#define MAD_TESTS_SUPPORT_TLS_CLIENT_HPP

#include <mad/net/tls_engine.hpp>

#include <support/raw_client.hpp>

#include <algorithm>
#include <array>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace mad_test {

/// A client that speaks TLS: what it reads is in `got`.
class tls_client {
  public:
    tls_client(std::uint16_t port, std::string const& ca_file, raw_client::wish const& w = {})
        : wire(port, w) {
        mad::net::tls_client_settings s;
        s.ca_file = ca_file;
        engine = mad::net::tls_client_context::load(std::move(s)).value()->connect("127.0.0.1");
    }

    /// Sends what is owed, in pieces of so many bytes.
    void flush(std::size_t piece = 1 << 20) {
        while (!engine->owed().empty()) {
            std::string const some(engine->owed().substr(0, piece));
            if (!wire.send(some))
                throw std::runtime_error("tls client: gone");
            engine->wrote(some.size());
        }
    }

    /// Reads once; false at the end, in order or not.
    bool read(std::size_t piece = 1 << 20) {
        if (wire.unread().empty()) {
            wire.read_some();
            if (wire.unread().empty())
                return false;
        }
        engine->put(wire.take(std::min(piece, wire.unread().size())));
        std::array<char, 20'000> buffer;
        for (;;) {
            auto const n = engine->read(buffer);
            if (!n) {
                failed = n.error();
                flush(); // the alert that says why
                return false;
            }
            if (*n == 0)
                return !engine->ended();
            got.append(buffer.data(), *n);
        }
    }

    bool handshake(std::size_t piece = 1 << 20) {
        while (!engine->ready()) {
            flush(piece);
            if (!read(piece))
                return false;
        }
        flush(piece);
        return true;
    }

    void send(std::string_view text) {
        while (!text.empty()) {
            text.remove_prefix(engine->write(text).value());
            flush();
        }
    }

    std::string take_until(std::string_view text) {
        while (got.find(text) == got.npos)
            if (!read() && got.find(text) == got.npos) // the end may come with the last bytes
                throw std::runtime_error("tls client: ended after [" + got.substr(0, 300) + "]");
        auto const n = got.find(text) + text.size();
        auto out = got.substr(0, n);
        got.erase(0, n);
        return out;
    }

    std::string take(std::size_t size) {
        while (got.size() < size)
            if (!read() && got.size() < size)
                throw std::runtime_error("tls client: ended");
        auto out = got.substr(0, size);
        got.erase(0, size);
        return out;
    }

    http_answer ask(std::string_view request) {
        send(request);
        return answer();
    }

    http_answer answer() {
        http_answer a;
        a.head = take_until("\r\n\r\n");
        a.status = std::stoi(a.head.substr(9, 3));
        if (auto const n = a.header("content-length"); !n.empty())
            a.body = take(std::stoul(n));
        return a;
    }

    /// True when the server ended in order: close_notify, then the end.
    bool ended_in_order() {
        while (read()) {
        }
        return engine->ended() && got.empty() && wire.at_end() && !wire.was_reset();
    }

    raw_client wire;
    std::unique_ptr<mad::net::cipher> engine;
    std::string got;
    mad::error_code failed;
};

} // namespace mad_test

#endif
