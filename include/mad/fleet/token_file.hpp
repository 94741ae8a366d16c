#ifndef MAD_FLEET_TOKEN_FILE_HPP
#define MAD_FLEET_TOKEN_FILE_HPP

#include <mad/config.hpp>

#include <cstddef>
#include <string>

namespace mad::inline MAD_ABI::fleet {

/// Reads the first line of a file that holds one token: 1 to 4,096 visible ASCII characters. What
/// is wrong, for people; empty when `token` has it. A file that everybody may read, or others than
/// its owner may write, is refused: such a token is no secret. (Its group may read it: a service
/// account that is not the owner.)
std::string read_token_file(std::string const& path, std::string& token);

/// Reads all of a file that holds secrets, with the same demand on who may read it. Over
/// `max_bytes` it is refused.
std::string read_secret_file(std::string const& path, std::size_t max_bytes, std::string& text);

} // namespace mad::inline MAD_ABI::fleet

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/fleet/impl/token_file.ipp>
#endif

#endif
