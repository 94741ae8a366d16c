#ifndef MAD_SERVERS_RULES_FILE_HPP
#define MAD_SERVERS_RULES_FILE_HPP

#include <mad/fleet/mutes.hpp>
#include <mad/fleet/rules.hpp>

#include <string>
#include <vector>

namespace programs {

/// What `--rules FILE` says.
struct rules_file {
    mad::fleet::rule_set rules = mad::fleet::rule_set::presets();
    std::vector<mad::fleet::mute> mutes;
};

/// Reads the file (docs/rules.md). Throws usage_error with everything that is wrong in it, one
/// mistake a line: file, line, what, and what to do.
rules_file read_rules_file(std::string const& path);

} // namespace programs

#endif
