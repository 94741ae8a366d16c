#ifndef MAD_TESTS_SUPPORT_REDIS_TOPOLOGIES_HPP
#define MAD_TESTS_SUPPORT_REDIS_TOPOLOGIES_HPP

#include <support/redis_server.hpp>

#include <array>
#include <memory>
#include <string>

namespace mad_test {

/// A master, its replica, and a sentinel that watches over them.
struct watched {
    explicit watched(redis_server::words extra = {}, std::string const& words = "")
        : first(extra)
        , second(with(extra, {"--replicaof", "127.0.0.1", std::to_string(first.port())}))
        , guard(redis_server::sentinel("sentinel monitor mymaster 127.0.0.1 " +
                                       std::to_string(first.port()) + " 1\n" +
                                       "sentinel down-after-milliseconds mymaster 300\n" +
                                       "sentinel failover-timeout mymaster 3000\n" + words)) {}

    static redis_server::words with(redis_server::words a, redis_server::words const& b) {
        a.insert(a.end(), b.begin(), b.end());
        return a;
    }

    /// The replica is in step, and the sentinel knows it.
    bool ready() {
        return second.say("INFO replication").find("master_link_status:up") != std::string::npos &&
               guard.say("SENTINEL REPLICAS mymaster").find("*0") == std::string::npos &&
               guard.say("INFO sentinel").find("slaves=1") != std::string::npos;
    }
    std::string url(std::string const& rest = "") const {
        return "redis+sentinel://127.0.0.1:1,127.0.0.1:" + std::to_string(guard.port()) +
               "/mymaster" + rest;
    }

    redis_server first, second, guard;
};

/// Three masters with a third of the slots each.
struct small_cluster {
    explicit small_cluster(redis_server::words const& extra = {}) {
        for (auto& n : nodes)
            n = std::make_unique<redis_server>(
                watched::with({"--cluster-enabled", "yes", "--cluster-node-timeout", "1500",
                               "--cluster-require-full-coverage", "no"},
                              extra));
        constexpr std::array<int, 4> bounds{0, 5461, 10923, 16384};
        for (std::size_t i = 0; i < 3; ++i) {
            std::string all = "CLUSTER ADDSLOTS"; // Redis 6 knows no ranges
            for (int slot = bounds[i]; slot < bounds[i + 1]; ++slot)
                all += ' ' + std::to_string(slot);
            nodes[i]->say(all);
            nodes[i]->say("CLUSTER SET-CONFIG-EPOCH " + std::to_string(i + 1));
        }
        for (std::size_t i = 1; i < 3; ++i)
            nodes[0]->say("CLUSTER MEET 127.0.0.1 " + std::to_string(nodes[i]->port()));
    }

    bool ready() {
        for (auto& n : nodes) {
            auto const text = n->say("CLUSTER INFO");
            if (text.find("cluster_state:ok") == text.npos ||
                text.find("cluster_known_nodes:3") == text.npos ||
                text.find("cluster_slots_ok:16384") == text.npos)
                return false;
        }
        return true;
    }
    std::string id(std::size_t i) { return nodes[i]->say("CLUSTER MYID").substr(5, 40); }
    std::string url() const { return nodes[0]->url("?cluster=1"); }
    redis_server& operator[](std::size_t i) { return *nodes[i]; }

    std::array<std::unique_ptr<redis_server>, 3> nodes;
};

} // namespace mad_test

#endif
