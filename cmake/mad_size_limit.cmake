# cmake -DFILE=... -DMOST=BYTES -P: fails when the file is larger.

file(SIZE ${FILE} size)
if(size GREATER MOST)
    file(REMOVE ${FILE}) # so that the next build judges again
    message(FATAL_ERROR "${FILE} has ${size} bytes; it must not have more than ${MOST}")
endif()
