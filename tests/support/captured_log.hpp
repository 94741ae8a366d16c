#ifndef MAD_TESTS_SUPPORT_CAPTURED_LOG_HPP
#define MAD_TESTS_SUPPORT_CAPTURED_LOG_HPP

#include <mad/core/log.hpp>

#include <algorithm>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace mad_test {

/// Keeps every event as the line that would have been written. From any thread.
class captured_log {
  public:
    mad::logger handle(mad::log_level least = mad::log_level::debug) const {
        return mad::logger(sink_, least);
    }

    std::vector<std::string> lines() const {
        std::lock_guard const lock(sink_->mutex);
        return sink_->lines;
    }

    /// Events of that name.
    long count(std::string_view name) const {
        auto const all = lines();
        return std::count_if(all.begin(), all.end(), [&](std::string const& l) {
            return l.find(" " + std::string(name) + " ") != l.npos ||
                   l.ends_with(" " + std::string(name));
        });
    }

    /// Whether any line holds that text.
    bool has(std::string_view text) const {
        auto const all = lines();
        return std::any_of(all.begin(), all.end(),
                           [&](std::string const& l) { return l.find(text) != l.npos; });
    }

  private:
    struct sink final : mad::log_sink {
        void write(mad::log_event const& e) override {
            auto line = mad::format_log_line(e, mad::log_format::as_text, 0);
            std::lock_guard const lock(mutex);
            lines.push_back(std::move(line));
        }
        std::mutex mutex;
        std::vector<std::string> lines;
    };

    std::shared_ptr<sink> sink_ = std::make_shared<sink>();
};

} // namespace mad_test

#endif
