#ifndef MAD_NET_WAIT_HPP
#define MAD_NET_WAIT_HPP

#include <mad/core/clock.hpp>

#include <thread>

namespace mad::inline MAD_ABI::net {

/// Waits on a thread that serves nothing until `done()` or the time is over. Whether it is done.
template <class Done>
bool wait_until(Done&& done, milliseconds most) {
    auto const end = std::chrono::steady_clock::now() + most;
    while (!done()) {
        if (std::chrono::steady_clock::now() >= end)
            return false;
        std::this_thread::sleep_for(milliseconds(2));
    }
    return true;
}

} // namespace mad::inline MAD_ABI::net

#endif
