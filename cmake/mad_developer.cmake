# Settings of our own build only; users who link mad never see them.

find_program(MAD_CCACHE ccache)
if(MAD_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
    set(CMAKE_CXX_COMPILER_LAUNCHER ${MAD_CCACHE})
    foreach(target mad_compiled mad_compiled_tls mad_compiled_zlib mad_compiled_redis
            mad_compiled_sync)
        if(TARGET ${target})
            set_target_properties(${target} PROPERTIES CXX_COMPILER_LAUNCHER ${MAD_CCACHE})
        endif()
    endforeach()
endif()
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
