#ifndef MAD_TESTS_SUPPORT_SIO_PEER_HPP
#define MAD_TESTS_SUPPORT_SIO_PEER_HPP

#include <support/engine_peer.hpp>

#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace mad_test {

/// A Socket.IO client that sends and reads packets as text: `2["hello",1]`.
class sio_peer {
  public:
    /// Opens a session and joins `/`.
    sio_peer(wire w, std::uint16_t port, std::string const& fields = {})
        : engine(w, port, "/socket.io/", fields) {
        id = join();
    }

    struct unjoined_t {};
    static constexpr unjoined_t unjoined{};

    /// Only opens a session.
    sio_peer(unjoined_t, wire w, std::uint16_t port, std::string const& fields = {})
        : engine(w, port, "/socket.io/", fields) {}

    struct old_t {};
    static constexpr old_t old{};

    /// A client of revision 4 (socket.io 2.x); says nothing. `revision` as in engine_peer.
    sio_peer(old_t, wire w, std::uint16_t port, std::string const& revision = "EIO=3",
             std::string const& fields = {})
        : engine(w, port, "/socket.io/", fields, revision)
        , id(engine.sid()) {}

    void send(std::string_view packet) { engine.send("4" + std::string(packet)); }

    /// A packet and its attachments.
    void send(std::string_view packet, std::vector<std::string> const& attachments) {
        send(packet);
        for (auto const& a : attachments)
            engine.send_binary(a);
    }

    /// The next packet, without the digit of the engine; empty when the session is over.
    std::string next() {
        auto const p = engine.next();
        if (!p)
            return {};
        if (p->binary)
            throw std::runtime_error("bytes where a packet was expected");
        return p->text.substr(p->text.empty() ? 0 : 1);
    }

    /// The next attachment.
    std::string next_bytes() {
        auto const p = engine.next();
        if (!p || !p->binary)
            throw std::runtime_error("no bytes: [" + (p ? p->text : "the end") + "]");
        return p->text;
    }

    /// Joins a namespace; `auth` is JSON. The id it is given; throws when it is refused.
    std::string join(std::string const& nsp = "/", std::string const& auth = {}) {
        auto const answer = ask_to_join(nsp, auth);
        auto const prefix = "0" + (nsp == "/" ? std::string() : nsp + ",") + "{\"sid\":\"";
        if (!answer.starts_with(prefix))
            throw std::runtime_error("not joined: [" + answer + "]");
        return answer.substr(prefix.size(), 20);
    }

    /// The answer, whatever it is.
    std::string ask_to_join(std::string const& nsp, std::string const& auth = {}) {
        send("0" + (nsp == "/" ? std::string() : nsp + ",") + auth);
        return next();
    }

    /// Sends an event that asks for an acknowledgement and gives its answer: the arguments as JSON.
    /// Other packets that come before it are an error.
    std::string ask(std::string const& event_and_args) {
        auto const number = std::to_string(++asked_);
        send("2" + number + event_and_args);
        auto const answer = next();
        if (!answer.starts_with("3" + number))
            throw std::runtime_error("no answer but [" + answer + "]");
        return answer.substr(1 + number.size());
    }

    /// True when the session ends, with nothing but what is read over before.
    bool ends() { return engine.ends(); }

    engine_peer engine;
    std::string id; ///< in `/`

  private:
    int asked_ = 0;
};

} // namespace mad_test

#endif
