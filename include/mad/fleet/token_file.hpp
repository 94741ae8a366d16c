#ifndef MAD_FLEET_TOKEN_FILE_HPP
#define MAD_FLEET_TOKEN_FILE_HPP

#include <mad/config.hpp>

#include <string>

namespace mad::inline MAD_ABI::fleet {

/// Reads the first line of a file that holds one token: 1 to 4,096 visible ASCII characters. What
/// is wrong, for people; empty when `token` has it. A file that everybody may read, or others than
/// its owner may write, is refused: such a token is no secret. (Its group may read it: a service
/// account that is not the owner.)
std::string read_token_file(std::string const& path, std::string& token);

} // namespace mad::inline MAD_ABI::fleet

#if !defined(MAD_SEPARATE_COMPILATION)
#include <mad/fleet/impl/token_file.ipp>
#endif

#endif
