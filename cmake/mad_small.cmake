# MAD_AGENT_ONLY: what makes programs small, for everything that is built.

add_compile_options(-ffunction-sections -fdata-sections)
add_link_options(-Wl,--gc-sections -Wl,--strip-all)

# About 5 % less, and no code that could be loaded anywhere.
include(CheckIPOSupported)
check_ipo_supported(RESULT mad_has_ipo OUTPUT mad_ipo_trouble LANGUAGES CXX)
if(mad_has_ipo)
    set(CMAKE_INTERPROCEDURAL_OPTIMIZATION ON)
    # GCC names what a coroutine keeps differently in each file, and then finds the types different.
    add_link_options(-Wno-odr)
endif()
