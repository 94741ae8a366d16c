#include "../redis/redis_world.hpp"

#include <mad/sync/redis_adapter.hpp>
#include <mad/sync/redis_bus.hpp>
#include <mad/sync/sharded_adapter.hpp>
#include <mad/sync/streams_adapter.hpp>

#include <support/fake_sockets.hpp>
#include <support/redis_topologies.hpp>

#include <algorithm>

using namespace mad_test;
namespace sync_room = mad::sync;
namespace sio = mad::socketio;

namespace {

enum class flavour { classic, sharded, streams };

/// A node that knows one server of the Cluster.
struct node {
    node(redis_world& w, flavour f, std::string const& url)
        : bus(std::make_shared<sync_room::redis_bus>(w.ctx, redis::parse_url(url).value(),
                                                     w.quick()))
        , found(w.ctx) {
        if (f == flavour::classic)
            reach = sync_room::make_redis_adapters(bus)("/", sockets);
        else if (f == flavour::sharded)
            reach = sync_room::make_sharded_adapters(bus)("/", sockets);
        else
            reach = sync_room::make_streams_adapters(bus)("/", sockets);
    }

    /// The sockets of all nodes; `error: …` when they do not tell.
    boost::asio::awaitable<fake_sockets::names> fetch() {
        reach->fetch({}, [this](mad::result<std::vector<sio::socket_info>> r) {
            fake_sockets::names ids;
            if (!r)
                ids.push_back("error: " + r.error().message());
            else
                for (auto const& i : *r)
                    ids.push_back(i.id);
            std::sort(ids.begin(), ids.end());
            found.push(std::move(ids));
        });
        co_return co_await found.next();
    }

    fake_sockets sockets;
    std::shared_ptr<sync_room::redis_bus> bus;
    std::unique_ptr<sio::adapter> reach;
    inbox<fake_sockets::names> found;
};

/// Who listens, as each server counts.
std::vector<int> listeners(small_cluster& all, std::string const& what) {
    std::vector<int> out;
    for (auto& n : all.nodes) {
        auto const text = n->say("PUBSUB " + what);
        out.push_back(std::stoi(text.substr(text.rfind(':') + 1)));
    }
    return out;
}

} // namespace

TEST_CASE("nodes on different servers of a Cluster find each other's sockets") {
    auto const f = GENERATE(flavour::classic, flavour::streams, flavour::sharded);
    std::string const topology = GENERATE("", "?cluster=1");
    CAPTURE(static_cast<int>(f), topology);
    if (auto const why = redis_server::without_sharded_channels();
        f == flavour::sharded && !why.empty()) {
        WARN("left out: " << why);
        return;
    }
    small_cluster all;
    redis_world w;
    std::vector<std::unique_ptr<node>> nodes;
    auto const what = f == flavour::classic   ? "NUMSUB socket.io-request#/#"
                      : f == flavour::sharded ? "SHARDNUMSUB socket.io#/#"
                                              : "NUMSUB socket.io#/#";
    w.play([](redis_world& w1, small_cluster& a, std::vector<std::unique_ptr<node>>& n, flavour f1,
              std::string const& rest, std::string const& counted) -> story {
        co_await turns_until(w1.ctx, [&] { return a.ready(); });
        for (std::size_t i = 0; i < 2; ++i) {
            n.push_back(std::make_unique<node>(w1, f1, a[i].url(rest)));
            n[i]->sockets.add("socket " + std::to_string(i));
        }
        co_await turns_until(w1.ctx, [&] {
            auto const heard = listeners(a, counted);
            return heard[0] + heard[1] + heard[2] == 2;
        });
        if (f1 != flavour::sharded) {
            CHECK(listeners(a, counted) == std::vector<int>{1, 1, 0}); // no server knows both
        }
        fake_sockets::names const both{"socket 0", "socket 1"};
        for (auto const& from : n) {
            auto const got = co_await from->fetch();
            CHECK(got == both);
        }
        n.clear();
    }(w, all, nodes, f, topology, what));
}
