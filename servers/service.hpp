#ifndef MAD_SERVERS_SERVICE_HPP
#define MAD_SERVERS_SERVICE_HPP

#include "options.hpp"

#include <mad/net/signals.hpp>

#include <boost/asio/io_context.hpp>

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace programs {

/// How long a program may be silent, half of what the service manager allows (`WATCHDOG_USEC`);
/// nothing: it does not ask.
std::optional<mad::milliseconds> watchdog_beat();

/// A running program as its service manager and its user see it.
struct service {
    std::string url;                             ///< empty: it has none
    std::function<void()> reload = [] {};        ///< SIGHUP
    std::function<void(mad::milliseconds)> stop; ///< SIGTERM, SIGINT: drain, then stop
    /// Whether another process goes on with its work, so that its end is not that of the service.
    std::function<bool()> replaced = [] { return false; };
    /// Calls what it is given once all threads that do the work have come by: a watchdog is told
    /// so. Default: at once.
    std::function<void(std::function<void()>)> probe = [](std::function<void()> const& f) { f(); };
};

/// Blocks the signals a program waits for, raises the descriptor limit, and makes name look-up work
/// in a static binary. First thing in `main`, before any thread.
mad::net::signal_wait prepare();

/// Says that it is ready (one line on standard output, and to the service manager), then serves
/// signals until it is told to stop. Gives the exit code. A second signal ends it at once.
int serve(mad::net::signal_wait const&, options const&, service);

/// The parts of `serve` for a program with one thread, which begins to run `loop` afterwards:
/// signals and the watchdog are served there, so one that hangs is noticed. `service::stop` only
/// begins the end; `announce` is called when the program is ready.
void attend(mad::net::signal_wait const&, options const&, boost::asio::io_context& loop, service);
void announce(options const&, std::string const& url);

/// Goes on as that user (a name or a number of /etc/passwd) with its primary group alone, and
/// never gains rights again. Throws usage_error: nobody has that name, or we may not.
void become(std::string const& user);

/// The version of the release that this program is of: that of `manifest.json` beside the folder it
/// is in, else its own.
std::string release_version();

/// Tells the service manager (sd_notify(3)); nothing happens without one.
void notify(std::string const& state);
/// The same as the line of status that it shows; text of peers can add nothing else.
void notify_status(std::string_view text);

} // namespace programs

#endif
