# SPDX-License-Identifier: LGPL-2.1-or-later
# add_room(NAME SOURCES file... USES room... FOREIGN target...): a room's static library.
# What it USES is seen by those who use it; a FOREIGN library is its own affair.
function(add_room name)
        cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;USES;FOREIGN")
        if(NOT arg_SOURCES)
                add_library(${name} INTERFACE)
                target_link_libraries(${name} INTERFACE ${arg_USES} ${arg_FOREIGN})
                target_include_directories(${name} INTERFACE ${PROJECT_SOURCE_DIR})
                return()
        endif()
        add_library(${name} STATIC ${arg_SOURCES})
        target_include_directories(${name} PUBLIC ${PROJECT_SOURCE_DIR})
        target_link_libraries(${name} PUBLIC ${arg_USES} PRIVATE ${arg_FOREIGN})
endfunction()
