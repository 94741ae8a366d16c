# mad_drive_by_hand(TARGET): gives it support/hand_driven.cpp and what that stands in for.
function(mad_drive_by_hand target)
    target_sources(${target} PRIVATE ${PROJECT_SOURCE_DIR}/tests/support/hand_driven.cpp)
    foreach(call recv send sendmsg splice socket connect accept4 getsockname getpeername epoll_ctl
                 pipe2 timerfd_create clock_gettime getrandom)
        target_link_options(${target} PRIVATE -Wl,--wrap=${call})
    endforeach()
endfunction()
