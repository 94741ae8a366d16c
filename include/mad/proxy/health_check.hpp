#ifndef MAD_PROXY_HEALTH_CHECK_HPP
#define MAD_PROXY_HEALTH_CHECK_HPP

#include <mad/core/clock.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace mad::inline MAD_ABI::proxy {

/// When an upstream counts as up. Defaults are ours.
struct health_settings {
    /// Asked of each upstream instead of the ladder of `health_check`: 2xx and 3xx are good.
    /// Empty (default): the ladder.
    std::string path = {};

    milliseconds interval{2'000};
    milliseconds timeout{1'000}; ///< for connecting and answering together

    unsigned fall = 2; ///< failures in a row until it is down
    unsigned rise = 2; ///< good answers in a row until it is up again; the first time one is enough

    /// So many failed connects of the relays within the window, and it is down without a probe; but
    /// never more than half of all upstreams at once.
    unsigned passive_failures = 3;
    milliseconds passive_window{10'000};

    /// How long the part of new sessions grows, from a tenth, of one that has come up.
    milliseconds slow_start{30'000};

    /// Going down so often within the window keeps it out for the hold.
    unsigned flaps = 5;
    milliseconds flap_window{60'000};
    milliseconds hold{60'000};

    /// How often a name is looked up again.
    milliseconds lookup{30'000};
};

/// What one probe came to.
struct probe_result {
    enum class kind : std::uint8_t {
        good,
        not_ready, ///< alive, but takes nothing new now
        draining,  ///< the same, and it is about to leave
        failed,
        ask_again, ///< nothing known: the next rung of the ladder is to be asked at once
    };

    kind what = kind::failed;
    std::optional<std::uint16_t> tag = {}; ///< what the ids of a mad node's sessions carry
    std::string why = {};                  ///< of a failure, in words
};

/// What to ask an upstream, and what its answers mean. It begins with `GET /ready`, which mad nodes
/// know. Who says 404, 501 or any other 4xx is asked `GET /health`, and who does not know that
/// either is taken to be alive by any answer to it. Who connects but has never answered anything
/// (an HTTP server of Node without handlers lets such requests hang) is asked `GET /socket.io/`
/// for a transport that does not exist, which every Engine.IO server refuses at once; and where
/// that is not answered either, a connection is enough. What was found is remembered.
class health_check {
  public:
    enum class rung : std::uint8_t { own_path, ready, health, any_answer, engine, connect };

    /// `path`: see `health_settings::path`.
    explicit health_check(std::string path = {}, std::string engine_path = "/socket.io/");

    rung at() const { return at_; }

    /// What to `GET`; empty: connecting is enough.
    std::string_view target() const;

    /// Whether `on_silence` asks who connects: not of those who have ever answered.
    bool connecting_counts() const { return !answered_ && at_ != rung::own_path; }

    /// It answered. At most the first KB of the body is looked at.
    probe_result on_answer(int status, std::string_view body);

    /// It did not, or not in time, or not in HTTP; `connected`: but a connection came about.
    probe_result on_silence(bool connected, std::string why);

  private:
    rung at_;
    std::string path_, engine_target_;
    bool answered_ = false;      ///< ever
    unsigned connects_only_ = 0; ///< probes since the ladder was begun anew
};

} // namespace mad::inline MAD_ABI::proxy

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/proxy/impl/health_check.ipp>
#endif

#endif
