#include "half.hpp"

void greet(mad::logger const& log) {
    log.info("mixed.greeting");
}
