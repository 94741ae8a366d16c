#ifndef MAD_TESTS_SUPPORT_REDIS_GOLDEN_HPP
#define MAD_TESTS_SUPPORT_REDIS_GOLDEN_HPP

#include <mad/core/json.hpp>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <vector>

namespace mad_test {

/// One command that a node has sent to Redis, as recorded, and the step that it belongs to.
struct redis_command {
    std::string step, from, name;
    std::vector<std::string> args;
    mad::json decoded;
};

/// The commands of a recorded exchange between nodes (tests/conformance/golden/redis-*), in order.
inline std::vector<redis_command> redis_golden(std::string const& name) {
    auto const* const root = std::getenv("MAD_TESTS_DIR");
    if (!root)
        throw std::runtime_error("MAD_TESTS_DIR is not set: the folder tests/ of the sources");
    std::ifstream file(std::string(root) + "/conformance/golden/" + name + ".json");
    std::string const text((std::istreambuf_iterator<char>(file)), {});
    auto const all = mad::json::parse(text, nullptr, false);
    if (!all.is_array())
        throw std::runtime_error("no recording of that name: " + name);
    std::vector<redis_command> out;
    std::string step;
    for (auto const& r : all) {
        if (r["kind"] == "step")
            step = r["note"].get<std::string>();
        if (r["kind"] != "redis-cmd")
            continue;
        redis_command c{step,
                        r["dir"].get<std::string>(),
                        r["cmd"].get<std::string>(),
                        {},
                        r.contains("decoded") ? r["decoded"] : mad::json()};
        for (auto const& a : r["args"]) {
            if (!a.contains("hex")) {
                c.args.push_back(a["text"].get<std::string>());
                continue;
            }
            auto const hex = a["hex"].get<std::string>();
            auto& bytes = c.args.emplace_back();
            for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
                bytes += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
        }
        out.push_back(std::move(c));
    }
    return out;
}

} // namespace mad_test

#endif
