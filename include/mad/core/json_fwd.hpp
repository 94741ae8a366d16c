#ifndef MAD_CORE_JSON_FWD_HPP
#define MAD_CORE_JSON_FWD_HPP

#include <mad/config.hpp>

#include <nlohmann/json_fwd.hpp>

namespace mad::inline MAD_ABI {

/// JSON values keep the order of their keys: peers see it.
using json = nlohmann::ordered_json;

} // namespace mad::inline MAD_ABI

#endif
