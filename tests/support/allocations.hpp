#ifndef MAD_TESTS_SUPPORT_ALLOCATIONS_HPP
#define MAD_TESTS_SUPPORT_ALLOCATIONS_HPP

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <new>

// The sanitizers bring an operator new of their own, and nothing is counted.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define MAD_TEST_COUNTS_ALLOCATIONS 0
#else
#define MAD_TEST_COUNTS_ALLOCATIONS 1
#endif

namespace mad_test {

/// False where `allocations_of` always gives 0.
inline constexpr bool counts_allocations = MAD_TEST_COUNTS_ALLOCATIONS;

inline std::atomic<std::size_t> allocations_made{0};

/// Calls of `operator new` while `work` runs, by any thread.
template <class Work>
std::size_t allocations_of(Work&& work) {
    auto const before = allocations_made.load();
    work();
    return allocations_made.load() - before;
}

} // namespace mad_test

#if MAD_TEST_COUNTS_ALLOCATIONS
// Weak, so that several test files of one program may include this.
[[gnu::weak]] void* operator new(std::size_t n) {
    ++mad_test::allocations_made;
    if (void* const p = std::malloc(n ? n : 1))
        return p;
    throw std::bad_alloc();
}

[[gnu::weak]] void operator delete(void* p) noexcept {
    std::free(p);
}

[[gnu::weak]] void operator delete(void* p, std::size_t) noexcept {
    std::free(p);
}
#endif

#endif
