# Finds hiredis >= 0.14: gives Hiredis::Hiredis. With HIREDIS_USE_STATIC_LIBS, its archive.

find_path(HIREDIS_INCLUDE_DIR hiredis/read.h)
if(HIREDIS_USE_STATIC_LIBS)
    set(hiredis_library_suffixes ${CMAKE_FIND_LIBRARY_SUFFIXES})
    set(CMAKE_FIND_LIBRARY_SUFFIXES ${CMAKE_STATIC_LIBRARY_SUFFIX})
    find_library(HIREDIS_LIBRARY hiredis)
    set(CMAKE_FIND_LIBRARY_SUFFIXES ${hiredis_library_suffixes})
endif()
find_library(HIREDIS_LIBRARY hiredis)
mark_as_advanced(HIREDIS_INCLUDE_DIR HIREDIS_LIBRARY)

if(HIREDIS_INCLUDE_DIR AND EXISTS ${HIREDIS_INCLUDE_DIR}/hiredis/hiredis.h)
    set(Hiredis_VERSION "")
    foreach(part MAJOR MINOR PATCH)
        file(STRINGS ${HIREDIS_INCLUDE_DIR}/hiredis/hiredis.h hiredis_line
            REGEX "^#define HIREDIS_${part} [0-9]+")
        string(REGEX MATCH "[0-9]+" hiredis_number "${hiredis_line}")
        string(APPEND Hiredis_VERSION ".${hiredis_number}")
    endforeach()
    string(SUBSTRING "${Hiredis_VERSION}" 1 -1 Hiredis_VERSION)
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(Hiredis
    REQUIRED_VARS HIREDIS_LIBRARY HIREDIS_INCLUDE_DIR VERSION_VAR Hiredis_VERSION)

if(Hiredis_FOUND AND NOT TARGET Hiredis::Hiredis)
    add_library(Hiredis::Hiredis UNKNOWN IMPORTED)
    set_target_properties(Hiredis::Hiredis PROPERTIES
        IMPORTED_LOCATION "${HIREDIS_LIBRARY}"
        INTERFACE_INCLUDE_DIRECTORIES "${HIREDIS_INCLUDE_DIR}")
endif()
