#ifndef MAD_SERVERS_SERVICE_HPP
#define MAD_SERVERS_SERVICE_HPP

#include "options.hpp"

#include <mad/net/signals.hpp>

#include <functional>
#include <string>

namespace programs {

/// A running program as its service manager and its user see it.
struct service {
    std::string url;                                ///< empty: it has none
    std::function<void()> reload = [] {};           ///< SIGHUP
    std::function<void(mad::milliseconds)> stop;    ///< SIGTERM, SIGINT: drain, then stop
    /// Whether another process goes on with its work, so that its end is not that of the service.
    std::function<bool()> replaced = [] { return false; };
};

/// Blocks the signals a program waits for, raises the descriptor limit, and makes name look-up work
/// in a static binary. First thing in `main`, before any thread.
mad::net::signal_wait prepare();

/// Says that it is ready (one line on standard output, and to the service manager), then serves
/// signals until it is told to stop. Gives the exit code. A second signal ends it at once.
int serve(mad::net::signal_wait const&, options const&, service);

/// Tells the service manager (sd_notify(3)); nothing happens without one.
void notify(std::string const& state);

} // namespace programs

#endif
