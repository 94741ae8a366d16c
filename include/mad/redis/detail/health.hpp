#ifndef MAD_REDIS_DETAIL_HEALTH_HPP
#define MAD_REDIS_DETAIL_HEALTH_HPP

#include <mad/redis/state.hpp>

#include <string>
#include <string_view>

namespace mad::inline MAD_ABI::redis::detail {

/// When something happened, by both clocks.
struct moment {
    time_point at;
    std::int64_t wall_ms;

    static moment now() {
        auto const& c = system_clock::instance();
        return {c.now(), c.wall_ms()};
    }
};

/// What the condition of a client follows from. Each event tells whether the condition is another
/// one now.
class health {
  public:
    explicit health(moment m) {
        now_.since = m.at;
        now_.since_wall_ms = m.wall_ms;
    }

    condition const& now() const { return now_; }

    /// Connected, and as it should be.
    bool up(moment);
    bool down(moment, error_code why, std::string_view text);
    /// Connected, but a part is away.
    bool partly(moment, error_code why, std::string_view text);

    /// The server refused a command although it is there (OOM, MISCONF, NOPERM).
    bool refused(moment, std::string_view command, error_code why, std::string_view text);
    /// A command worked. What was refused before is well again when the same one works.
    bool worked(moment m, std::string_view command) {
        return refused_.empty() || refused_ != command ? false : up_again(m);
    }

  private:
    bool up_again(moment);
    bool change(moment, state, error_code why, std::string_view text);

    condition now_;
    std::string refused_; // the name of the command; empty: none is
};

} // namespace mad::inline MAD_ABI::redis::detail

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/redis/impl/health.ipp>
#endif

#endif
