#ifndef MAD_HOST_IMPL_CLIENT_ID_IPP
#define MAD_HOST_IMPL_CLIENT_ID_IPP

#include <mad/core/ids.hpp>
#include <mad/core/sha1.hpp>
#include <mad/core/utf8.hpp>
#include <mad/host/client_id.hpp>
#include <mad/host/error.hpp>
#include <mad/host/file_reader.hpp>

#include <algorithm>
#include <array>
#include <cstdio>

#include <fcntl.h>
#include <unistd.h>

namespace mad::inline MAD_ABI::host {

namespace detail {

/// HMAC (RFC 2104) over SHA-1: what is weak in SHA-1, finding two texts of one hash, is no help in
/// finding the text to a hash. `key` has at most 64 bytes.
inline std::array<std::uint8_t, 20> keyed_hash(std::string_view key, std::string_view text) {
    std::string inner(64, '\x36'), outer(64, '\x5c');
    for (std::size_t i = 0; i < key.size(); ++i) {
        inner[i] = static_cast<char>(inner[i] ^ key[i]);
        outer[i] = static_cast<char>(outer[i] ^ key[i]);
    }
    auto const first = sha1(inner.append(text));
    return sha1(outer.append(reinterpret_cast<char const*>(first.data()), first.size()));
}

inline std::string hex_of(std::span<std::uint8_t const> bytes) {
    constexpr char digits[] = "0123456789abcdef";
    std::string out;
    for (auto b : bytes) {
        out += digits[b >> 4];
        out += digits[b & 15];
    }
    return out;
}

/// Writes to a neighbour and renames, so that a crash leaves the whole file or none.
inline bool save_line(std::string const& path, std::string_view line) {
    auto const fresh = path + ".new";
    int const fd = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return false;
    auto const text = std::string(line) + '\n';
    bool ok = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
    ok = ::fsync(fd) == 0 && ok;
    ok = ::close(fd) == 0 && ok;
    if (ok && std::rename(fresh.c_str(), path.c_str()) == 0)
        return true;
    ::unlink(fresh.c_str());
    return false;
}

} // namespace detail

MAD_DECL bool is_client_id(std::string_view id) {
    auto const is_control = [](unsigned char c) { return c < 0x20 || c == 0x7f; };
    return !id.empty() && id.size() <= max_client_id_bytes && is_utf8(id) &&
           std::none_of(id.begin(), id.end(), is_control);
}

MAD_DECL std::string id_from_machine_id(std::string_view machine_id) {
    auto const is_hex = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
    bool const usable = machine_id.size() == 32 &&
                        std::all_of(machine_id.begin(), machine_id.end(), is_hex) &&
                        machine_id.find_first_not_of('0') != machine_id.npos;
    if (!usable)
        return {};
    auto const hash = detail::keyed_hash("mad.host.client_id.v1", machine_id);
    return detail::hex_of(std::span(hash).first(16));
}

MAD_DECL result<client_id> find_client_id(client_id_settings const& s) {
    if (!s.configured.empty()) {
        if (!is_client_id(s.configured))
            return make_error_code(error::bad_client_id);
        return client_id{s.configured, id_origin::configured};
    }
    read_buffer buffer(512);
    if (!s.state_file.empty())
        if (auto saved = first_line_of({s.state_file}, buffer); is_client_id(saved))
            return client_id{std::move(saved), id_origin::saved};

    auto const machine_id = first_line_of(
        {s.where.root + "/etc/machine-id", s.where.root + "/var/lib/dbus/machine-id"}, buffer);
    if (auto derived = id_from_machine_id(machine_id); !derived.empty())
        return client_id{std::move(derived), id_origin::machine};

    std::array<std::uint8_t, 16> drawn{};
    if (s.random)
        s.random(drawn);
    else
        fill_random(drawn);
    client_id out{detail::hex_of(drawn), id_origin::random};
    out.kept = !s.state_file.empty() && detail::save_line(s.state_file, out.value);
    return out;
}

} // namespace mad::inline MAD_ABI::host

#endif
