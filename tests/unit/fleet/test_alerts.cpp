#include "virtual_fleet.hpp"

#include <mad/fleet/ledger.hpp>
#include <mad/fleet/notifier.hpp>
#include <mad/net/shard.hpp>

#include <catch2/catch.hpp>

#include <boost/asio/io_context.hpp>

#include <array>
#include <memory>
#include <sstream>

using namespace mad::fleet;
using mad_test::virtual_fleet;
using namespace std::chrono_literals;

namespace {

/// The ledger that the nodes share, with what people hear: each change that somebody won.
class heard_ledger final : public ledger {
  public:
    explicit heard_ledger(mad::net::shard& home)
        : all_(make_embedded_ledger()) {
        all_->start(home, {});
    }
    void start(mad::net::shard&, ledger_watch) override {}
    std::string const* find(std::string_view t, std::string_view f) const override {
        return all_->find(t, f);
    }
    void each(std::string_view t,
              std::function<void(std::string_view, std::string_view)> const& fn) const override {
        all_->each(t, fn);
    }
    std::size_t size(std::string_view t) const override { return all_->size(t); }
    void put(std::string_view t, std::string_view f, std::string v) override {
        all_->put(t, f, std::move(v));
    }
    void erase(std::string_view t, std::string_view f) override { all_->erase(t, f); }
    void swap(std::string_view t, std::string_view f, std::optional<std::string> expected,
              std::optional<std::string> value,
              std::function<void(mad::result<bool>)> done) override {
        auto const words = expected.value_or("ok") + " > " + value.value_or("ok");
        all_->swap(t, f, std::move(expected), std::move(value),
                   [this, words, done = std::move(done)](mad::result<bool> won) {
                       if (won && *won)
                           heard += (heard.empty() ? "" : ", ") + words;
                       done(won);
                   });
    }
    void tell(std::string) override {}

    std::string heard;

  private:
    std::unique_ptr<ledger> all_;
};

/// Two nodes, one host. What a line of a script says happens; see `step`.
class two_nodes {
  public:
    std::string run(std::string const& script) {
        std::istringstream lines(script);
        std::string line;
        while (std::getline(lines, line, ';')) {
            std::istringstream words(line);
            std::string what;
            words >> what;
            step(what, words);
            settle();
        }
        return std::exchange(ledger_.heard, {});
    }

  private:
    struct node {
        std::unique_ptr<virtual_fleet> hosts;
        std::unique_ptr<notifier> tells;
    };

    node& at(std::istringstream& words) {
        std::string name;
        words >> name;
        return nodes_.at(name == "B");
    }
    node& other(node const& n) { return nodes_[&n == &nodes_[0]]; }

