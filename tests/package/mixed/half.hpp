#include <mad/core/log.hpp>

void greet(mad::logger const& log);
