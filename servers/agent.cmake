# mad-agent, and mad-agent-plain without TLS and without OpenSSL. With MAD_AGENT_ONLY they are made
# as small as they get, and judged: a host has thousands of other things to keep in its memory.

option(MAD_AGENT_TLS "mad-agent with TLS, beside mad-agent-plain" ON)

# `most`: bytes of the program, where it is made small.
function(mad_agent name library most)
    mad_program(${name} agent.cpp)
    target_link_libraries(${name} PRIVATE ${library})
    if(MAD_AGENT_ONLY)
        add_custom_command(TARGET ${name} POST_BUILD VERBATIM
            COMMAND ${CMAKE_COMMAND} -DFILE=$<TARGET_FILE:${name}> -DMOST=${most}
                -P ${PROJECT_SOURCE_DIR}/cmake/mad_size_limit.cmake)
    endif()
endfunction()

if(MAD_AGENT_TLS AND TARGET mad_programs)
    mad_agent(mad-agent mad_programs 8388608) # 8 MiB
elseif(MAD_AGENT_TLS)
    message(STATUS "mad-agent is left out, only mad-agent-plain is made: no OpenSSL for "
                   "${CMAKE_SYSTEM_PROCESSOR} (apt-get install libssl-dev)")
endif()
mad_programs_library(mad_programs_plain mad::compiled)
target_sources(mad_programs_plain PRIVATE no_tls.cpp)
mad_agent(mad-agent-plain mad_programs_plain 2621440) # 2.5 MiB
if(NOT MAD_AGENT_ONLY)
    set_target_properties(mad_programs_plain mad-agent-plain PROPERTIES EXCLUDE_FROM_ALL ON)
endif()
