#ifndef MAD_TESTS_CATCH_3_HPP
#define MAD_TESTS_CATCH_3_HPP

// What the tests use of Catch2 2 under the names it had there; for systems that have Catch2 3.

#include <catch2/catch_all.hpp>

using Catch::Approx;

namespace Catch {
inline auto Contains(std::string const& part) {
    return Matchers::ContainsSubstring(part);
}
} // namespace Catch

#endif
