#ifndef MAD_TESTS_UNIT_FLEET_FAKE_LINK_HPP
#define MAD_TESTS_UNIT_FLEET_FAKE_LINK_HPP

#include <mad/fleet/shared_store.hpp>

#include <boost/asio/error.hpp>

#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace mad_test {

using namespace std::chrono_literals;

/// A clock that goes when it is told to.
struct hand_clock final : mad::clock {
    mad::time_point now() const override { return at; }
    std::int64_t wall_ms() const override { return 1'000'000; }
    mad::time_point at = mad::time_point{} + 1h;
};

class fake_link;

/// What nodes meet in, as a few maps. Everything that is asked happens when `run` gets to it, in
/// the order of asking; answers and messages too.
class meeting_place {
  public:
    struct node_state {
        std::string epoch;
        mad::time_point expires{};
        std::map<std::string, std::string> records;
    };

    std::int64_t shared_ms() const {
        return 50'000'000 +
               std::chrono::duration_cast<mad::milliseconds>(clock.at.time_since_epoch()).count();
    }
    bool has_lease(std::string const& node) {
        auto const it = nodes.find(node);
        return it != nodes.end() && !it->second.epoch.empty() && it->second.expires > clock.at;
    }
    /// All that is kept, `node: id id`.
    std::string kept() const {
        std::string out;
        for (auto const& [node, s] : nodes) {
            if (s.records.empty())
                continue;
            out += (out.empty() ? "" : "; ") + node + ":";
            for (auto const& [id, e] : s.records)
                out += " " + id;
        }
        return out;
    }
    void later(std::function<void()> fn) { todo.push_back(std::move(fn)); }
    void run() {
        while (!todo.empty()) {
            auto const fn = std::move(todo.front());
            todo.pop_front();
            fn();
        }
    }
    inline void publish(std::string const& message);

    hand_clock clock;
    std::map<std::string, node_state> nodes;
    std::map<std::string, std::int64_t> scores;
    std::set<std::string> reaping;
    std::vector<std::string> foreign;
    std::vector<fake_link*> links;
    std::deque<std::function<void()>> todo;
    std::vector<std::string> messages;
    mad::milliseconds lease{15'000};
    bool full = false;     ///< refuses writes
    std::string dark;      ///< the node of which nobody can tell anything
    int lose_messages = 0; ///< so many of the next ones reach nobody
    /// Holds back answers of `read_records`.
    bool hold_records = false;
    std::vector<std::function<void()>> held;
};

class fake_link final : public mad::fleet::node_link {
  public:
    fake_link(meeting_place& p, std::string node)
        : place_(p)
        , node_(std::move(node)) {
        p.links.push_back(this);
    }
    ~fake_link() override { std::erase(place_.links, this); }

    void start(mad::net::shard&, events e) override { says = std::move(e); }

    void connect() {
        connected = true;
        says.listening();
        says.up();
    }
    void cut(std::string why = "cut") {
        connected = false;
        ++connection_;
        says.deaf();
        says.down(std::move(why));
    }

    void read_clock(answer<std::int64_t> a) override {
        ask([this, a = std::move(a)] { a(place_.shared_ms()); });
    }
    void join(std::string epoch, std::int64_t score, std::vector<mad::fleet::change_batch::set> all,
              answer<mad::fleet::written> a) override {
        ask([this, epoch = std::move(epoch), score, all = std::move(all), a = std::move(a)] {
            if (place_.full)
                return a(mad::fleet::written{false, "OOM"});
            auto& n = place_.nodes[node_];
            n.epoch = epoch;
            n.expires = place_.clock.at + place_.lease;
            n.records.clear();
            for (auto const& s : all)
                n.records[s.id] = s.envelope;
            place_.scores[node_] = score;
            ++joins;
            a(mad::fleet::written{});
        });
    }
    void renew(std::string epoch, std::int64_t score, std::string message,
               answer<mad::fleet::renewal> a) override {
        ask([this, epoch = std::move(epoch), score, message = std::move(message),
             a = std::move(a)] {
            mad::fleet::renewal r;
            r.now_ms = place_.shared_ms();
            auto& n = place_.nodes[node_];
            if (place_.has_lease(node_))
                r.held = n.epoch;
            r.records = n.records.size();
            r.kept = !place_.full;
            if (r.kept) {
                n.epoch = epoch;
                n.expires = place_.clock.at + place_.lease;
                place_.scores[node_] = score;
            }
            place_.publish(message);
            a(std::move(r));
        });
    }
    void write(mad::fleet::change_batch b, std::string message,
               answer<mad::fleet::written> a) override {
        ++writes;
        ask([this, b = std::move(b), message = std::move(message), a = std::move(a)] {
            auto& n = place_.nodes[node_];
            for (auto const& r : b.removals)
                n.records.erase(r.id);
            if (!place_.full)
                for (auto const& s : b.sets)
                    n.records[s.id] = s.envelope;
            place_.publish(message);
            a(mad::fleet::written{!place_.full, place_.full ? "OOM" : ""});
        });
    }
    void send(std::string message) override {
        ask([this, message = std::move(message)] { place_.publish(message); });
    }
    void read_nodes(answer<std::vector<mad::fleet::node_sign>> a) override {
        ask([this, a = std::move(a)] {
            std::vector<mad::fleet::node_sign> all;
            for (auto const& [node, score] : place_.scores)
                if (node != node_)
                    all.push_back({node, score, std::nullopt});
            a(std::move(all));
        });
    }
    void read_node(std::string node, answer<mad::fleet::node_sign> a) override {
        ask([this, node = std::move(node), a = std::move(a)] {
            if (place_.dark == node)
                return a(mad::error_code(boost::asio::error::timed_out));
            mad::fleet::node_sign s{node, 0, std::nullopt};
            if (auto const it = place_.scores.find(node); it != place_.scores.end())
                s.score = it->second;
            if (place_.has_lease(node))
                s.epoch = place_.nodes[node].epoch;
            a(std::move(s));
        });
    }
    void read_records(std::string node, answer<mad::fleet::node_records> a) override {
        ask([this, node = std::move(node), a = std::move(a)] {
            ++reads;
            mad::fleet::node_records r;
            if (place_.has_lease(node))
                r.epoch = place_.nodes[node].epoch;
            for (auto const& [id, e] : place_.nodes[node].records)
                r.envelopes.emplace_back(id, e);
            if (place_.hold_records)
                place_.held.push_back([a, r = std::move(r)] { a(r); });
            else
                a(std::move(r));
        });
    }
    void reap(std::string node, answer<std::optional<mad::fleet::node_records>> a) override {
        ask([this, node = std::move(node), a = std::move(a)] {
            if (place_.has_lease(node) || !place_.reaping.insert(node).second)
                return a(std::optional<mad::fleet::node_records>());
            mad::fleet::node_records r;
            for (auto const& [id, e] : place_.nodes[node].records)
                r.envelopes.emplace_back(id, e);
            place_.nodes.erase(node);
            place_.scores.erase(node);
            a(std::optional(std::move(r)));
        });
    }
    void read_foreign(answer<std::vector<std::string>> a) override {
        ask([this, a = std::move(a)] { a(place_.foreign); });
    }
    void leave(std::string message, std::function<void()> done) override {
        ask([this, message = std::move(message), done = std::move(done)] {
            place_.nodes.erase(node_);
            place_.scores.erase(node_);
            place_.publish(message);
            done();
        });
    }

