#include <mad/socketio/backoff.hpp>

#include <catch2/catch.hpp>

#include <vector>

using mad::milliseconds;
using mad::socketio::backoff;
using mad::socketio::backoff_settings;

namespace {

std::vector<long> delays(backoff b, double random, int n) {
    std::vector<long> out;
    for (int i = 0; i < n; ++i)
        out.push_back(static_cast<long>(b.next(random).count()));
    return out;
}

} // namespace

TEST_CASE("delays double up to the longest one") {
    backoff const plain({milliseconds(1000), milliseconds(5000), 0});
    CHECK(delays(plain, 0.7, 5) == std::vector<long>{1000, 2000, 4000, 5000, 5000});
}

TEST_CASE("chance moves a delay as the reference does") {
    struct row {
        double random;
        long first, second;
    };
    // The first decimal digit decides on the direction, even: earlier.
    auto const r = GENERATE(row{0.0, 1000, 2000}, row{0.05, 975, 1950}, row{0.1, 1050, 2100},
                            row{0.25, 875, 1750}, row{0.5, 1250, 2500}, row{0.6, 700, 1400},
                            row{0.81, 595, 1190}, row{0.99, 1495, 2990});
    CAPTURE(r.random);
    CHECK(delays(backoff(), r.random, 2) == std::vector<long>{r.first, r.second});
}

TEST_CASE("no delay is longer than the longest, whatever chance says") {
    backoff b;
    for (int i = 0; i < 200; ++i) {
        auto const d = b.next((i % 100) / 100.0);
        CHECK(d <= milliseconds(5000));
        CHECK(d >= milliseconds(i < 2 ? 500 : 1000));
    }
    CHECK(b.attempts() == 200);
}

TEST_CASE("after a success the series begins anew") {
    backoff b({milliseconds(10), milliseconds(1000), 0});
    CHECK(b.next(0) == milliseconds(10));
    CHECK(b.next(0) == milliseconds(20));
    CHECK(b.attempts() == 2);
    b.reset();
    CHECK(b.attempts() == 0);
    CHECK(b.next(0) == milliseconds(10));
}

TEST_CASE("odd settings give a usable delay") {
    CHECK(delays(backoff({milliseconds(0), milliseconds(0), 0.5}), 0.5, 3) ==
          std::vector<long>{0, 0, 0});
    CHECK(delays(backoff({milliseconds(100), milliseconds(50), 0}), 0.5, 2) ==
          std::vector<long>{50, 50});
    CHECK(delays(backoff({milliseconds(100), milliseconds(500), 7}), 0.5, 1) ==
          std::vector<long>{150}); // as 1
    CHECK(delays(backoff({milliseconds(100), milliseconds(500), -7}), 0.5, 1) ==
          std::vector<long>{100}); // as 0
}

TEST_CASE("with full jitter every delay up to the longest is as likely, however often it fails") {
    backoff_settings s{milliseconds(1000), milliseconds(30'000), 0.5, true};
    CHECK(delays(backoff(s), 0.5, 7) ==
          std::vector<long>{500, 1000, 2000, 4000, 8000, 15'000, 15'000});
    CHECK(delays(backoff(s), 0.0, 3) == std::vector<long>{0, 0, 0});
    backoff late(s);
    for (int i = 0; i < 100; ++i)
        late.next(0.5);
    CHECK(late.next(0.1) == milliseconds(3'000));
    CHECK(late.next(0.999) == milliseconds(29'970));
}
