#include <mad/net/outbox.hpp>

#include <catch2/catch.hpp>
#include <support/socket_pair.hpp>

#include <array>
#include <vector>

using namespace mad::net;
using mad_test::socket_pair;

namespace {

struct wire {
    explicit wire(int send_buffer = 0)
        : pair(send_buffer)
        , out(pair.take_a()) {}

    io_status write(outbox& box) { return box.write_to(out, scratch); }

    socket_pair pair;
    stream out;
    std::array<char, 64 * 1024> scratch;
};

std::string numbered(std::size_t i, std::size_t size) {
    auto s = std::to_string(i) + ":";
    s.resize(std::max(size, s.size()), static_cast<char>('a' + i % 26));
    return s;
}

/// A connection that is encrypted by nobody, but like a cipher takes and owes.
struct counting_cipher final : cipher {
    void put(std::string_view) override {}
    mad::result<std::size_t> read(std::span<char>) override { return std::size_t{0}; }
    mad::result<std::size_t> write(std::string_view t) override {
        if (!done)
            return std::size_t{0};
        records.push_back(t.size());
        out.append(t);
        return t.size();
    }
    bool ready() const override { return done; }
    bool ended() const override { return false; }
    void end() override {}
    std::string_view owed() const override { return out; }
    void wrote(std::size_t n) override { out.erase(0, n); }

    bool done = true;
    std::string out;
    std::vector<std::size_t> records;
};

} // namespace

