#ifndef MAD_CORE_LOG_HPP
#define MAD_CORE_LOG_HPP

#include <mad/config.hpp>

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace mad::inline MAD_ABI {

enum class log_level : std::uint8_t { debug, info, warn, error, off };

std::string_view to_string(log_level);
std::optional<log_level> log_level_of(std::string_view name);

/// One `key: value` of a log event. Holds views: it lives as long as the call.
struct log_field {
    using value_type = std::variant<std::string_view, std::int64_t, std::uint64_t, double, bool>;

    std::string_view key;
    value_type value;

    log_field(std::string_view k, std::string_view v)
        : key(k)
        , value(v) {}
    log_field(std::string_view k, char const* v)
        : key(k)
        , value(std::string_view(v)) {}
    log_field(std::string_view k, std::string const& v)
        : key(k)
        , value(std::string_view(v)) {}
    log_field(std::string_view k, bool v)
        : key(k)
        , value(v) {}
    log_field(std::string_view k, double v)
        : key(k)
        , value(v) {}
    log_field(std::string_view k, std::signed_integral auto v)
        : key(k)
        , value(static_cast<std::int64_t>(v)) {}
    log_field(std::string_view k, std::unsigned_integral auto v)
        : key(k)
        , value(static_cast<std::uint64_t>(v)) {}
};

/// One event: a constant dotted name (`engine.session.closed`), then fields.
struct log_event {
    log_level level;
    std::string_view name;
    std::initializer_list<log_field> fields;
};

/// Where events go. Called from any thread.
class log_sink {
  public:
    virtual ~log_sink() = default;
    virtual void write(log_event const&) = 0;
};

/// A cheap, copyable handle that settings carry. Without a sink it discards everything.
class logger {
  public:
    logger() = default;
    explicit logger(std::shared_ptr<log_sink> sink, log_level least = log_level::info)
        : sink_(std::move(sink))
        , least_(sink_ ? least : log_level::off) {}

    bool wants(log_level l) const { return l >= least_ && l != log_level::off; }

    void debug(std::string_view name, std::initializer_list<log_field> f = {}) const {
        emit(log_level::debug, name, f);
    }
    void info(std::string_view name, std::initializer_list<log_field> f = {}) const {
        emit(log_level::info, name, f);
    }
    void warn(std::string_view name, std::initializer_list<log_field> f = {}) const {
        emit(log_level::warn, name, f);
    }
    void error(std::string_view name, std::initializer_list<log_field> f = {}) const {
        emit(log_level::error, name, f);
    }

  private:
    void emit(log_level l, std::string_view name, std::initializer_list<log_field> f) const {
        if (wants(l))
            sink_->write({l, name, f});
    }

    std::shared_ptr<log_sink> sink_;
    log_level least_ = log_level::off;
};

enum class log_format : std::uint8_t { as_text, as_json };

/// Longest line written, in bytes; a longer one is cut and ends in `...`.
inline constexpr std::size_t max_log_line_bytes = 1024;

/// One event as one line without the newline. Bytes under 0x20, 0x7f and bytes that are not UTF-8
/// are written `\xNN`, so no peer can forge a line or drive a terminal.
/// Example (text): `2026-01-02T03:04:05.006Z info engine.session.opened sid=abc123 rev=4`
std::string format_log_line(log_event const&, log_format, std::int64_t wall_ms);

/// A sink that writes lines to a file descriptor, one `write` each. Default: stderr.
std::shared_ptr<log_sink> make_line_sink(log_format, int fd = 2);

} // namespace mad::inline MAD_ABI

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/core/impl/log.ipp>
#endif

#endif
