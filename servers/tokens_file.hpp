#ifndef MAD_SERVERS_TOKENS_FILE_HPP
#define MAD_SERVERS_TOKENS_FILE_HPP

#include <mad/fleet/access.hpp>

#include <string>

namespace programs {

/// Reads the file of `--tokens` (docs/access.md). Throws usage_error with all that is wrong, each
/// with the line and what to do; no token is in it.
mad::fleet::access_rules read_tokens(std::string const& file);

} // namespace programs

#endif
