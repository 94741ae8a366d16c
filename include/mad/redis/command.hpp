#ifndef MAD_REDIS_COMMAND_HPP
#define MAD_REDIS_COMMAND_HPP

#include <mad/core/clock.hpp>
#include <mad/core/error.hpp>

#include <concepts>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace mad::inline MAD_ABI::redis {

/// One command with its arguments, any bytes, as it goes over the wire:
///
///     redis::command("HSET", "mad:{node}:clients", id, record)
///     // *4\r\n$4\r\nHSET\r\n$18\r\nmad:{node}:clients\r\n...
///
/// Arguments are text, integers, and spans of text. Written straight into the form of the wire, one
/// allocation for all: `redisFormatCommandArgv` would cost one more, and a copy.
class command {
  public:
    template <class... Args>
    explicit command(std::string_view name, Args const&... args) {
        text_.reserve(header_room + room_for(name) + (std::size_t{0} + ... + room_for(args)));
        text_.assign(header_room, '\0');
        add(name);
        (add(args), ...);
    }

    /// One argument more.
    command& add(std::string_view);
    command& add(std::integral auto n) {
        static_assert(!std::is_same_v<decltype(n), bool> && !std::is_same_v<decltype(n), char>);
        if constexpr (std::signed_integral<decltype(n)>)
            return add_signed(n);
        else
            return add_unsigned(n);
    }
    /// Each of them.
    command& add(std::span<std::string const> all) {
        for (auto const& a : all)
            add(std::string_view(a));
        return *this;
    }
    command& add(std::vector<std::string> const& all) {
        return add(std::span<std::string const>(all));
    }

    /// May run twice: sent again when the connection breaks before the answer has come. Off by
    /// default: then such a command ends with `error::connection_lost`.
    command& idempotent(bool on = true) {
        idempotent_ = on;
        return *this;
    }
    bool is_idempotent() const { return idempotent_; }

    /// How long the answer is awaited, instead of `settings::command_timeout`. A command that
    /// blocks
    /// (`BLPOP`, `XREAD BLOCK`) holds up all behind it: give it a client of its own.
    command& timeout(milliseconds t) {
        timeout_ = t;
        return *this;
    }
    std::optional<milliseconds> timeout() const { return timeout_; }

    /// Where it goes in a Cluster, when its key is not found by itself.
    command& route_by(std::string_view key);
    command& route_to(std::uint16_t slot) {
        slot_ = slot;
        return *this;
    }

    /// `HSET` as it was written.
    std::string_view name() const { return argument(0); }
    /// Arguments, the name included.
    std::size_t size() const { return count_; }
    std::string_view argument(std::size_t i) const;

    /// The slot of its key in a Cluster; nothing when it has none (`PING`, `PUBLISH`) and any node
    /// will do.
    std::optional<std::uint16_t> slot() const;

    /// The bytes for the wire.
    std::string_view wire() const { return std::string_view(text_).substr(header_at_); }

  private:
    static constexpr std::size_t header_room = 16;

    static std::size_t room_for(std::string_view s) { return s.size() + 14; }
    static std::size_t room_for(std::integral auto) { return 34; }
    static std::size_t room_for(std::span<std::string const> all) {
        std::size_t n = 0;
        for (auto const& a : all)
            n += room_for(std::string_view(a));
        return n;
    }
    static std::size_t room_for(std::vector<std::string> const& all) {
        return room_for(std::span<std::string const>(all));
    }
    command& add_signed(std::int64_t);
    command& add_unsigned(std::uint64_t);

    std::string text_; // room, `*N\r\n` that ends where the room ends, arguments
    std::uint32_t count_ = 0;
    std::uint8_t header_at_ = header_room;
    bool idempotent_ = false;
    std::optional<milliseconds> timeout_;
    std::optional<std::uint16_t> slot_;
};

/// Several commands that leave together, in one write.
class pipeline {
  public:
    template <class... Args>
    pipeline& add(std::string_view name, Args const&... args) {
        commands_.emplace_back(name, args...);
        return *this;
    }
    pipeline& add(command c) {
        commands_.push_back(std::move(c));
        return *this;
    }
    void clear() { commands_.clear(); }
    bool empty() const { return commands_.empty(); }
    std::size_t size() const { return commands_.size(); }
    std::span<command const> commands() const { return commands_; }
    std::vector<command> take() && { return std::move(commands_); }

  private:
    std::vector<command> commands_;
};

/// A Lua script, known by its SHA-1. `client::eval` sends the digest, and the whole text only to a
/// server that does not know it.
class script {
  public:
    explicit script(std::string text);

    std::string_view text() const { return text_; }
    std::string_view digest() const { return digest_; }

    /// `EVALSHA digest n keys... args...`
    command by_digest(std::span<std::string const> keys, std::span<std::string const> args) const;
    /// `EVAL text n keys... args...`
    command by_text(std::span<std::string const> keys, std::span<std::string const> args) const;

  private:
    std::string text_, digest_;
};

/// The slot of a key in a Cluster, 0 to 16383: CRC16 (XMODEM) of it, or of what stands between its
/// first `{` and the next `}` when that is not empty.
std::uint16_t slot_of(std::string_view key);

} // namespace mad::inline MAD_ABI::redis

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/redis/impl/command.ipp>
#endif

#endif
