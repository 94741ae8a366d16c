#ifndef MAD_TESTS_SUPPORT_MALLOC_COUNT_HPP
#define MAD_TESTS_SUPPORT_MALLOC_COUNT_HPP

#include <atomic>
#include <cstddef>
#include <cstdint>

#include <malloc.h>

// The sanitizers bring a malloc of their own, and nothing is counted.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || !defined(__GLIBC__)
#define MAD_TEST_COUNTS_MALLOCS 0
#else
#define MAD_TEST_COUNTS_MALLOCS 1
#endif

// Counts what `allocations.hpp` does not see: memory taken without `operator new`, too. Include it
// in one file of a program.
namespace mad_test {

/// False where the counters stay 0.
inline constexpr bool counts_mallocs = MAD_TEST_COUNTS_MALLOCS;

inline std::atomic<std::size_t> mallocs_made{0};
inline std::atomic<std::ptrdiff_t> bytes_held{0};
inline thread_local bool thread_is_counted = false;

/// From now on allocations of this thread count, or not.
inline void count_this_thread(bool on) {
    thread_is_counted = on;
}

/// Allocations that counted threads have made.
inline std::size_t counted_allocations() {
    return mallocs_made.load();
}

/// Heap of the whole process in use, with what malloc keeps beside each block.
inline std::ptrdiff_t heap_in_use() {
    return bytes_held.load();
}

namespace detail {

inline void* counted(void* p) {
    if (!p)
        return p;
    if (thread_is_counted)
        mallocs_made.fetch_add(1, std::memory_order_relaxed);
    bytes_held.fetch_add(static_cast<std::ptrdiff_t>(malloc_usable_size(p) + sizeof(void*)),
                         std::memory_order_relaxed);
    return p;
}

inline void forgotten(void* p) {
    if (p)
        bytes_held.fetch_sub(static_cast<std::ptrdiff_t>(malloc_usable_size(p) + sizeof(void*)),
                             std::memory_order_relaxed);
}

} // namespace detail
} // namespace mad_test

#if MAD_TEST_COUNTS_MALLOCS
extern "C" {
void* __libc_malloc(std::size_t);
void* __libc_calloc(std::size_t, std::size_t);
void* __libc_realloc(void*, std::size_t);
void* __libc_memalign(std::size_t, std::size_t);
void __libc_free(void*);

void* malloc(std::size_t n) {
    return mad_test::detail::counted(__libc_malloc(n));
}
void* calloc(std::size_t n, std::size_t size) {
    return mad_test::detail::counted(__libc_calloc(n, size));
}
void* realloc(void* p, std::size_t n) {
    mad_test::detail::forgotten(p);
    return mad_test::detail::counted(__libc_realloc(p, n));
}
void* aligned_alloc(std::size_t alignment, std::size_t n) {
    return mad_test::detail::counted(__libc_memalign(alignment, n));
}
void free(void* p) {
    mad_test::detail::forgotten(p);
    __libc_free(p);
}
}
#endif

#endif
