#include "engine_world.hpp"

#include <mad/engine/siblings.hpp>
#include <mad/net/listener.hpp>
#include <mad/net/unix_socket.hpp>
#include <support/temp_folder.hpp>

#include <filesystem>
#include <thread>

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

using namespace mad;
using namespace mad_test;

namespace {

std::size_t descriptors() {
    auto const all = std::filesystem::directory_iterator("/proc/self/fd");
    return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

/// Once nothing of it moves any more: instances that have just met still open ways to each other.
std::size_t settled_descriptors() {
    auto n = descriptors();
    for (int same = 0, i = 0; same < 10 && i < 1'000; ++i) {
        std::this_thread::sleep_for(10ms);
        auto const now = descriptors();
        same = now == n ? same + 1 : 0;
        n = now;
    }
    return n;
}

/// An instance of a server: its own port, and beside it the siblings in a folder.
class instance {
  public:
    instance(temp_folder const& folder, std::uint16_t tag, std::size_t threads = 1,
             milliseconds head_timeout = 10s)
        : siblings_(std::make_shared<engine::siblings>(own(folder, tag)))
        , world(numbered(tag), threads, {}, web(head_timeout)) {
        REQUIRE_FALSE(siblings_->start([this](int fd, boost::asio::ip::address const& peer) {
            ++taken;
            world.web().take(fd, peer);
        }));
    }
    ~instance() { stop(); }

    engine::siblings& siblings() { return *siblings_; }
    captured_log const& log() const { return log_; }
    void stop() { siblings_->stop(); }

    bool knows_others() {
        return wait_until([this] { return siblings_->wanted(); });
    }
    bool knows_nobody() {
        return wait_until([this] { return !siblings_->wanted(); });
    }

  private:
    engine::siblings_settings own(temp_folder const& folder, std::uint16_t tag) {
        engine::siblings_settings s;
        s.folder = folder.file("");
        s.tag = tag;
        s.log = log_.handle();
        return s;
    }
    static engine::server_settings numbered(std::uint16_t tag) {
        engine::server_settings s;
        s.node_tag = tag;
        return s;
    }
    net::http::server_settings web(milliseconds head_timeout) {
        net::http::server_settings s;
        s.elsewhere = siblings_;
        s.limits.head_timeout = head_timeout;
        return s;
    }

    captured_log log_;
    std::shared_ptr<engine::siblings> siblings_;

  public:
    std::atomic<int> taken{0};
    engine_world world;
};

/// One that a new release, `green`, takes over from, and a session of it.
struct swap_world {
    explicit swap_world(std::size_t threads = 1, milliseconds head_timeout = 10s)
        : blue(folder, 513, threads, head_timeout)
        , green(folder, 1027, threads, head_timeout) {
        REQUIRE(blue.knows_others());
        REQUIRE(green.knows_others());
        REQUIRE(peer.open().status == 200);
        peer.drop_wires();
        REQUIRE(blue.world.await_connections(0));
        peer.port = green.world.port; // where all connections go from now on
    }

    temp_folder folder;
    instance blue, green;
    polling_peer peer{blue.world.port};
};

} // namespace

TEST_CASE("a polling session of the old instance goes on, though its requests come to the new") {
    swap_world w(GENERATE(1u, 2u));
    for (int i = 0; i < 20; ++i) {
        if (i % 5 == 0)
            w.peer.drop_wires(); // a connection anew, too
        auto const text = "4n" + std::to_string(i);
        REQUIRE(w.peer.post(text).body == "ok");
        REQUIRE(w.peer.get().body == text);
    }
    CHECK(w.green.taken == 0);
    CHECK(w.blue.taken == 8); // a passed connection stays where it is
    CHECK(w.green.world.server().sessions() == 0);
}

TEST_CASE("one connection serves sessions of both instances by turns") {
    swap_world w;
    polling_peer other(w.green.world.port);
    REQUIRE(other.open().status == 200);
    raw_client wire(w.green.world.port);
    for (int i = 0; i < 6; ++i) {
        CHECK(wire.ask(w.peer.post_request("4b")).body == "ok");
        CHECK(wire.ask(w.peer.request("GET", w.peer.query())).body == "4b");
        CHECK(wire.ask(other.post_request("4g")).body == "ok");
        CHECK(wire.ask(other.request("GET", other.query())).body == "4g");
    }
    CHECK(w.blue.taken == 6);
    CHECK(w.green.taken == 6);
}

TEST_CASE("a session is found in a line that comes in pieces, or is long") {
    swap_world w;
    SECTION("byte by byte") {
        raw_client wire(w.green.world.port);
        wire.send_slowly(w.peer.post_request("4hi"), 1);
        CHECK(wire.answer().body == "ok");
    }
    SECTION("split before the session, twice on one connection") {
        raw_client wire(w.green.world.port);
        for (int i = 0; i < 2; ++i) {
            auto const request = w.peer.post_request("4hi");
            auto const at = request.find("&sid") + 2;
            wire.send(request.substr(0, at));
            CHECK(wire.silent_for(30ms));
            wire.send(request.substr(at));
            CHECK(wire.answer().body == "ok");
        }
    }
    SECTION("behind thousands of bytes") {
        raw_client wire(w.green.world.port);
        auto const request =
            w.peer.request("GET", "token=" + std::string(6'000, 'x') + "&" + w.peer.query(),
                           "Connection: close\r\n");
        w.peer.post("4hi");
        wire.send(request.substr(0, 4'000));
        CHECK(wire.silent_for(30ms));
        wire.send(request.substr(4'000));
        CHECK(wire.answer().body == "4hi");
    }
    CHECK(w.blue.taken >= 1);
    CHECK(w.blue.world.server().sessions() == 1);
}

TEST_CASE("a line that is never ended has the time of a head and no more") {
    swap_world w(1, 300ms);
    auto const idle = settled_descriptors();
    {
        raw_client slow(w.green.world.port), silent(w.green.world.port);
        silent.send("GET /engine.io/?EIO=4&si");
        // A byte now and then buys no time.
        for (int i = 0; i < 200; ++i) {
            slow.send(i == 0 ? "G" : "x");
            if (!slow.silent_for(10ms))
                break;
        }
        CHECK(slow.answer().status == 408);
        CHECK(silent.answer().status == 408);
    }
    {
        raw_client half(w.green.world.port);
        half.send("GET /engine.io/?EIO=4&sid=");
        half.half_close();
        CHECK(half.at_end()); // whoever ends in the middle of a line is not waited for
    }
    CHECK(w.green.world.await_connections(0));
    CHECK(wait_until([&] { return descriptors() == idle; }));
    // One that only says that it is there: an empty line behind a body, as old browsers send.
    raw_client wire(w.green.world.port);
    CHECK(wire.ask(w.peer.post_request("4hi") + "\r\n").body == "ok");
    CHECK(wire.ask(w.peer.request("GET", w.peer.query())).body == "4hi");
}

TEST_CASE("what is sent behind a request before its answer is served where that is") {
    // Nobody who speaks Engine.IO does so. The other instance cannot be given what has been read.
    swap_world w;
    polling_peer other(w.green.world.port);
    REQUIRE(other.open().status == 200);
    raw_client wire(w.green.world.port);
    wire.send(other.post_request("4g") + w.peer.post_request("4b") + other.post_request("4g"));
    CHECK(wire.answer().body == "ok");
    CHECK(wire.answer().body == R"({"code":1,"message":"Session ID unknown"})");
    CHECK(wire.answer().body == "ok");
    CHECK(w.blue.taken == 0);
    // What comes after the answers goes where it belongs, and the session has lost nothing.
    CHECK(wire.ask(w.peer.post_request("4b")).body == "ok");
    CHECK(w.peer.get().body == "4b");
}

TEST_CASE("a line over the limit of heads is refused, with a sibling or without") {
    swap_world w;
    raw_client wire(w.green.world.port);
    wire.send("GET /?" + std::string(40'000, 'x'));
    CHECK(wire.answer().status == 414);
    CHECK(w.blue.taken == 0);
}

TEST_CASE("a polling session of the old instance may become a websocket by way of the new") {
    swap_world w;
    ws_peer ws(raw_client(w.green.world.port),
               "/engine.io/?EIO=4&transport=websocket&sid=" + w.peer.sid);
    w.peer.begin_get();
    ws.text("2probe");
    CHECK(ws.next_text() == "3probe");
    CHECK(w.peer.get_wire().answer().body == "6");
    ws.text("5");
    ws.text("4over");
    CHECK(ws.next_text() == "4over");
    CHECK(w.blue.world.server().sessions() == 1);
    CHECK(w.green.world.server().sessions() == 0);
}

TEST_CASE("who has no session stays, until the instance drains; then the other has it") {
    swap_world w;
    polling_peer fresh(w.blue.world.port);
    CHECK(fresh.open().status == 200);
    CHECK(session_id::node_tag_of(fresh.sid) == 513);
    CHECK(w.green.taken == 0);

    raw_client kept(w.blue.world.port);
    CHECK(kept.ask("GET /nothing HTTP/1.1\r\nHost: a\r\n\r\n").status == 404);
    w.blue.siblings().drain();
    polling_peer late(w.blue.world.port);
    CHECK(late.open().status == 200);
    CHECK(session_id::node_tag_of(late.sid) == 1027);
    CHECK(kept.ask("GET /nothing HTTP/1.1\r\nHost: a\r\n\r\n").status == 404);
    CHECK(w.green.taken == 2);
    // Its own sessions are served to their end.
    w.peer.port = w.blue.world.port;
    CHECK(w.peer.post("4hi").body == "ok");
    CHECK(w.green.taken == 2);
    // A line of which half has come is not given away: it may name a session of this one.
    raw_client half(w.blue.world.port);
    auto const request = w.peer.request("GET", w.peer.query());
    half.send(request.substr(0, request.find("&sid")));
    CHECK(half.silent_for(30ms));
    half.send(request.substr(request.find("&sid")));
    CHECK(half.answer().body == "4hi");
    CHECK(w.green.taken == 2);
}

TEST_CASE("when both drain, each answers for itself") {
    swap_world w;
    w.blue.siblings().drain();
    w.green.siblings().drain();
    // Each hears of the other's drain in a thread of its own.
    CHECK(wait_until([&] {
        auto const before = w.green.taken.load();
        polling_peer p(w.blue.world.port);
        return p.open().status == 200 && w.green.taken == before;
    }));
    CHECK(wait_until([&] {
        auto const before = w.blue.taken.load();
        polling_peer p(w.green.world.port);
        return p.open().status == 200 && w.blue.taken == before;
    }));
}

TEST_CASE("sessions of an instance that has ended are unknown, and are told so at once") {
    swap_world w;
    auto const how = GENERATE(0, 1);
    CAPTURE(how);
    if (how == 0)
        w.blue.stop();
    else // without its file: nobody can greet it, and who knows it finds it dead
        CHECK(std::filesystem::remove(w.folder.file("513.instance")));
    if (how == 1)
        w.blue.stop();
    // Those that knew it have heard of its end, and look into no request any more.
    CHECK(w.green.knows_nobody());
    auto const a = w.peer.get();
    CHECK(a.status == 400);
    CHECK(a.body == R"({"code":1,"message":"Session ID unknown"})");
    CHECK(w.peer.post("4hi").status == 400);
    polling_peer fresh(w.green.world.port);
    CHECK(fresh.open().status == 200);
    CHECK_FALSE(std::filesystem::exists(w.folder.file("513.instance")));
}

TEST_CASE("a session of a node elsewhere is nobody's here") {
    swap_world w;
    w.peer.sid = session_id::make(0, 4711);
    CHECK(w.peer.get().body == R"({"code":1,"message":"Session ID unknown"})");
    w.peer.sid = "of-another-kind";
    CHECK(w.peer.get().status == 400);
    CHECK(w.blue.taken == 0);
}

TEST_CASE("an instance that takes nothing holds the other up once, not for each request") {
    temp_folder folder;
    // A sibling that answers the greeting, and then stands still.
    auto made = net::open_unix_listener(folder.file("513.instance"), net::unix_taken::replace,
                                        net::unix_kind::packets)
                    .value();
    int fd = -1;
    ssize_t asked = 0, told = 0;
    std::thread greeted([&] {
        pollfd p{made.fd, POLLIN, 0};
        ::poll(&p, 1, 20'000);
        fd = ::accept4(made.fd, nullptr, nullptr, SOCK_CLOEXEC);
        char word[64];
        asked = ::recv(fd, word, sizeof word, 0); // q, s, 1027
        told = ::send(fd, "ws513", 5, 0);
    });
    instance green(folder, 1027);
    greeted.join();
    CHECK(asked == 6);
    CHECK(told == 5);
    REQUIRE(green.siblings().wanted());
    auto const idle = settled_descriptors();
    polling_peer lost(green.world.port);
    lost.sid = session_id::make(0, 513);
    // What the kernel keeps for it is full at some time: then it is known to be busy.
    std::vector<raw_client> sent;
    CHECK(wait_until([&] {
        sent.emplace_back(green.world.port);
        sent.back().send(lost.request("GET", lost.query()));
        return green.log().count("engine.sibling.busy") > 0;
    }));
    // From here on its sessions are refused at once, others are served, and it is asked again.
    int refused = 0;
    for (int i = 0; i < 20; ++i)
        refused += lost.get().status == 400;
    CHECK(refused == 20);
    polling_peer fresh(green.world.port);
    CHECK(fresh.open().status == 200);
    CHECK(green.log().count("engine.sibling.busy") <= 2);
    CHECK(green.siblings().wanted());
    // It ends: so do the connections that were on their way to it, and nothing is left of them.
    ::close(made.fd);
    ::close(fd);
    made.file = {};
    fresh.drop_wires();
    lost.drop_wires();
    sent.clear();
    CHECK(wait_until([&] {
        lost.get();
        lost.drop_wires();
        return !green.siblings().wanted();
    }));
    CHECK(green.world.await_connections(0));
    CHECK(wait_until([&] { return descriptors() == idle - 3; })); // its two, and our way to it
}

TEST_CASE("words that no sibling says end the way they came by, and nothing else") {
    swap_world w;
    auto const idle = settled_descriptors();
    for (std::string const word :
         {"c127.0.0.1", "cno address", "q", "qs", "qsx", "qs513", "x", "ws99999"}) {
        CAPTURE(word);
        auto const fd = net::connect_unix(w.folder.file("513.instance"), net::unix_kind::packets);
        REQUIRE(fd);
        CHECK(::send(*fd, word.data(), word.size(), MSG_NOSIGNAL) > 0);
        pollfd p{*fd, POLLIN, 0};
        CHECK(::poll(&p, 1, 20'000) == 1);
        char c;
        CHECK(::recv(*fd, &c, 1, 0) == 0);
        ::close(*fd);
    }
    // A name of a socket that says nothing holds nobody up for longer than patience.
    CHECK(wait_until([&] { return descriptors() == idle; }));
    CHECK(w.peer.post("4hi").body == "ok");
    CHECK(w.blue.taken == 1);
}

TEST_CASE("descriptors that are passed on are kept by nobody else") {
    swap_world w;
    CHECK(w.peer.post("4hi").body == "ok");
    CHECK(w.peer.get().body == "4hi");
    w.peer.drop_wires();
    CHECK(w.green.world.await_connections(0));
    CHECK(w.blue.world.await_connections(0));
    auto const idle = settled_descriptors();
    for (int i = 0; i < 300; ++i) {
        CHECK(w.peer.post("4hi").body == "ok");
        CHECK(w.peer.get().body == "4hi");
        w.peer.drop_wires();
    }
    CHECK(w.blue.taken == 602);
    CHECK(w.green.world.await_connections(0));
    CHECK(w.blue.world.await_connections(0));
    CHECK(wait_until([&] { return descriptors() == idle; }));
}

TEST_CASE("two instances that accept from one socket serve the sessions of both") {
    temp_folder folder;
    instance blue(folder, 513), green(folder, 1027);
    REQUIRE(blue.knows_others());
    auto const shared =
        net::open_listener({boost::asio::ip::address_v4::loopback(), 0}, false).value();
    auto const port = net::local_endpoint(shared)->port();
    REQUIRE(blue.world.web().adopt(::dup(shared)));
    REQUIRE(green.world.web().adopt(::dup(shared)));
    std::vector<std::unique_ptr<polling_peer>> peers;
    for (int i = 0; i < 40; ++i) {
        peers.push_back(std::make_unique<polling_peer>(port));
        REQUIRE(peers.back()->open().status == 200);
        peers.back()->drop_wires();
    }
    auto const ask_all = [&] {
        for (auto& p : peers) {
            REQUIRE(p->post("4hi").body == "ok");
            REQUIRE(p->get().body == "4hi");
            p->drop_wires();
        }
    };
    ask_all();
    // The old one drains: nobody is refused, and nobody new comes to it.
    blue.siblings().drain();
    blue.world.web().leave_adopted();
    auto const before = blue.world.server().sessions();
    ask_all();
    for (int i = 0; i < 20; ++i) {
        polling_peer p(port);
        REQUIRE(p.open().status == 200);
        CHECK(session_id::node_tag_of(p.sid) == 1027);
    }
    CHECK(blue.world.server().sessions() == before);
    ::close(shared);
}
