#ifndef MAD_CORE_JSON_HPP
#define MAD_CORE_JSON_HPP

#include <mad/core/json_fwd.hpp>

#include <nlohmann/json.hpp>

#endif
