// This machine's health, one line per sample, until Ctrl-C or the given number of lines:
//   example_sampler [SECONDS [LINES]]

#include <mad/host/sample_feed.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

#include <cstdio>
#include <cstdlib>

namespace asio = boost::asio;
namespace host = mad::host;

namespace {

void print(host::sample const& s) {
    // What could not be measured is absent; 0 is a measured 0.
    if (s.cpu)
        std::printf("cpu %.1f %%  ", s.cpu->pct);
    if (s.memory)
        std::printf("memory %.1f %%  ", s.memory->pct);
    if (s.psi.io && s.psi.io->some)
        std::printf("waiting for disks %.1f %%  ", *s.psi.io->some);
    std::printf("fullest disk %.1f %%  network %.3f Mbit/s\n", s.storage, s.network);
    std::fflush(stdout);
}

} // namespace

int main(int argc, char** argv) {
    host::sampler_settings settings;
    if (argc > 1)
        settings.interval = mad::milliseconds(static_cast<int>(std::atof(argv[1]) * 1000));
    if (settings.interval < host::sample_feed::min_interval) {
        std::fputs("usage: example_sampler [SECONDS [LINES]], at least 0.2 seconds\n", stderr);
        return 2;
    }
    int left = argc > 2 ? std::atoi(argv[2]) : 0;

    asio::io_context ioc;
    asio::signal_set signals(ioc, SIGINT, SIGTERM);
    host::sample_feed feed(ioc.get_executor(), settings, [&](host::sample const& s) {
        print(s);
        if (--left == 0)
            ioc.stop();
    });
    feed.start();
    signals.async_wait([&](auto, auto) { ioc.stop(); });
    ioc.run();
}
