// mad-proxy: stands in front of the nodes and keeps each client on its own.

#include "proxy_service.hpp"
#include "service.hpp"

#include <mad/net/listener.hpp>

#include <unistd.h>

int main(int argc, char** argv) {
    auto const signals = programs::prepare();
    return programs::run("mad-proxy", [&] {
        programs::proxy_flags flags;
        if (auto const code = flags.parse(argc, argv))
            return *code;
        auto config = flags.config();
        if (flags.common.check)
            return 0;
        programs::proxy_service proxy(std::move(config), mad::net::passed_listeners());
        proxy.start();
        auto const reload = [&] {
            programs::proxy_flags again;
            if (again.parse(argc, argv))
                return;
            proxy.reload(again.config());
            flags.common.drain_timeout = again.common.drain_timeout;
        };
        if (proxy.inherited()) // the service manager is to watch this process from now on
            programs::notify("MAINPID=" + std::to_string(::getpid()));
        return programs::serve(
            signals, flags.common,
            {proxy.url(), reload, [&](mad::milliseconds drain) { proxy.stop(drain); },
             [&] { return proxy.given(); },
             [&](std::function<void()> alive) { proxy.probe(std::move(alive)); }});
    });
}
