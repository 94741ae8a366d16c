#ifndef MAD_ENGINE_DETAIL_FAREWELLS_HPP
#define MAD_ENGINE_DETAIL_FAREWELLS_HPP

#include <mad/engine/server.hpp>

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace mad::inline MAD_ABI::engine::detail {

/// What is left of the sessions of one shard when they are over: websockets whose peers have not
/// said goodbye yet, and last words that clients have still to poll for. All of it has a deadline.
class farewells {
  public:
    farewells(net::shard& home, server_settings const& s)
        : home_(home)
        , settings_(s) {}

    /// Until the peer has closed it too.
    void linger(std::unique_ptr<websocket> w, close_reason why) {
        add(std::make_unique<lingerer>(*this, std::move(w)), why);
    }

    /// One that no session has: opened, then closed in order.
    void shut(std::unique_ptr<websocket>);

    /// Bodies for the next GETs of that session.
    void keep(std::string_view sid, std::vector<polling_body> bodies, close_reason);

    /// The next of them.
    std::optional<polling_body> take(std::string const& sid);

    /// A websocket that is about to take the session over: with its `5` it gets the last words as
    /// `frames`, unless they have been polled for.
    void await_upgrade(std::unique_ptr<websocket>, std::string_view sid,
                       std::vector<net::wire_block> frames, close_reason);

  private:
    struct lingerer final : transport_events {
        lingerer(farewells& f, std::unique_ptr<websocket> s)
            : owner(f)
            , socket(std::move(s))
            , limit([](void* self) { static_cast<lingerer*>(self)->cut(); }, this) {}

        void on_packet(packet_view const& p) override {
            if (!heir_of.empty() && !p.binary && p.type == packet_type::upgrade)
                owner.bequeath(*this);
        }
        void on_transport_end(close_reason) override { owner.forget(*this); }

        void cut() {
            socket->close(close_manner::silent);
            owner.forget(*this);
        }

        farewells& owner;
        std::unique_ptr<websocket> socket;
        net::deadline limit;
        std::size_t slot = 0;
        std::string heir_of; // the session whose last words it gets with `5`, if any
    };

    struct goodbye {
        goodbye(farewells& f, std::string_view s, std::vector<polling_body> b)
            : owner(f)
            , sid(s)
            , bodies(std::move(b))
            , limit([](void* self) { static_cast<goodbye*>(self)->expire(); }, this) {}

        void expire() { owner.drop(sid); }

        farewells& owner;
        std::string sid;
        std::vector<polling_body> bodies;
        std::vector<net::wire_block> frames; // the same for an upgraded client; empty once polled
        net::deadline limit;
    };

    void add(std::unique_ptr<lingerer>, close_reason);
    void bequeath(lingerer&);
    void forget(lingerer&);
    void drop(std::string const& sid);

    net::shard& home_;
    server_settings const& settings_;
    std::vector<std::unique_ptr<lingerer>> lingering_;
    std::unordered_map<std::string, std::unique_ptr<goodbye>> goodbyes_;
    std::size_t bytes_ = 0; // of goodbyes
};

} // namespace mad::inline MAD_ABI::engine::detail

#endif
