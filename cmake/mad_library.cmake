# mad::mad (header-only) and mad::compiled (the same text, bodies compiled once), each with
# companions for TLS, for compression and for Redis, so that nobody links OpenSSL, zlib or hiredis
# unasked.

file(GLOB_RECURSE mad_headers CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/include/mad/*.hpp)
file(GLOB_RECURSE mad_bodies CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/include/mad/*.ipp)

add_library(mad INTERFACE)
add_library(mad::mad ALIAS mad)
target_compile_features(mad INTERFACE cxx_std_20)
target_sources(mad INTERFACE
    FILE_SET api TYPE HEADERS BASE_DIRS ${PROJECT_SOURCE_DIR}/include FILES ${mad_headers}
    FILE_SET impl TYPE HEADERS BASE_DIRS ${PROJECT_SOURCE_DIR}/include FILES ${mad_bodies})
target_include_directories(mad SYSTEM INTERFACE
    $<BUILD_INTERFACE:${MAD_BOOST_INCLUDE_DIR}> $<BUILD_INTERFACE:${MAD_JSON_INCLUDE_DIR}>)
target_link_libraries(mad INTERFACE Threads::Threads)

add_library(mad_compiled STATIC
    ${PROJECT_SOURCE_DIR}/src/asio.cpp ${PROJECT_SOURCE_DIR}/src/core.cpp
    ${PROJECT_SOURCE_DIR}/src/net.cpp ${PROJECT_SOURCE_DIR}/src/engine.cpp
    ${PROJECT_SOURCE_DIR}/src/socketio.cpp ${PROJECT_SOURCE_DIR}/src/host.cpp
    ${PROJECT_SOURCE_DIR}/src/fleet.cpp ${PROJECT_SOURCE_DIR}/src/proxy.cpp)
add_library(mad::compiled ALIAS mad_compiled)
set_target_properties(mad_compiled PROPERTIES EXPORT_NAME compiled POSITION_INDEPENDENT_CODE ON)
target_link_libraries(mad_compiled PUBLIC mad)
target_compile_definitions(mad_compiled PUBLIC
    MAD_SEPARATE_COMPILATION BOOST_ASIO_SEPARATE_COMPILATION BOOST_BEAST_SEPARATE_COMPILATION)

# mad::NAME and mad::compiled_NAME, which is built from src/SOURCE..., over mad::BASE and
# mad::compiled_BASE (empty: mad::mad and mad::compiled), with what it LINKs.
function(mad_companion name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "BASE" "SOURCES;LINK")
    set(base mad)
    set(compiled_base mad_compiled)
    if(arg_BASE)
        set(base mad_${arg_BASE})
        set(compiled_base mad_compiled_${arg_BASE})
    endif()
    add_library(mad_${name} INTERFACE)
    add_library(mad::${name} ALIAS mad_${name})
    set_target_properties(mad_${name} PROPERTIES EXPORT_NAME ${name})
    target_link_libraries(mad_${name} INTERFACE ${base} ${arg_LINK})

    list(TRANSFORM arg_SOURCES PREPEND ${PROJECT_SOURCE_DIR}/src/)
    add_library(mad_compiled_${name} STATIC ${arg_SOURCES})
    add_library(mad::compiled_${name} ALIAS mad_compiled_${name})
    set_target_properties(mad_compiled_${name} PROPERTIES
        EXPORT_NAME compiled_${name} POSITION_INDEPENDENT_CODE ON)
    target_link_libraries(mad_compiled_${name} PUBLIC ${compiled_base} ${arg_LINK})
endfunction()

if(OpenSSL_FOUND)
    mad_companion(tls SOURCES tls.cpp LINK OpenSSL::SSL OpenSSL::Crypto)
endif()
if(ZLIB_FOUND)
    mad_companion(zlib SOURCES zlib.cpp LINK ZLIB::ZLIB)
endif()
if(Hiredis_FOUND)
    mad_companion(redis SOURCES redis.cpp LINK Hiredis::Hiredis)
    # Adapters and emitter between nodes.
    mad_companion(sync BASE redis SOURCES sync.cpp fleet_redis.cpp)
endif()