    events says;
    bool connected = false;
    int reads = 0, writes = 0, joins = 0;

  private:
    /// What a connection has not carried out when it is cut is never answered.
    void ask(std::function<void()> fn) {
        if (connected)
            place_.later([this, fn = std::move(fn), c = connection_] {
                if (c == connection_)
                    fn();
            });
    }

    meeting_place& place_;
    std::string node_;
    int connection_ = 0;
};

inline void meeting_place::publish(std::string const& message) {
    messages.push_back(message);
    if (lose_messages > 0) {
        --lose_messages;
        return;
    }
    for (auto* const l : links)
        if (l->connected)
            l->says.message(message);
}

/// One node with its shared store, and what its consoles were told: `+a 1`, `-a`.
class fake_node {
  public:
    explicit fake_node(meeting_place& p, std::string const& name, bool foreign = false)
        : place_(p) {
        mad::fleet::sharing_settings s;
        s.node = name;
        s.time = &p.clock;
        s.foreign = foreign;
        auto l = std::make_unique<fake_link>(p, name);
        link = l.get();
        store = std::make_unique<mad::fleet::shared_store>(std::move(s), std::move(l));
        mad::fleet::store_watch w;
        w.updated = [this](mad::fleet::stored_record const& r, bool moved) {
            if (moved)
                told += "-" + r.id + " ";
            told += "+" + r.id + value_of(r.record) + " ";
        };
        w.gone = [this](std::string_view id) { told += "-" + std::string(id) + " "; };
        store->start(mad::net::shard::of(context_), std::move(w));
    }

    static std::string record(std::string const& id, std::string const& socket, int value,
                              std::string const& more = {}) {
        return "{\"id\":\"" + id + "\",\"health\":{\"storage\":" + std::to_string(value) + "}" +
               more + ",\"socketID\":\"" + socket + "\"}";
    }
    static std::string value_of(std::string const& record) {
        auto const at = record.find("\"storage\":") + 10;
        return record.substr(at, record.find('}', at) - at);
    }

    void put(std::string const& id, std::string const& socket, int value,
             std::string const& run = {}, std::uint64_t seq = 0) {
        mad::fleet::stored_record r;
        r.id = id;
        r.socket_id = socket;
        std::string more;
        if (!run.empty())
            more = ",\"run\":\"" + run + "\",\"seq\":" + std::to_string(seq);
        r.record = record(id, socket, value, more);
        r.run = run;
        r.seq = seq;
        r.seen = place_.clock.at;
        store->put(std::move(r));
    }
    bool drop(std::string const& id, std::string const& socket) { return store->drop(id, socket); }

    /// `a1 b7`, in order.
    std::string shows() const {
        std::vector<std::string> all;
        store->each(
            [&](mad::fleet::stored_record const& r) { all.push_back(r.id + value_of(r.record)); });
        std::sort(all.begin(), all.end());
        std::string out;
        for (auto const& s : all)
            out += (out.empty() ? "" : " ") + s;
        return out;
    }
    std::string heard() {
        auto out = std::exchange(told, {});
        if (!out.empty())
            out.pop_back();
        return out;
    }
    std::uint64_t count(std::string_view name) const {
        for (auto const& [n, v] : store->state().counters)
            if (n == name)
                return v;
        return 0;
    }

  private:
    boost::asio::io_context context_; // outlives the store
    meeting_place& place_;

  public:
    std::unique_ptr<mad::fleet::shared_store> store;
    fake_link* link = nullptr;
    std::string told;
};

} // namespace mad_test

#endif