    /// start NODE, kill NODE (its agent's connection with it); sample NODE VALUE; hold NODE VALUE
    /// SECONDS; leave NODE, close NODE; wait SECONDS; mute; unmute.
    void step(std::string const& what, std::istringstream& words) {
        std::string value;
        int n = 0;
        if (what == "start") {
            start(at(words));
        } else if (what == "kill") {
            auto& it = at(words);
            it = {};
            if (auto& o = other(it); o.hosts && o.hosts->all.find("h") && !o.hosts->of("h").own)
                o.hosts->gone("h", gone_reason::node);
        } else if (what == "sample") {
            auto& it = at(words);
            words >> value;
            sample(it, value);
        } else if (what == "hold") {
            auto& it = at(words);
            words >> value >> n;
            for (int t = 0; t < 2 * n; t += 5) {
                pass(2'500ms);
                sample(it, value);
                settle();
            }
        } else if (what == "leave" || what == "close") {
            auto const why = what == "leave" ? gone_reason::left : gone_reason::closed;
            at(words).hosts->gone("h", why);
            for (auto& it : nodes_)
                if (it.hosts)
                    it.hosts->gone("h", why);
        } else if (what == "wait") {
            words >> n;
            pass(std::chrono::seconds(n));
        } else if (what == "mute" || what == "unmute") {
            for (auto& it : nodes_)
                if (it.hosts)
                    it.hosts->all.set_mutes(std::vector<mute>(what == "mute" ? 1 : 0),
                                            it.hosts->now, it.hosts->wall());
        } else {
            FAIL(what);
        }
    }

    void start(node& n) {
        roster_settings s;
        s.recall = [&n](std::string_view id) { return n.tells->recall(id); };
        n.hosts = std::make_unique<virtual_fleet>(std::move(s));
        n.hosts->now = n.hosts->next = now_;
        notifier_settings t;
        n.tells =
            std::make_unique<notifier>(mad::net::shard::of(ioc_), t, ledger_,
                                       [&n](std::string_view id) { return n.hosts->all.find(id); });
        n.hosts->on_change = [&n](host const& h) { n.tells->look_at(h); };
        if (auto& o = other(n); o.hosts && o.hosts->all.find("h"))
            n.hosts->theirs("h", o.hosts->of("h").record);
    }

    void sample(node& n, std::string const& value) {
        auto const record = n.hosts->sample("h", "\"storage\":" + value);
        if (auto& o = other(n); o.hosts)
            o.hosts->theirs("h", record);
    }

    void pass(mad::milliseconds d) {
        for (auto const end = now_ + d; now_ < end;) {
            auto const part = std::min<mad::duration>(end - now_, 500ms);
            now_ += part;
            for (auto& n : nodes_)
                if (n.hosts)
                    n.hosts->pass(std::chrono::duration_cast<mad::milliseconds>(part));
            // Both have decided by now, neither knows of the other.
            settle();
        }
    }

    void settle() {
        ioc_.restart();
        ioc_.poll();
    }

    boost::asio::io_context ioc_;
    heard_ledger ledger_{mad::net::shard::of(ioc_)};
    mad::time_point now_{std::chrono::hours(1)};
    std::array<node, 2> nodes_;
};

} // namespace

TEST_CASE("people hear of each change once, from whichever node") {
    struct row {
        char const* what;
        char const* script;
        char const* heard;
    };
    auto const r = GENERATE(values<row>({
        {"an alert and its end", "sample A 97; hold A 97 30; hold A 10 10",
         "ok > crit storage, crit storage > ok"},
        {"first a warning", "sample A 90; hold A 96 5; hold A 89 5; hold A 10 5",
         "ok > warn storage, warn storage > crit storage, crit storage > warn storage, "
         "warn storage > ok"},
        {"a host that is well", "sample A 10; hold A 11 60", ""},
        {"silence is shown, not told", "sample A 10; wait 20; sample A 10", ""},
        {"silence for long is told", "sample A 10; wait 40; sample B 10",
         "ok > offline, offline > ok"},
        {"a short reconnection", "sample A 10; close A; wait 4; sample A 10", ""},
        {"a lost connection, that both nodes see", "sample A 10; close A; wait 6", "ok > offline"},
        {"a clean leave", "sample A 10; leave A; wait 60; sample A 10", ""},
        {"a clean leave in the middle of an alert", "sample A 97; leave A; wait 60",
         "ok > crit storage, crit storage > ok"},
        {"the agent moves in the middle of an alert",
         "sample A 97; close A; wait 2; sample B 97; hold B 97 60; hold B 10 5",
         "ok > crit storage, crit storage > ok"},
        {"its node dies in the middle of an alert, and it moves",
         "sample A 97; kill A; wait 3; sample B 97; hold B 97 60", "ok > crit storage"},
        {"its node dies, and it does not", "sample A 97; kill A; wait 60",
         "ok > crit storage, crit storage > offline"},
        {"its node dies and is back in the middle of an alert",
         "sample A 97; kill A; wait 2; start A; sample A 97; hold A 97 10; hold A 10 5",
         "ok > crit storage, crit storage > ok"},
        {"the node that watches is restarted",
         "sample A 97; kill B; start B; hold A 97 10; hold A 10 5",
         "ok > crit storage, crit storage > ok"},
        {"both die in the middle of an alert, which goes on",
         "sample A 97; kill A; kill B; wait 30; start A; start B; sample A 97; hold A 97 30",
         "ok > crit storage"},
        {"both die in the middle of an alert, which is over then",
         "sample A 97; kill A; kill B; wait 30; start B; sample B 10; hold B 10 30",
         "ok > crit storage, crit storage > ok"},
        {"two agents with one id, one at each node",
         "sample A 97; sample B 97; sample A 97; sample B 97", "ok > crit storage"},
        {"muted all the time", "mute; sample A 97; hold A 97 5; hold A 10 5; unmute", ""},
        {"muted in the middle of an alert, which goes on",
         "sample A 97; mute; hold A 97 30; unmute; hold A 97 10", "ok > crit storage"},
        {"muted in the middle of an alert, which ends within",
         "sample A 97; mute; hold A 10 30; unmute; hold A 10 10",
         "ok > crit storage, crit storage > ok"},
        {"an alert that begins within a mute and goes on",
         "sample A 10; mute; hold A 97 30; hold A 10 10; hold A 97 10; unmute; hold A 97 10",
         "ok > crit storage"},
    }));
    CAPTURE(r.what);
    two_nodes w;
    w.run("start A; start B");
    CHECK(w.run(r.script) == r.heard);
}

TEST_CASE("a host that flaps is told of once, and once more when it is quiet") {
    two_nodes w;
    w.run("start A; start B; sample A 10");
    std::string heard;
    for (int i = 0; i < 20; ++i) {
        auto const now = w.run("hold A 97 5; hold A 10 5");
        heard += heard.empty() || now.empty() ? now : ", " + now;
    }
    CHECK(heard == "ok > crit storage, crit storage > ok, ok > crit storage, crit storage > ok, "
                   "ok > crit storage, crit storage > ok, ok > flapping");
    CHECK(w.run("hold A 10 295") == "");
    CHECK(w.run("hold A 10 10") == "flapping > ok");
    CHECK(w.run("hold A 97 5") == "ok > crit storage");
}

TEST_CASE("nobody remembers flapping when both nodes are restarted: the state is told") {
    two_nodes w;
    w.run("start A; start B; sample A 10");
    for (int i = 0; i < 4; ++i)
        w.run("hold A 97 5; hold A 10 5");
    CHECK(w.run("kill A; kill B; start A; sample A 97") == "flapping > crit storage");
}
