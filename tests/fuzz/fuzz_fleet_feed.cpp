// What consoles are shown: hosts come, change and go, consoles connect, wish, lag, leave and come
// back in any order, and in the end each shows exactly the hosts that it may see and wants, as they
// are. Two bytes a step: what happens, and to whom; a wish in somebody's own words goes up to byte
// 0xff.
#include "fuzz_support.hpp"

#include <mad/core/json_scan.hpp>

#include <unit/fleet/feed_world.hpp>

#include <array>
#include <cmath>
#include <map>
#include <string>

using namespace mad::fleet;

namespace {

constexpr std::array<char const*, 8> tags{
    "",        R"(,"web")", R"(,"db")",  R"(,"role:web","db")",
    R"(,"*")", R"(,"a b")", R"(,"WEB")", R"(,"Ä")"};
constexpr std::array<char const*, 6> filters{"",       "tag:web",       "cpu>=50",
                                             "-id:h1", "role:web,none", "h"};
constexpr std::array<char const*, 5> bounds{"", "tag:db", "cpu<80", "id:h1,h2", "\""};
constexpr std::array<char const*, 4> rates{"4", "1", "0.5", "0.2"};

struct console {
    std::uint64_t id = 0; ///< 0: away
    unsigned how = 0;     ///< what it wishes and may see
    bool plain = true;    ///< it wishes what is in the tables above
};

search search_of(char const* text) {
    auto const s = parse_search(text);
    return s ? *s : *parse_search("id:nobody");
}

class fuzzed_feed {
  public:
    fuzzed_feed() {
        settings_.instance = "I";
        settings_.chunk_rows = 3;
        settings_.max_gone = 4;
        settings_.max_watches = 2;
        world_.emplace(settings_);
    }

    void step(unsigned what, unsigned who, mad_fuzz::input& in) {
        auto& w = *world_;
        auto const name = "h" + std::to_string(who % 10);
        auto& c = consoles_[who % consoles_.size()];
        switch (what % 16) {
        case 0:
            w.hosts.remove(name);
            break;
        case 1:
            w.hosts.gone(name, gone_reason::left, w.now, w.wall());
            break;
        case 2:
            if (c.id != 0)
                w.page(c.id).full = !w.page(c.id).full;
            break;
        case 3:
            return come_back(c);
        case 4:
            c.how = what / 16 * 16 + who / 4;
            c.plain = true;
            return connect(c, wish_of(c, {}));
        case 5:
            leave(c);
            c.id = 0;
            break;
        case 6:
            if (c.id != 0)
                w.feed.watch(c.id, name);
            break;
        case 7:
            if (c.id != 0)
                w.feed.unwatch(c.id, name);
            break;
        case 8: {
            auto const rest = in.rest();
            auto const own = in.take(std::min(rest.find('\xff'), rest.size()));
            (void)in.byte();
            if (!mad::scan_json(own))
                return;
            c.plain = false;
            return connect(c, std::string(own));
        }
        case 9:
            w.tag = tags[who % tags.size()];
            break;
        case 10:
        case 11:
            w.run(mad::milliseconds(50 * (who % 32)));
            break;
        default:
            w.sample(name, (what / 16 * 16 + who) % 101);
        }
    }

    void check() {
        auto& w = *world_;
        for (auto const& c : consoles_)
            if (c.id != 0)
                w.page(c.id).full = false;
        w.run(mad::milliseconds(12'000));
        FUZZ_CHECK(w.pages.wrong.empty());
        for (auto const& c : consoles_)
            if (c.id != 0 && c.plain)
                check(c);
    }

  private:
    static std::string wish_of(console const& c, std::string const& cursor) {
        std::string out = R"({"v":2,"hz":)";
        out.append(rates[c.how % rates.size()]).append(R"(,"filter":")");
        out.append(filters[c.how / 4 % filters.size()]).append("\"");
        if (!cursor.empty())
            out.append(R"(,"cursor":")").append(cursor).append("\"");
        return out + "}";
    }
    static char const* bounds_of(console const& c) { return bounds[c.how / 24 % bounds.size()]; }

    void connect(console& c, std::string const& wish) {
        if (c.id == 0)
            c.id = ++last_;
        auto const answer = world_->connect(c.id, wish, bounds_of(c));
        FUZZ_CHECK(mad::scan_json(answer));
    }
    void leave(console& c) {
        if (c.id != 0)
            world_->feed.leave(c.id, world_->now);
    }
    /// A page whose connection broke: another console with what the page has.
    void come_back(console& c) {
        if (c.id == 0 || !c.plain)
            return;
        auto const had = world_->page(c.id);
        leave(c);
        c.id = ++last_;
        auto& p = world_->page(c.id);
        p.rows = had.rows;
        if (!had.in_snapshot)
            p.cursor = had.cursor;
        connect(c, wish_of(c, p.cursor));
    }

    void check(console const& c) {
        auto const filter = search_of(filters[c.how / 4 % filters.size()]);
        auto const within = search_of(bounds_of(c));
        auto const& shown = world_->page(c.id).rows;
        std::size_t there = 0;
        world_->hosts.each([&](host const& h) {
            auto const subject = subject_of(h);
            bool const wanted = filter.matches(subject) && within.matches(subject);
            auto const row = shown.find(h.id);
            FUZZ_CHECK(wanted == (row != shown.end()));
            if (!wanted)
                return;
            ++there;
            FUZZ_CHECK(row->second[1] == std::string(to_string(h.state)));
            FUZZ_CHECK(std::abs(row->second[8].get<double>() - double{h.now.raw(metric::cpu)}) <
                       0.11);
        });
        FUZZ_CHECK(there == shown.size());
    }

    feed_settings settings_;
    std::optional<mad_test::feed_world> world_;
    std::array<console, 4> consoles_;
    std::uint64_t last_ = 0;
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    mad_fuzz::input in(data, size);
    fuzzed_feed feed;
    for (int steps = 0; steps < 300 && !in.rest().empty(); ++steps) {
        auto const what = in.byte();
        feed.step(what, in.byte(), in);
    }
    feed.check();
    return 0;
}