TEST_CASE("blocks of all sizes leave in order, and only once") {
    auto const sizes = GENERATE(
        std::vector<std::size_t>{1}, std::vector<std::size_t>{0, 0},
        std::vector<std::size_t>{0, 5, 0},
        std::vector<std::size_t>{2047, 2048, 2049, 1, 5000, 1, 1, 100'000, 3},
        std::vector<std::size_t>(200, 10), std::vector<std::size_t>(200, 3000),
        std::vector<std::size_t>(60, 2048), std::vector<std::size_t>{2048, 3000, 2048, 3000, 1});
    wire w;
    outbox box;
    std::string expected;
    std::size_t i = 0;
    for (auto const size : sizes) {
        auto const text = size == 0 ? std::string{} : numbered(i++, size);
        expected += text;
        box.push(wire_block::raw(text));
    }
    CHECK(box.size() == sizes.size());
    CHECK(box.bytes() == expected.size());
    std::string got;
    for (int round = 0; round < 100; ++round) {
        auto const s = w.write(box);
        REQUIRE(s != io_status::failed);
        got += w.pair.received();
        if (s == io_status::ok)
            break;
    }
    CHECK(got == expected);
    CHECK(box.empty());
    CHECK(box.size() == 0);
    CHECK(box.bytes() == 0);
    CHECK(w.write(box) == io_status::ok);
    CHECK(w.pair.received().empty());
}

TEST_CASE("a wire that takes little at a time loses and repeats nothing") {
    wire w(4096);
    outbox box;
    std::string expected, got;
    for (std::size_t i = 0; i < 500; ++i) {
        auto const text = numbered(i, i * 37 % 5000);
        expected += text;
        box.push(wire_block::raw(text));
    }
    int blocked = 0;
    for (int round = 0; round < 100'000; ++round) {
        auto const s = w.write(box);
        REQUIRE(s != io_status::failed);
        got += w.pair.received();
        if (s == io_status::ok)
            break;
        ++blocked;
        CHECK(box.bytes() == expected.size() - got.size());
    }
    CHECK(got == expected);
    CHECK(blocked > 10);
}

TEST_CASE("pushing goes on while writing does") {
    wire w(4096);
    outbox box;
    std::string expected, got;
    for (std::size_t i = 0; i < 2000; ++i) {
        auto const text = numbered(i, 500);
        expected += text;
        box.push(wire_block::raw(text));
        if (i % 3 == 0)
            REQUIRE(w.write(box) != io_status::failed);
        if (i % 7 == 0)
            got += w.pair.received();
    }
    for (int round = 0; round < 100'000 && !box.empty(); ++round) {
        w.write(box);
        got += w.pair.received();
    }
    got += w.pair.received();
    CHECK(got == expected);
}

TEST_CASE("both limits say no, and the last words pass them") {
    outbox box;
    outbox_limits const bytes{10, 100}, blocks{1000, 2};
    CHECK(box.try_push(wire_block::raw("1234567"), bytes));
    CHECK_FALSE(box.try_push(wire_block::raw("1234"), bytes));
    CHECK(box.try_push(wire_block::raw("123"), bytes));
    CHECK_FALSE(box.try_push(wire_block::raw("1"), bytes));
    CHECK_FALSE(box.try_push(wire_block::raw("1"), blocks));
    CHECK(box.size() == 2);
    box.push(wire_block::raw("bye"));
    CHECK(box.bytes() == 13);
    box.clear();
    CHECK(box.empty());
    CHECK(box.bytes() == 0);
    CHECK(box.try_push(wire_block::raw("1"), blocks));
}

TEST_CASE("written blocks make room again") {
    wire w;
    outbox box;
    outbox_limits const limits{8, 2};
    for (int i = 0; i < 50; ++i) {
        CHECK(box.try_push(wire_block::raw("1234"), limits));
        CHECK(box.try_push(wire_block::raw("5678"), limits));
        CHECK_FALSE(box.try_push(wire_block::raw("9"), limits));
        CHECK(w.write(box) == io_status::ok);
    }
    CHECK(w.pair.received().size() == 400);
}

TEST_CASE("a peer that has gone fails the write") {
    wire w;
    outbox box;
    box.push(wire_block::raw("anybody?"));
    w.pair.close_b();
    CHECK(w.write(box) == io_status::failed);
}

TEST_CASE("one block waits in many outboxes and is freed by the last") {
    auto const b = wire_block::raw(std::string(3000, 'x'));
    wire one, two;
    outbox first, second;
    first.push(b);
    second.push(b);
    CHECK(one.write(first) == io_status::ok);
    CHECK(two.write(second) == io_status::ok);
    CHECK(one.pair.received() == b.frame());
    CHECK(two.pair.received() == b.frame());
}

TEST_CASE("small blocks share records of a cipher") {
    socket_pair pair;
    auto own = std::make_unique<counting_cipher>();
    auto& c = *own;
    stream s(pair.take_a(), std::move(own));
    std::array<char, 64 * 1024> scratch;
    outbox box;
    for (int i = 0; i < 1000; ++i)
        box.push(wire_block::raw("0123456789"));
    CHECK(box.write_to(s, scratch) == io_status::ok);
    CHECK(pair.received().size() == 10'000);
    CHECK(c.records.size() == 1);
}

TEST_CASE("encrypted bytes that are owed leave though no block waits") {
    socket_pair pair(4096);
    auto own = std::make_unique<counting_cipher>();
    auto& c = *own;
    stream s(pair.take_a(), std::move(own));
    std::array<char, 1024> scratch;
    outbox box;
    c.out.assign(300'000, 'h');
    std::size_t got = 0;
    int blocked = 0;
    for (int round = 0; round < 10'000; ++round) {
        auto const st = box.write_to(s, scratch);
        got += pair.received().size();
        if (st == io_status::ok)
            break;
        REQUIRE(st == io_status::blocked);
        ++blocked;
    }
    CHECK(got == 300'000);
    CHECK(blocked > 1);
}

TEST_CASE("a handshake that is not done takes no block") {
    socket_pair pair;
    auto own = std::make_unique<counting_cipher>();
    auto& c = *own;
    c.done = false;
    stream s(pair.take_a(), std::move(own));
    CHECK_FALSE(s.established());
    std::array<char, 1024> scratch;
    outbox box;
    box.push(wire_block::raw("wait"));
    CHECK(box.write_to(s, scratch) == io_status::blocked);
    CHECK(box.bytes() == 4);
    c.done = true;
    CHECK(s.established());
    CHECK(box.write_to(s, scratch) == io_status::ok);
    CHECK(pair.received() == "wait");
}
