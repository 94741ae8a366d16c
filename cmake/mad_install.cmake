# What `cmake --install` puts where, and what find_package(mad) needs. Nothing of it names a path
# of this machine: an installed copy may be moved.

option(MAD_INSTALL "Install mad's headers, libraries and programs" ${PROJECT_IS_TOP_LEVEL})
if(NOT MAD_INSTALL)
    return()
endif()

include(GNUInstallDirs)
include(CMakePackageConfigHelpers)
set(mad_package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/mad)

# mad::compiled holds code of the Boost and JSON headers it was built with. Its users' compilers
# read this header first, which refuses others with a sentence instead of undefined behaviour.
file(STRINGS ${MAD_JSON_INCLUDE_DIR}/nlohmann/json.hpp mad_json_line REGEX "version [0-9.]+$" LIMIT_COUNT 1)
string(REGEX MATCH "([0-9]+)\\.([0-9]+)\\.([0-9]+)" MAD_JSON_VERSION "${mad_json_line}")
set(MAD_JSON_VERSION_MAJOR ${CMAKE_MATCH_1})
set(MAD_JSON_VERSION_MINOR ${CMAKE_MATCH_2})
set(MAD_JSON_VERSION_PATCH ${CMAKE_MATCH_3})
math(EXPR mad_boost_major "${MAD_BOOST_VERSION} / 100000")
math(EXPR mad_boost_minor "${MAD_BOOST_VERSION} / 100 % 1000")
math(EXPR mad_boost_patch "${MAD_BOOST_VERSION} % 100")
set(MAD_BOOST_VERSION_TEXT ${mad_boost_major}.${mad_boost_minor}.${mad_boost_patch})
configure_file(${CMAKE_CURRENT_LIST_DIR}/compiled_with.hpp.in
    ${PROJECT_BINARY_DIR}/generated/mad/compiled_with.hpp @ONLY)
target_compile_options(mad_compiled INTERFACE
    "$<INSTALL_INTERFACE:$<$<COMPILE_LANGUAGE:CXX>:SHELL:-include mad/compiled_with.hpp>>")
install(FILES ${PROJECT_BINARY_DIR}/generated/mad/compiled_with.hpp
    DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/mad COMPONENT development)

# The libraries. Those for TLS, for compression, and for Redis are sets of their own, loaded when
# somebody asks for the component.
install(TARGETS mad mad_compiled EXPORT mad-targets
    ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT development
    FILE_SET api DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT development
    FILE_SET impl DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} COMPONENT development)
install(EXPORT mad-targets NAMESPACE mad:: DESTINATION ${mad_package_dir} COMPONENT development)
foreach(part tls zlib)
    if(TARGET mad_${part})
        install(TARGETS mad_${part} mad_compiled_${part} EXPORT mad-${part}-targets
            ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT development)
        install(EXPORT mad-${part}-targets NAMESPACE mad:: DESTINATION ${mad_package_dir}
            COMPONENT development)
    endif()
endforeach()
if(TARGET mad_redis)
    install(TARGETS mad_redis mad_compiled_redis mad_sync mad_compiled_sync EXPORT mad-redis-targets
        ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT development)
    install(EXPORT mad-redis-targets NAMESPACE mad:: DESTINATION ${mad_package_dir}
        COMPONENT development)
    install(FILES ${CMAKE_CURRENT_LIST_DIR}/FindHiredis.cmake DESTINATION ${mad_package_dir}
        COMPONENT development)
endif()

configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/mad-config.cmake.in
    ${PROJECT_BINARY_DIR}/mad-config.cmake INSTALL_DESTINATION ${mad_package_dir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/mad-config-version.cmake
    COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/mad-config.cmake ${PROJECT_BINARY_DIR}/mad-config-version.cmake
    DESTINATION ${mad_package_dir} COMPONENT development)

# The programs, twice: beside the libraries, and inside the Python package (an editable install of
# that finds them in the build tree instead).
set(mad_programs_to_install mad-api mad-agent mad-proxy mad-web mad-synthetic)
if(MAD_AGENT_ONLY)
    list(APPEND mad_programs_to_install mad-agent-plain)
endif()
foreach(program IN LISTS mad_programs_to_install)
    if(TARGET ${program})
        install(TARGETS ${program} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT programs)
        if(NOT SKBUILD_STATE STREQUAL "editable")
            install(TARGETS ${program} RUNTIME DESTINATION bin COMPONENT python EXCLUDE_FROM_ALL)
        endif()
    endif()
endforeach()
