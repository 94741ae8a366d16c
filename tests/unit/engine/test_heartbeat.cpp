#include <mad/engine/heartbeat.hpp>

#include <catch2/catch.hpp>

#include <string>
#include <vector>

using mad::engine::heartbeat;
using mad::engine::packet_type;
using mad::engine::revision;
using action = heartbeat::action;
using rearm = heartbeat::rearm;

namespace {

/// What a script leads to: `T` is a deadline, a digit a packet of that type. One letter an answer:
/// `p` ping, `c` close; `i` arm the interval, `t` arm the timeout, `b` both, `-` leave it as it is.
std::string run(std::string_view script, revision rev = revision::eio4) {
    heartbeat h(rev);
    std::string out;
    for (char const c : script) {
        if (c == 'T') {
            out += h.on_deadline() == action::send_ping ? 'p' : 'c';
            continue;
        }
        auto const r = h.on_packet(*mad::engine::packet_type_of(c));
        out += r == rearm::interval  ? 'i'
               : r == rearm::timeout ? 't'
               : r == rearm::both    ? 'b'
                                     : '-';
    }
    return out;
}

} // namespace

TEST_CASE("the server pings, and a pong buys one more interval") {
    struct row {
        char const* why;
        char const* script;
        char const* answers;
    };
    auto const r = GENERATE(values<row>({
        {"a ping is due after the interval", "T", "p"},
        {"a pong in time", "T3T", "pip"},
        {"many rounds", "T3T3T3T", "pipipip"},
        {"no pong is the end", "TT", "pc"},
        {"the end stays the end", "TTT", "pcc"},
        {"a pong before any ping counts for nothing", "3T", "-p"},
        {"a second pong counts for nothing", "T33T", "pi-p"},
        {"packets between pings leave the deadline alone", "444T", "---p"},
        {"another packet restarts the wait for a pong", "T4", "pt"},
        {"but once for each ping", "T444T", "pt--c"},
        {"a pong after that packet is still good", "T43T", "ptip"},
        {"each ping may be extended anew", "T43T4T", "ptiptc"},
        {"what is not a message extends it too", "T6T", "ptc"},
        {"a late pong after the end does not bring it back", "TT3", "pci"},
    }));
    INFO(r.why << ": " << r.script);
    CHECK(run(r.script) == r.answers);
}

TEST_CASE("every type but the pong extends the wait once") {
    for (char const type : std::string("012456")) {
        CAPTURE(type);
        CHECK(run(std::string("T") + type + type) == "pt-");
    }
}

TEST_CASE("in revision 3 the client pings, and any packet breaks its silence") {
    CHECK(run("T", revision::eio3) == "c");
    CHECK(run("TT", revision::eio3) == "cc");
    for (char const type : std::string("0123456")) {
        CAPTURE(type);
        CHECK(run(std::string("2") + type + type + "T", revision::eio3) == "bbbc");
    }
}
