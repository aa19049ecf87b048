# SPDX-License-Identifier: LGPL-2.1-or-later
# embed_text(ROOM TABLE file...): texts as byte arrays in the room's library.
# "ROOM/TABLE.h" declares `extern const char *const TABLE[]`, one text an item in the order given,
# NULL at the end, and `N_TABLE` (in capitals), their number.
if(NOT CMAKE_SCRIPT_MODE_FILE)
        function(embed_text room table)
                set(files ${ARGN})
                list(TRANSFORM files PREPEND ${CMAKE_CURRENT_SOURCE_DIR}/)
                set(out ${PROJECT_BINARY_DIR}/embedded/${room}/${table})
                add_custom_command(
                        OUTPUT ${out}.c ${out}.h
                        COMMAND ${CMAKE_COMMAND} -DTABLE=${table} -DOUT=${out} "-DFILES=${files}"
                                -P ${PROJECT_SOURCE_DIR}/cmake/embed_text.cmake
                        DEPENDS ${files} ${PROJECT_SOURCE_DIR}/cmake/embed_text.cmake
                        COMMENT "Embedding ${room}/${table}"
                        VERBATIM
                )
                target_sources(${room} PRIVATE ${out}.c ${out}.h)
                target_include_directories(${room} PUBLIC ${PROJECT_BINARY_DIR}/embedded)
        endfunction()
        return()
endif()

cmake_minimum_required(VERSION 3.25)
set(arrays "")
set(items "")
set(n 0)
foreach(file IN LISTS FILES)
        file(READ ${file} bytes HEX)
        string(REGEX REPLACE "(..)" "0x\\1," bytes "${bytes}")
        string(APPEND arrays "static const unsigned char text_${n}[] = { ${bytes}0 };\n")
        string(APPEND items "        (const char *) text_${n},\n")
        math(EXPR n "${n} + 1")
endforeach()
string(TOUPPER ${TABLE} upper)
get_filename_component(name ${OUT} NAME)
file(WRITE ${OUT}.h "#pragma once\n\nenum { N_${upper} = ${n} };\nextern const char *const ${TABLE}[];\n")
file(WRITE ${OUT}.c "#include \"${name}.h\"\n\n#include <stddef.h>\n\n${arrays}
const char *const ${TABLE}[] = {\n${items}        NULL,\n};\n")
