#ifndef MAD_SYNC_MSGPACK_HPP
#define MAD_SYNC_MSGPACK_HPP

#include <mad/config.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace mad::inline MAD_ABI::sync {

// msgpack as notepack.io writes it (and @msgpack/msgpack, for what both can say): the smallest form
// of each integer, every other number as float64, text as `str`, bytes as `bin`.

void append_msgpack_map(std::string& out, std::size_t members);
void append_msgpack_array(std::string& out, std::size_t elements);
void append_msgpack_text(std::string& out, std::string_view);
void append_msgpack_bytes(std::string& out, std::string_view);
void append_msgpack_unsigned(std::string& out, std::uint64_t);
void append_msgpack_signed(std::string& out, std::int64_t);
/// As JavaScript sees numbers: 2.0 is the integer 2, -0 is 0. What has no integer form is a float.
void append_msgpack_number(std::string& out, double);
inline void append_msgpack_bool(std::string& out, bool on) {
    out += on ? '\xc3' : '\xc2';
}

/// The value that `json` holds, in one pass and without building it: `["hi",1]` becomes `92 a2 68
/// 69 01`. With attachments their placeholders become bytes. False when the text is no JSON, nests
/// deeper than 512 or names an attachment that is not there; `out` is then as it was.
bool append_msgpack_json(std::string& out, std::string_view json,
                         std::span<std::string_view const> attachments = {});

} // namespace mad::inline MAD_ABI::sync

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/sync/impl/msgpack.ipp>
#endif

#endif
