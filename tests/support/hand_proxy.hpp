#ifndef MAD_TESTS_SUPPORT_HAND_PROXY_HPP
#define MAD_TESTS_SUPPORT_HAND_PROXY_HPP

#include "hand_calls.hpp"

#include <mad/proxy/server.hpp>

#include <array>
#include <deque>
#include <memory>
#include <string>
#include <string_view>

namespace mad_test::hand {

namespace proxy = mad::proxy;

inline proxy::settings proxy_settings() {
    proxy::settings s;
    s.upstreams.push_back(proxy::parse_upstream("one=http://127.0.0.1:3001").value());
    s.upstreams.push_back(proxy::parse_upstream("two=http://127.0.0.1:3002").value());
    s.health.slow_start = mad::milliseconds(0);
    s.max_connections = 100;
    return s;
}

/// A proxy between four clients (0 to 3) and its nodes: 4 to 7 are the first connections to one
/// that are still there. Health checks are answered here.
class proxy_world : public calling_world {
  public:
    explicit proxy_world(proxy::settings s = proxy_settings()) {
        {
            under_test const counted;
            io_ = std::make_unique<proxy::server>(
                std::vector<mad::net::shard*>{&mad::net::shard::of(ctx_)}, std::move(s));
            (void)io_->adopt(listening_socket());
        }
        turn();
    }

    void send(unsigned who, std::string_view text) {
        if (auto* const p = at(who))
            p->send(text);
    }
    void half_close(unsigned who) {
        if (auto* const p = at(who))
            p->half_close();
    }
    void close(unsigned who) {
        if (who < 4)
            clients_[who].reset();
        else if (who - 4 < nodes_.size())
            nodes_[who - 4].close(); // its place is kept
    }

    void act(unsigned what) {
        under_test const counted;
        switch (what % 4) {
        case 0:
            return io_->drain();
        case 1:
            return (void)io_->pool().drain("one");
        case 2:
            return (void)io_->pool().undrain("one");
        case 3:
            healthy_ = !healthy_;
        }
    }

    void turn() {
        for (int i = 0; i < 3; ++i) { // a node's answer may bring the next connection
            calling_world::turn();
            for (auto& c : calls_)
                sort(std::move(c));
            calls_.clear();
        }
        for (auto& p : probes_)
            p.read();
        for (auto& p : nodes_)
            p.read();
        for (auto& p : clients_)
            if (p)
                p->read();
        std::erase_if(probes_, [](peer const& p) { return p.ended || !p.is_open(); });
    }
    void advance(std::chrono::milliseconds by) {
        advance_clock(by);
        turn();
    }

    std::string finish() {
        for (auto& p : clients_)
            p.reset();
        turn();
        {
            under_test const counted;
            io_->drain();
        }
        turn();
        nodes_.clear();
        for (int i = 0; i < 20 && io_->connections() > 0; ++i)
            advance(std::chrono::seconds(30));
        std::string wrong;
        if (io_->connections() > 0)
            wrong += "connections left; ";
        auto const counts = io_->count();
        if (counts.tunnels > 0)
            wrong += "tunnels left; ";
        for (auto const& u : io_->pool().status())
            if (u.at->count->requests_open != 0 || u.at->count->tunnels != 0)
                wrong += "upstream " + u.at->to.name + " is thought to be busy; ";
        {
            under_test const counted;
            io_->close();
        }
        turn();
        {
            under_test const counted;
            io_.reset();
        }
        restless_ = !settle(ctx_) || restless_;
        probes_.clear();
        nodes_.clear();
        if (restless_)
            wrong += "never at rest; ";
        forget_connections();
        return wrong;
    }

    peer const* client(unsigned i) const { return clients_[i].get(); }
    std::deque<peer>& nodes() { return nodes_; }

  private:
    peer* at(unsigned who) {
        if (who >= 4)
            return who - 4 < nodes_.size() ? &nodes_[who - 4] : nullptr;
        auto& p = clients_[who];
        if (!p) {
            p = std::make_unique<peer>(connect_to_listener());
            turn();
        }
        return p.get();
    }

    /// A health check is no node of the script's.
    void sort(peer&& p) {
        p.read();
        if (p.received.starts_with("GET /ready ")) {
            p.send(healthy_ ? "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                            : "HTTP/1.1 503 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            p.half_close();
            probes_.push_back(std::move(p));
        } else if (nodes_.size() < 64) {
            nodes_.push_back(std::move(p));
        }
    }

    std::unique_ptr<proxy::server> io_;
    std::array<std::unique_ptr<peer>, 4> clients_;
    std::deque<peer> nodes_;
    std::vector<peer> probes_;
    bool healthy_ = true;
};

} // namespace mad_test::hand

#endif
