#ifndef MAD_CONFIG_HPP
#define MAD_CONFIG_HPP

/// Version of these headers, also what programs print for `--version`.
#define MAD_VERSION_MAJOR 0
#define MAD_VERSION_MINOR 1
#define MAD_VERSION_PATCH 0
#define MAD_VERSION "0.1.0"

/// How function bodies reach a program. By default every body is `inline` in the headers. With
/// `MAD_SEPARATE_COMPILATION` (set by the CMake target `mad::compiled`) the headers only declare
/// and `src/*.cpp` holds the bodies once. The inline namespace differs between the two, so a
/// program that mixes them fails to link instead of breaking the one-definition rule silently.
#if defined(MAD_SEPARATE_COMPILATION)
#define MAD_DECL
#define MAD_ABI v0_1_compiled
#else
#define MAD_DECL inline
#define MAD_ABI v0_1
#endif

#endif
