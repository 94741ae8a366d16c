#ifndef MAD_BINDINGS_LOG_BOX_HPP
#define MAD_BINDINGS_LOG_BOX_HPP

#include "inbox.hpp"

#include <mad/core/log.hpp>

#include <atomic>
#include <cstddef>
#include <memory>
#include <sys/types.h>

namespace mad_python {

/// Where the log events of everything native in this process wait for Python's `logging`. Who logs
/// never waits and never takes Python's lock; a thread of Python empties the inbox.
class log_box : public std::enable_shared_from_this<log_box> {
  public:
    /// Most events that may wait; those that come then are only counted.
    static constexpr std::size_t most = 1000;

    log_box();

    /// A logger whose events come here. Its last copy says so when it goes.
    mad::logger open();

    std::shared_ptr<inbox> box() const { return box_; }

    /// Loggers that are open.
    std::size_t users() const { return users_; }

    /// Events below it are dropped where they happen. `off` until somebody asks for more.
    void set_level(mad::log_level level) { level_ = level; }

    /// How many were lost since the last time.
    std::size_t take_lost() { return lost_.exchange(0); }

  private:
    class tap;

    void write(mad::log_event const&);
    void left();
    bool elsewhere() const;

    std::shared_ptr<inbox> box_ = std::make_shared<inbox>();
    std::atomic<mad::log_level> level_{mad::log_level::off};
    std::atomic<std::size_t> users_{0}, waiting_{0}, lost_{0};
    ::pid_t owner_;
};

} // namespace mad_python

#endif
