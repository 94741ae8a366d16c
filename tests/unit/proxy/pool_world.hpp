#ifndef MAD_TESTS_UNIT_PROXY_POOL_WORLD_HPP
#define MAD_TESTS_UNIT_PROXY_POOL_WORLD_HPP

#include <mad/proxy/affinity.hpp>
#include <mad/proxy/pool.hpp>

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace pool_world {

using namespace mad;
using namespace std::chrono_literals;
using kind = proxy::pool_event::kind;
using state = proxy::upstream_state;

inline proxy::upstream server(std::string name, unsigned weight = 1) {
    proxy::upstream u;
    u.name = std::move(name);
    u.host = "10.0.0.1";
    u.port = 3000;
    u.weight = weight;
    return u;
}

/// A target by itself, as a view has it.
inline std::shared_ptr<proxy::target const> target_of(std::uint32_t id, std::string name,
                                                      double share = 1) {
    static proxy::cookie_signer const signer("the secret of these tests");
    auto t = std::make_shared<proxy::target>();
    t->id = id;
    t->to = server(std::move(name));
    t->state = state::up;
    t->share = share;
    t->serves = true;
    t->cookie = signer.sign(signer.id_of(t->to.name));
    t->seed = proxy::detail::affinity_hash(t->to.name);
    t->count = std::make_shared<proxy::upstream_counters>();
    return t;
}

/// A pool, and a clock that is moved by hand.
struct world {
    explicit world(proxy::health_settings h = {}, proxy::drain_settings d = {})
        : it(h, d, proxy::cookie_signer("the secret of these tests"), now) {}

    time_point now{1h};
    proxy::pool it;

    std::uint32_t add(std::string name, unsigned weight = 1) {
        return it.put(server(std::move(name), weight), now).value();
    }
    std::vector<std::uint32_t> add_all(std::vector<std::string> names) {
        std::vector<std::uint32_t> ids;
        for (auto& n : names)
            ids.push_back(add(n));
        for (auto const id : ids)
            good(id);
        events();
        return ids;
    }

    void probe(std::uint32_t id, proxy::probe_result::kind what) {
        it.on_probe(id, {what, {}, "said so"}, now);
    }
    void good(std::uint32_t id) { probe(id, proxy::probe_result::kind::good); }
    void fail(std::uint32_t id) { probe(id, proxy::probe_result::kind::failed); }
    void down(std::uint32_t id) {
        fail(id);
        fail(id);
    }
    void back(std::uint32_t id) {
        good(id);
        good(id);
    }

    /// Lets time go by, with all that is due in it.
    void pass(duration d) {
        auto const end = now + d;
        while (true) {
            auto const next = it.tick(now);
            if (next > end)
                break;
            now = std::max(next, now + 1ms);
        }
        now = end;
        it.tick(now);
    }

    std::shared_ptr<proxy::target const> at(std::uint32_t id) { return it.view(now)->by_id(id); }
    state state_of(std::uint32_t id) { return at(id)->state; }

    /// `up a`, `panic`.
    std::vector<std::string> events() {
        std::vector<std::string> out;
        for (auto const& e : it.take_events())
            out.push_back(std::string(to_string(e.what)) + (e.id ? " " + e.name : ""));
        return out;
    }
};

} // namespace pool_world

#endif
