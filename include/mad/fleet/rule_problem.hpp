#ifndef MAD_FLEET_RULE_PROBLEM_HPP
#define MAD_FLEET_RULE_PROBLEM_HPP

#include <mad/core/error.hpp>

#include <string>

namespace mad::inline MAD_ABI::fleet {

/// What is wrong with the JSON of a rule or a mute.
struct rule_problem {
    bool shape = true;   ///< false: each member is what it should be, but they make no sense
    std::string message; ///< for people: the member, what is wrong, what may be
};

template <class T>
using rule_result = boost::system::result<T, rule_problem>;

} // namespace mad::inline MAD_ABI::fleet

#endif
