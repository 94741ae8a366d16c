#ifndef MAD_SOCKETIO_ROOM_LIST_HPP
#define MAD_SOCKETIO_ROOM_LIST_HPP

#include <mad/config.hpp>

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mad::inline MAD_ABI::socketio {

/// One room or some, as an argument: `"a"`, `{"a", "b"}`, a vector.
struct room_list {
    room_list(char const* name)
        : names{name} {}
    room_list(std::string name)
        : names{std::move(name)} {}
    room_list(std::string_view name)
        : names{std::string(name)} {}
    room_list(std::initializer_list<std::string> all)
        : names(all) {}
    room_list(std::vector<std::string> all)
        : names(std::move(all)) {}

    std::vector<std::string> names;
};

} // namespace mad::inline MAD_ABI::socketio

#endif
