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

if(OpenSSL_FOUND)
    add_library(mad_tls INTERFACE)
    add_library(mad::tls ALIAS mad_tls)
    set_target_properties(mad_tls PROPERTIES EXPORT_NAME tls)
    target_link_libraries(mad_tls INTERFACE mad OpenSSL::SSL OpenSSL::Crypto)

    add_library(mad_compiled_tls STATIC ${PROJECT_SOURCE_DIR}/src/tls.cpp)
    add_library(mad::compiled_tls ALIAS mad_compiled_tls)
    set_target_properties(mad_compiled_tls PROPERTIES
        EXPORT_NAME compiled_tls POSITION_INDEPENDENT_CODE ON)
    target_link_libraries(mad_compiled_tls PUBLIC mad_compiled OpenSSL::SSL OpenSSL::Crypto)
endif()

if(ZLIB_FOUND)
    add_library(mad_zlib INTERFACE)
    add_library(mad::zlib ALIAS mad_zlib)
    set_target_properties(mad_zlib PROPERTIES EXPORT_NAME zlib)
    target_link_libraries(mad_zlib INTERFACE mad ZLIB::ZLIB)

    add_library(mad_compiled_zlib STATIC ${PROJECT_SOURCE_DIR}/src/zlib.cpp)
    add_library(mad::compiled_zlib ALIAS mad_compiled_zlib)
    set_target_properties(mad_compiled_zlib PROPERTIES
        EXPORT_NAME compiled_zlib POSITION_INDEPENDENT_CODE ON)
    target_link_libraries(mad_compiled_zlib PUBLIC mad_compiled ZLIB::ZLIB)
endif()

if(Hiredis_FOUND)
    add_library(mad_redis INTERFACE)
    add_library(mad::redis ALIAS mad_redis)
    set_target_properties(mad_redis PROPERTIES EXPORT_NAME redis)
    target_link_libraries(mad_redis INTERFACE mad Hiredis::Hiredis)

    add_library(mad_compiled_redis STATIC ${PROJECT_SOURCE_DIR}/src/redis.cpp)
    add_library(mad::compiled_redis ALIAS mad_compiled_redis)
    set_target_properties(mad_compiled_redis PROPERTIES
        EXPORT_NAME compiled_redis POSITION_INDEPENDENT_CODE ON)
    target_link_libraries(mad_compiled_redis PUBLIC mad_compiled Hiredis::Hiredis)

    # Adapters and emitter between nodes.
    add_library(mad_sync INTERFACE)
    add_library(mad::sync ALIAS mad_sync)
    set_target_properties(mad_sync PROPERTIES EXPORT_NAME sync)
    target_link_libraries(mad_sync INTERFACE mad_redis)

    add_library(mad_compiled_sync STATIC
        ${PROJECT_SOURCE_DIR}/src/sync.cpp ${PROJECT_SOURCE_DIR}/src/fleet_redis.cpp)
    add_library(mad::compiled_sync ALIAS mad_compiled_sync)
    set_target_properties(mad_compiled_sync PROPERTIES
        EXPORT_NAME compiled_sync POSITION_INDEPENDENT_CODE ON)
    target_link_libraries(mad_compiled_sync PUBLIC mad_compiled_redis)
endif()
