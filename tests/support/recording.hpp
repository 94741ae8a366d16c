#ifndef MAD_TESTS_SUPPORT_RECORDING_HPP
#define MAD_TESTS_SUPPORT_RECORDING_HPP

#include <mad/core/json.hpp>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>

namespace mad_test {

/// The rows of a recorded exchange (tests/conformance/golden), in order.
inline mad::json read_recording(std::string const& name) {
    auto const* const root = std::getenv("MAD_TESTS_DIR");
    if (!root)
        throw std::runtime_error("MAD_TESTS_DIR is not set: the folder tests/ of the sources");
    std::ifstream file(std::string(root) + "/conformance/golden/" + name + ".json");
    std::string const text((std::istreambuf_iterator<char>(file)), {});
    auto all = mad::json::parse(text, nullptr, false);
    if (!all.is_array())
        throw std::runtime_error("no recording of that name: " + name);
    return all;
}

} // namespace mad_test

#endif
