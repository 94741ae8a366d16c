# Linux on 64-bit ARM, with Debian's cross compiler: apt-get install g++-aarch64-linux-gnu. TLS and
# compression want libssl-dev:arm64 and zlib1g-dev:arm64 (dpkg --add-architecture arm64); CMake finds
# them by the compiler's name of the architecture. Programs run here under qemu-user-static.

set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-aarch64-static)
# Only libraries made for it: the headers of Boost, CLI11, toml++ and JSON are the same everywhere.
set(CMAKE_IGNORE_PATH /usr/lib/${CMAKE_HOST_SYSTEM_PROCESSOR}-linux-gnu)
set(CMAKE_IGNORE_PREFIX_PATH /usr/lib/${CMAKE_HOST_SYSTEM_PROCESSOR}-linux-gnu)
