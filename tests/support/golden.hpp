#ifndef MAD_TESTS_SUPPORT_GOLDEN_HPP
#define MAD_TESTS_SUPPORT_GOLDEN_HPP

#include <support/inbox.hpp>
#include <support/recording.hpp>
#include <support/unhex.hpp>
#include <support/ws_host.hpp>

#include <string>
#include <vector>

namespace mad_test {

/// One recorded websocket frame; `bytes` are those on the wire, unmasked.
struct golden_frame {
    int conn;
    bool from_client;
    int opcode;
    std::string bytes;
};

/// The websocket frames of a recorded exchange (tests/conformance/golden), in order.
inline std::vector<golden_frame> golden_frames(std::string const& name) {
    auto const all = read_recording(name);
    std::vector<golden_frame> out;
    for (auto const& r : all) {
        auto const kind = r.value("kind", std::string());
        if (kind != "ws-text" && kind != "ws-binary" && kind != "ws-close")
            continue;
        golden_frame f{r["conn"].get<int>(), r["dir"] == "c2s",
                       kind == "ws-text"     ? 1
                       : kind == "ws-binary" ? 2
                                             : 8,
                       r.value("text", std::string())};
        if (f.opcode == 2)
            f.bytes = unhex(r["hex"].get<std::string>());
        out.push_back(std::move(f));
    }
    return out;
}

/// Plays the server's part of one recorded connection, less its heartbeats, which come when they
/// come: sends what the server sent, answers the client's pings, and compares what else comes with
/// what the client sent. `ended` gets what differs, or nothing, when all has been played.
inline ws_host::talk golden_talk(std::vector<golden_frame> const& all, int conn,
                                 inbox<std::string>& ended) {
    std::vector<golden_frame> mine;
    for (auto const& f : all)
        if (f.conn == conn && f.bytes != "2" && f.bytes != "3")
            mine.push_back(f);
    return [mine, &ended](ws_line line) -> boost::asio::awaitable<void> {
        std::string wrong;
        for (auto const& f : mine) {
            if (!f.from_client) {
                co_await line.send(f.bytes, f.opcode);
                continue;
            }
            auto got = co_await line.next();
            while (got && got->data == "2") {
                co_await line.send("3");
                got = co_await line.next();
            }
            if (!got || got->opcode != f.opcode || got->data != f.bytes)
                wrong += (got ? got->data : "the end") + " instead of " + f.bytes + "; ";
            if (!got)
                break;
        }
        ended.push(wrong);
    };
}

} // namespace mad_test

#endif
