# SPDX-License-Identifier: LGPL-2.1-or-later
# Every header compiles alone, and twice.
cmake_minimum_required(VERSION 3.25)
file(GLOB headers RELATIVE ${SOURCE_DIR} ${SOURCE_DIR}/base/*.h ${SOURCE_DIR}/diff/*.h
        ${SOURCE_DIR}/state/*.h ${SOURCE_DIR}/activate/*.h ${SOURCE_DIR}/switch/*.h
        ${SOURCE_DIR}/tests/*/*.h)
set(bad "")
foreach(header IN LISTS headers)
        set(probe ${BINARY_DIR}/headers/${header}.c)
        file(WRITE ${probe} "#include \"${header}\"\n#include \"${header}\"\n")
        execute_process(
                COMMAND ${COMPILER} -std=gnu17 -D_GNU_SOURCE -Wall -Wextra -Werror -fsyntax-only
                        -I${SOURCE_DIR} -I${BINARY_DIR}/embedded ${probe}
                RESULT_VARIABLE result
        )
        if(result)
                list(APPEND bad ${header})
        endif()
endforeach()
if(bad)
        message(FATAL_ERROR "do not compile alone: ${bad}")
endif()
