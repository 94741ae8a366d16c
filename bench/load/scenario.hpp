#ifndef MAD_BENCH_LOAD_SCENARIO_HPP
#define MAD_BENCH_LOAD_SCENARIO_HPP

#include "loop.hpp"
#include "metrics.hpp"

#include <vector>

namespace bench {

/// What every scenario can be told. Defaults are those of the table in the documentation.
struct settings {
    target to;                  ///< the first server
    std::vector<target> others; ///< broadcast, consoles: more of them, the clients spread over all
    std::vector<pid_t> servers; ///< whose CPU and memory to read
    std::size_t connections = 100; ///< clients at a time
    std::size_t in_flight = 1;     ///< messages sent and not yet answered (echo: per connection)
    std::size_t payload = 16;      ///< characters in the argument of a message
    std::size_t echoes = 0;        ///< connect: messages each client echoes before it leaves
    unsigned revision = 4;         ///< echo, polling-echo: of Engine.IO, 3 or 4
    double rate = 0;               ///< messages a second, due at even times; echo, 0: one by one
    std::size_t consoles = 1;      ///< fleet: pages that are told what the clients send
    std::size_t churn = 64;        ///< churn: clients at a time that come and go beside the others
    std::size_t slow = 10;         ///< slow: clients beside the others that do not read
    std::size_t fill = 0;          ///< slow: broadcasts to them before the warm-up
    double settle = 2.0;           ///< idle, slow: seconds before memory is read
    extent how_long;

    /// The first of `servers`; 0: nobody's.
    [[nodiscard]] pid_t server() const { return servers.empty() ? 0 : servers.front(); }
};

void run_connect(settings const& s, json_line& out);
void run_echo(settings const& s, json_line& out);
void run_polling_echo(settings const& s, json_line& out);
void run_requests(settings const& s, json_line& out);
void run_broadcast(settings const& s, json_line& out);
void run_crowd(settings const& s, json_line& out);
void run_churn(settings const& s, json_line& out);
void run_slow(settings const& s, json_line& out);
void run_idle(settings const& s, json_line& out);
void run_consoles(settings const& s, json_line& out);
void run_fleet(settings const& s, json_line& out);

/// The argument of a message: a JSON string of `s.payload` characters.
inline std::string argument(settings const& s) {
    return "\"" + std::string(s.payload, 'x') + "\"";
}

/// Handshakes that are under way at a time while a scenario opens its clients.
inline constexpr std::size_t max_handshakes = 64;

} // namespace bench

#endif
