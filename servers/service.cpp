#include "service.hpp"

#include <mad/net/address_limits.hpp>

#include <cstdlib>
#include <cstring>
#include <iostream>
#include <thread>

#include <nss.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace programs {

mad::net::signal_wait prepare() {
    mad::net::signal_wait signals{SIGINT, SIGTERM, SIGHUP};
    mad::net::raise_descriptor_limit();
#if defined(MAD_STATIC_PROGRAM)
    // glibc would load the host's name service modules, made for another glibc than ours.
    __nss_configure_lookup("hosts", "files dns");
#endif
    return signals;
}

void notify(std::string const& state) {
    char const* const path = std::getenv("NOTIFY_SOCKET");
    if (!path || !*path)
        return;
    sockaddr_un at{};
    at.sun_family = AF_UNIX;
    std::string name(path);
    if (name.size() >= sizeof at.sun_path)
        return;
    std::memcpy(at.sun_path, name.data(), name.size());
    if (name.front() == '@')
        at.sun_path[0] = '\0'; // an abstract name
    int const fd = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    auto const size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
    // Without the manager the program goes on all the same.
    [[maybe_unused]] auto const n = ::sendto(fd, state.data(), state.size(), MSG_NOSIGNAL,
                                             reinterpret_cast<sockaddr*>(&at), size);
    ::close(fd);
}

int serve(mad::net::signal_wait const& signals, options const& o, service s) {
    std::cout << "ready " << o.name << (s.url.empty() ? "" : " " + s.url) << std::endl;
    notify("READY=1");
    auto const log = o.make_logger();
    for (int got = signals.next(); got == SIGHUP; got = signals.next()) {
        notify("RELOADING=1");
        try {
            s.reload();
            log.info("program.reloaded");
        } catch (std::exception const& e) {
            log.error("program.reload.failed", {{"what", e.what()}});
        }
        notify("READY=1");
    }
    if (!s.replaced())
        notify("STOPPING=1");
    std::thread impatient([&signals] {
        int again = signals.next();
        while (again == SIGHUP)
            again = signals.next();
        ::_exit(0);
    });
    impatient.detach(); // waits for a second signal that may never come
    s.stop(o.drain_timeout);
    return 0;
}

} // namespace programs
