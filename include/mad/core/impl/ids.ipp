#ifndef MAD_CORE_IMPL_IDS_IPP
#define MAD_CORE_IMPL_IDS_IPP

#include <mad/core/base64.hpp>
#include <mad/core/bytes.hpp>
#include <mad/core/ids.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <system_error>

#include <pthread.h>
#include <sys/random.h>

namespace mad::inline MAD_ABI {

namespace detail {

inline void read_system_random(std::span<std::uint8_t> out) {
    while (!out.empty()) {
        auto const n = ::getrandom(out.data(), out.size(), 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            throw std::system_error(n < 0 ? errno : EIO, std::generic_category(), "getrandom");
        out = out.subspan(static_cast<std::size_t>(n));
    }
}

/// How many forks lie between the first process and this one. A child must not give out what its
/// parent has buffered.
inline std::uint32_t fork_generation() {
    static std::atomic<std::uint32_t> generation{0};
    [[maybe_unused]] static int const watched = ::pthread_atfork(
        nullptr, nullptr, [] { generation.fetch_add(1, std::memory_order_relaxed); });
    return generation.load(std::memory_order_relaxed);
}

class random_buffer {
  public:
    void fill(std::span<std::uint8_t> out) {
        if (auto const now = fork_generation(); now != generation_) {
            generation_ = now;
            left_ = 0;
        }
        if (out.size() > bytes_.size() / 4)
            return read_system_random(out);
        if (out.size() > left_) {
            left_ = 0;
            read_system_random(bytes_);
            left_ = bytes_.size();
        }
        // From the end; what is given out is not kept.
        left_ -= out.size();
        auto const given = std::span(bytes_).subspan(left_, out.size());
        std::copy(given.begin(), given.end(), out.begin());
        std::fill(given.begin(), given.end(), std::uint8_t{0});
    }

  private:
    std::array<std::uint8_t, 4096> bytes_;
    std::size_t left_ = 0;
    std::uint32_t generation_ = 0;
};

/// The three bytes behind the random ones, when `sid` has the form of ours.
/// Value of one base64url character; -1 for any other.
constexpr int base64url_digit(char c) {
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '-' ? 62 : c == '_' ? 63 : -1;
}

/// Bytes 12 to 14 of a session id: its last four characters.
inline std::optional<std::array<std::uint8_t, 3>> session_id_tail(std::string_view sid) {
    if (sid.size() != session_id::size)
        return std::nullopt;
    unsigned bits = 0;
    for (char const c : sid) {
        int const digit = base64url_digit(c);
        if (digit < 0)
            return std::nullopt;
        bits = bits << 6 | static_cast<unsigned>(digit); // the last four stay
    }
    auto const byte = [](unsigned v) { return static_cast<std::uint8_t>(v); };
    return std::array{byte(bits >> 16), byte(bits >> 8), byte(bits)};
}

} // namespace detail

MAD_DECL void fill_random(std::span<std::uint8_t> out) {
    static thread_local detail::random_buffer buffer;
    buffer.fill(out);
}

MAD_DECL std::string random_id(std::size_t random_bytes) {
    bytes raw(random_bytes);
    fill_random(raw);
    std::string id;
    append_base64url(id, as_text(raw));
    return id;
}

MAD_DECL std::string session_id::make(std::uint8_t shard, std::uint16_t node_tag) {
    std::array<std::uint8_t, 15> raw;
    fill_random(std::span(raw).first(12));
    raw[12] = static_cast<std::uint8_t>(255 - shard);
    raw[13] = static_cast<std::uint8_t>(node_tag >> 8);
    raw[14] = static_cast<std::uint8_t>(node_tag);
    std::string id;
    append_base64url(id, as_text(raw));
    return id;
}

MAD_DECL std::optional<std::uint8_t> session_id::shard_of(std::string_view sid) {
    if (auto const tail = detail::session_id_tail(sid))
        return static_cast<std::uint8_t>(255 - (*tail)[0]);
    return std::nullopt;
}

MAD_DECL std::optional<std::uint16_t> session_id::node_tag_of(std::string_view sid) {
    if (auto const tail = detail::session_id_tail(sid); tail && (*tail)[0] > 127)
        return static_cast<std::uint16_t>((*tail)[1] << 8 | (*tail)[2]);
    return std::nullopt;
}

MAD_DECL bool equal_secret(std::string_view a, std::string_view b) {
    if (a.size() != b.size())
        return false;
    // Volatile, so that the compiler cannot stop at the first difference.
    unsigned char volatile differs = 0;
    for (std::size_t i = 0; i < a.size(); ++i)
        differs = static_cast<unsigned char>(differs | (a[i] ^ b[i]));
    return differs == 0;
}

} // namespace mad::inline MAD_ABI

#endif
