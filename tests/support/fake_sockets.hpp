#ifndef MAD_TESTS_SUPPORT_FAKE_SOCKETS_HPP
#define MAD_TESTS_SUPPORT_FAKE_SOCKETS_HPP

#include <mad/core/json.hpp>
#include <mad/core/json_parse.hpp>
#include <mad/socketio/adapter.hpp>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace mad_test {

/// The sockets of one node, in one thread: what each has been sent is a list of texts.
class fake_sockets final : public mad::socketio::local_sockets {
  public:
    using names = std::vector<std::string>;

    struct socket {
        std::set<std::string> rooms;
        std::vector<std::string> got;
        std::vector<std::string> attachments;
        std::string data = "{}";
        /// What it answers when it is asked; nothing: it does not.
        std::optional<mad::json> answer;
    };
    std::map<std::string, socket> sockets;
    std::vector<mad::socketio::broadcast_flags> flags;
    std::vector<std::pair<std::string, mad::json>> events; ///< of other nodes
    std::function<mad::json(mad::json const&)> on_event;   ///< what is replied
    std::vector<std::string> ended;

    void add(std::string const& id, names const& rooms = {}) {
        sockets[id] = {};
        tell(id, true, true);
        for (auto const& r : rooms)
            enter(id, r);
    }

    names of(mad::socketio::target const& t) const {
        names out;
        auto const in = [](std::string const& id, socket const& s, names const& some) {
            return std::any_of(some.begin(), some.end(), [&](std::string const& r) {
                return r == id || s.rooms.contains(r);
            });
        };
        for (auto const& [id, s] : sockets)
            if ((t.rooms.empty() || in(id, s, t.rooms)) && !in(id, s, t.except))
                out.push_back(id);
        return out;
    }

    void deliver(mad::socketio::encoded const& p, mad::socketio::target const& t,
                 mad::socketio::broadcast_flags f) override {
        flags.push_back(f);
        for (auto const& id : of(t)) {
            auto& s = sockets[id];
            s.got.emplace_back(p.text().payload());
            for (auto const& a : p.attachments())
                s.attachments.emplace_back(a.payload());
        }
    }
    void deliver_with_ack(mad::socketio::encoded const& p, std::uint64_t,
                          mad::socketio::target const& t, mad::socketio::broadcast_flags f,
                          mad::milliseconds,
                          std::function<void(mad::socketio::ack_responses)> done) override {
        deliver(p, t, f);
        mad::socketio::ack_responses r;
        for (auto const& id : of(t)) {
            if (auto const& a = sockets[id].answer)
                r.values.push_back(*a);
            else
                r.ec = mad::socketio::error::timeout;
        }
        done(std::move(r));
    }
    void ask_local(std::function<mad::socketio::encoded(std::uint64_t)> const& make,
                   mad::socketio::target const& t, mad::socketio::broadcast_flags f,
                   mad::milliseconds, std::function<void(std::size_t)> counted,
                   std::function<void(mad::json)> answered) override {
        deliver(make(7), t, f);
        counted(of(t).size());
        for (auto const& id : of(t))
            if (auto const& a = sockets[id].answer)
                answered(*a);
    }
    void join_local(mad::socketio::target const& t, names rooms) override {
        for (auto const& id : of(t))
            for (auto const& r : rooms)
                enter(id, r);
    }
    void leave_local(mad::socketio::target const& t, names rooms) override {
        for (auto const& id : of(t))
            for (auto const& r : rooms)
                if (sockets[id].rooms.erase(r) > 0 && of({{r}, {}}).empty())
                    tell(r, false, false);
    }
    void disconnect_local(mad::socketio::target const& t, bool close) override {
        for (auto const& id : of(t)) {
            ended.push_back(id + (close ? " close" : ""));
            sockets.erase(id);
        }
    }
    void fetch_local(mad::socketio::target const& t,
                     std::function<void(std::vector<mad::socketio::socket_info>)> done) override {
        std::vector<mad::socketio::socket_info> out;
        for (auto const& id : of(t)) {
            mad::socketio::socket_info i;
            i.id = id;
            i.rooms = {id};
            auto const& s = sockets[id];
            i.rooms.insert(i.rooms.end(), s.rooms.begin(), s.rooms.end());
            i.data = s.data;
            i.handshake = R"({"address":"127.0.0.1"})";
            out.push_back(std::move(i));
        }
        done(std::move(out));
    }
    void ids_local(mad::socketio::target const& t, std::function<void(names)> done) override {
        done(of(t));
    }
    void rooms_local(std::function<void(names)> done) override {
        std::set<std::string> all;
        for (auto const& [id, s] : sockets) {
            all.insert(id);
            all.insert(s.rooms.begin(), s.rooms.end());
        }
        done({all.begin(), all.end()});
    }
    void watch_rooms(std::function<void(std::string const&, bool, bool)> fn) override {
        watch = std::move(fn);
    }
    void server_side_event(std::string event, mad::socketio::arguments args,
                           std::function<void(mad::socketio::arguments)> reply) override {
        events.emplace_back(event, mad::json(args.values));
        if (reply && on_event)
            reply({{on_event(args.values)}});
    }

    std::function<void(std::string const&, bool, bool)> watch;

  private:
    void enter(std::string const& id, std::string const& room) {
        bool const fresh = of({{room}, {}}).empty();
        sockets[id].rooms.insert(room);
        if (fresh)
            tell(room, false, true);
    }
    void tell(std::string const& room, bool own, bool exists) {
        if (watch)
            watch(room, own, exists);
    }
};

} // namespace mad_test

#endif
