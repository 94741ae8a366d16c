// GCC 12's std::random_device asks the C library for arc4random, which came with glibc 2.36. With
// one of our own the module runs from glibc 2.34 on. Only code inside the module sees it.

#include <cstdint>
#include <cstdlib>
#include <sys/random.h>

extern "C" [[gnu::visibility("hidden")]] std::uint32_t arc4random() {
    std::uint32_t value = 0;
    // 4 bytes come whole or not at all; not at all means a kernel without the call.
    if (::getrandom(&value, sizeof value, 0) != sizeof value)
        std::abort();
    return value;
}
