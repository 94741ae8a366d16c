#ifndef MAD_TESTS_SUPPORT_COROUTINE_WARNINGS_HPP
#define MAD_TESTS_SUPPORT_COROUTINE_WARNINGS_HPP

// From here to the end of the file: with optimisation, GCC 12 takes the pair of operators with
// which Asio allocates the frame of a coroutine for two that do not belong together.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmismatched-new-delete"
#endif

#endif
