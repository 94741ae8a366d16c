#ifndef MAD_TESTS_UNIT_FLEET_FEED_WORLD_HPP
#define MAD_TESTS_UNIT_FLEET_FEED_WORLD_HPP

#include <mad/core/json.hpp>
#include <mad/fleet/console_feed.hpp>

#include <map>
#include <string>
#include <utility>
#include <vector>

namespace mad_test {

/// Consoles as pages are: each applies what it is sent and knows what it would show.
class fake_pages final : public mad::fleet::feed_link {
  public:
    struct packet {
        std::string event;
        mad::json body;
        std::size_t receivers;
    };
    struct page {
        std::map<std::string, mad::json> rows;
        std::string cursor;
        std::vector<std::string> events;
        std::vector<mad::json> bodies;
        bool open = false, full = false, in_snapshot = false;
    };

    void send(std::span<mad::fleet::feed_console const> to, std::string_view event,
              std::string_view text, mad::fleet::feed_way way, std::uint64_t before) override {
        auto const body = event.empty() ? mad::json() : mad::json::parse(text);
        if (!event.empty())
            packets.push_back({std::string(event), body, to.size()});
        for (auto const c : to) {
            auto& p = pages[c.id];
            if (way == mad::fleet::feed_way::chunk || way == mad::fleet::feed_way::reopen)
                p.open = way == mad::fleet::feed_way::reopen;
            if (way == mad::fleet::feed_way::delta || way == mad::fleet::feed_way::droppable) {
                if (!p.open)
                    continue;
                if (p.full) {
                    if (way == mad::fleet::feed_way::delta) {
                        p.open = false;
                        refusals.emplace_back(c, before);
                    }
                    continue;
                }
            }
            if (!event.empty())
                take(p, std::string(event), body);
        }
    }
    void ask(mad::fleet::feed_console c) override { asked.push_back(c); }

    void take(page& p, std::string const& event, mad::json const& body) {
        p.events.push_back(event);
        p.bodies.push_back(body);
        if (event == "fleet_snapshot") {
            // All chunks of a snapshot have the same cursor; another one begins anew.
            if (!p.in_snapshot || p.cursor != body["cursor"])
                p.rows.clear();
            p.in_snapshot = !body["last"].get<bool>();
        } else if (event != "fleet_delta") {
            return;
        } else {
            if (p.in_snapshot)
                wrong += "changes in the middle of a snapshot; ";
            for (auto const& id : body["gone"])
                p.rows.erase(id.get<std::string>());
        }
        for (auto const& row : body["rows"])
            p.rows[row[0].get<std::string>()] = row;
        p.cursor = body["cursor"].get<std::string>();
    }

    std::map<std::uint64_t, page> pages;
    std::vector<packet> packets;
    std::vector<std::pair<mad::fleet::feed_console, std::uint64_t>> refusals;
    std::vector<mad::fleet::feed_console> asked;
    std::string wrong; ///< what no page could have understood
};

inline mad::fleet::feed_settings small_feed() {
    mad::fleet::feed_settings s;
    s.instance = "I";
    return s;
}

struct feed_world {
    explicit feed_world(mad::fleet::feed_settings s = small_feed())
        : feed(s, pages, [this](std::string_view id) { return hosts.find(id); })
        , hosts({}, {[this](mad::fleet::host const& h, bool sample) { feed.changed(h, sample); },
                     [this](mad::fleet::host const& h, mad::fleet::transition const& t) {
                         feed.turned(h, t);
                     },
                     [this](std::string_view id, std::uint32_t i) { feed.removed(id, i); }}) {}

    void sample(std::string const& id, double cpu, std::string const& more = {}) {
        mad::fleet::stored_record r;
        r.id = id;
        r.info = R"({"host":")" + id + R"(.example","region":"eu","tags":["prod")" + tag + "]}";
        r.record = "{\"id\":\"" + id + R"(","health":{"storage":40,"network":10,"cpu":{"pct":)" +
                   std::to_string(cpu) + "},\"mem\":{\"pct\":30}},\"v\":2,\"interval_ms\":2500" +
                   more + ",\"info\":" + r.info + "}";
        r.run = "r";
        r.seq = ++seq;
        r.seen = now;
        hosts.sample(r, true, now, wall());
    }
    std::int64_t wall() const {
        return 1'764'000'000'000 +
               std::chrono::duration_cast<mad::milliseconds>(now.time_since_epoch()).count();
    }
    std::string connect(std::uint64_t id, std::string const& wish = R"({"v":2})",
                        std::string const& within = {}) {
        return feed.connect(id, wish, within, now);
    }
    /// Time passes, in small steps.
    void run(mad::milliseconds d) {
        for (auto const end = now + d; now < end;) {
            now += mad::milliseconds(50);
            step();
        }
    }
    void step() {
        feed.on_time(now);
        for (int i = 0; i < 100 && !(pages.asked.empty() && pages.refusals.empty()); ++i) {
            for (auto const& [c, before] : std::exchange(pages.refusals, {}))
                feed.refused(c, before);
            for (auto const c : std::exchange(pages.asked, {}))
                if (!pages.pages[c.id].full)
                    feed.ready(c);
            feed.on_time(now);
        }
    }
    fake_pages::page& page(std::uint64_t id) { return pages.pages[id]; }
    mad::json const& last(std::uint64_t id) { return page(id).bodies.back(); }
    double cpu(std::uint64_t id, std::string const& name) {
        return page(id).rows.at(name)[8].get<double>();
    }

    mad::time_point now{std::chrono::seconds(1'000)};
    std::uint64_t seq = 0;
    std::string tag;
    fake_pages pages;
    mad::fleet::console_feed feed;
    mad::fleet::roster hosts;
};

} // namespace mad_test

#endif
