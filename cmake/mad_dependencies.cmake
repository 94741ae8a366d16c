# What mad is built with. Each missing thing is named with the package that brings it.

set(MAD_PYTHON_HEADERS "" CACHE PATH
    "site-packages with boost_headers and nlohmann_json; found in .venv by default")

# The headers of Boost and of nlohmann/json come from pinned PyPI packages when they are there
# (script/setup puts them in .venv), else from the system.
if(NOT MAD_PYTHON_HEADERS AND SKBUILD)
    # Built by pip: the packages are build requirements of the Python that runs it.
    find_package(Python 3.11 REQUIRED COMPONENTS Interpreter)
    execute_process(
        COMMAND ${Python_EXECUTABLE} -c
            "import boost_headers as b, pathlib; print(pathlib.Path(b.__file__).parents[1])"
        OUTPUT_VARIABLE MAD_PYTHON_HEADERS OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
elseif(NOT MAD_PYTHON_HEADERS)
    file(GLOB mad_site_packages "${PROJECT_SOURCE_DIR}/.venv/lib/python3*/site-packages")
    if(mad_site_packages)
        list(GET mad_site_packages 0 MAD_PYTHON_HEADERS)
    endif()
endif()

find_path(MAD_BOOST_INCLUDE_DIR boost/beast/version.hpp
    HINTS ENV MAD_BOOST_INCLUDE_DIR ${MAD_PYTHON_HEADERS}/boost_headers/include)
if(NOT MAD_BOOST_INCLUDE_DIR)
    message(FATAL_ERROR "Boost >= 1.81 (headers) not found: run script/setup, or "
                        "pip install boost-headers, or apt-get install libboost1.81-dev")
endif()
find_path(MAD_JSON_INCLUDE_DIR nlohmann/json.hpp
    HINTS ENV MAD_JSON_INCLUDE_DIR ${MAD_PYTHON_HEADERS}/nlohmann_json/include)
if(NOT MAD_JSON_INCLUDE_DIR)
    message(FATAL_ERROR "nlohmann/json >= 3.11 not found: run script/setup, or "
                        "pip install nlohmann-json, or apt-get install nlohmann-json3-dev")
endif()
file(STRINGS ${MAD_BOOST_INCLUDE_DIR}/boost/version.hpp mad_boost_line REGEX "define BOOST_VERSION ")
string(REGEX REPLACE "[^0-9]*([0-9]+).*" "\\1" MAD_BOOST_VERSION "${mad_boost_line}")
if(MAD_BOOST_VERSION LESS 108100)
    message(FATAL_ERROR "Boost in ${MAD_BOOST_INCLUDE_DIR} is ${MAD_BOOST_VERSION}; mad needs "
                        "1.81 or newer: pip install boost-headers")
endif()

option(MAD_STATIC
    "Link OpenSSL, zlib, hiredis into what is built here; programs without shared libraries" OFF)

find_package(Threads REQUIRED)
if(MAD_STATIC)
    set(OPENSSL_USE_STATIC_LIBS ON)
    set(ZLIB_USE_STATIC_LIBS ON)
    set(MAD_STATIC_PROGRAMS ON)
    if(OPENSSL_SSL_LIBRARY MATCHES "\\.so$") # found before this was asked for
        unset(OPENSSL_SSL_LIBRARY CACHE)
        unset(OPENSSL_CRYPTO_LIBRARY CACHE)
    endif()
    if(ZLIB_LIBRARY_RELEASE MATCHES "\\.so$")
        unset(ZLIB_LIBRARY_RELEASE CACHE)
    endif()
endif()
find_package(OpenSSL 3.0 QUIET)
if(NOT OpenSSL_FOUND AND ((MAD_PROGRAMS AND NOT MAD_AGENT_ONLY) OR MAD_PYTHON))
    message(FATAL_ERROR "OpenSSL >= 3.0 not found: apt-get install libssl-dev")
elseif(NOT OpenSSL_FOUND)
    message(STATUS "OpenSSL >= 3.0 not found: no TLS (apt-get install libssl-dev)")
endif()
find_package(ZLIB 1.2.8 QUIET)
if(NOT ZLIB_FOUND)
    message(STATUS "zlib >= 1.2.8 not found: no compression (apt-get install zlib1g-dev)")
endif()
if(MAD_STATIC)
    set(HIREDIS_USE_STATIC_LIBS ON)
    if(HIREDIS_LIBRARY MATCHES "\\.so$")
        unset(HIREDIS_LIBRARY CACHE)
    endif()
endif()
if(NOT MAD_AGENT_ONLY)
    find_package(Hiredis 0.14 QUIET)
endif()
if(NOT Hiredis_FOUND AND MAD_PROGRAMS AND NOT MAD_AGENT_ONLY)
    message(FATAL_ERROR "hiredis >= 0.14 not found: apt-get install libhiredis-dev "
                        "(or without programs: -DMAD_PROGRAMS=OFF)")
elseif(NOT Hiredis_FOUND)
    message(STATUS "hiredis >= 0.14 not found: no Redis (apt-get install libhiredis-dev)")
endif()
