#ifndef MAD_TESTS_SUPPORT_REDIS_GOLDEN_HPP
#define MAD_TESTS_SUPPORT_REDIS_GOLDEN_HPP

#include <support/recording.hpp>
#include <support/unhex.hpp>

#include <mad/core/json.hpp>

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
    auto const all = read_recording(name);
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
            c.args.push_back(a.contains("hex") ? unhex(a["hex"].get<std::string>())
                                               : a["text"].get<std::string>());
        }
        out.push_back(std::move(c));
    }
    return out;
}

} // namespace mad_test

#endif
