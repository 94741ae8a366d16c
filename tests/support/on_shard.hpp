#ifndef MAD_TESTS_SUPPORT_ON_SHARD_HPP
#define MAD_TESTS_SUPPORT_ON_SHARD_HPP

#include <mad/net/shard.hpp>

#include <functional>
#include <future>

namespace mad_test {

/// Runs on a shard, which another thread drives, and waits until it has.
inline void run_on(mad::net::shard& s, std::function<void()> const& fn) {
    std::promise<void> done;
    s.post([&] {
        fn();
        done.set_value();
    });
    done.get_future().get();
}

} // namespace mad_test

#endif
