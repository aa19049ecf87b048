# SPDX-License-Identifier: LGPL-2.1-or-later
# loaded_library(ROOM SOURCE MACRO TARGET): ROOM sees the headers of pkg-config's TARGET and is not linked with it: SOURCE
# loads it when it is needed, by the name that the linker would have noted, which is MACRO there.
function(loaded_library room source macro target)
        string(REGEX REPLACE ".*::" "" prefix ${target})
        list(GET ${prefix}_LINK_LIBRARIES 0 library)
        execute_process(COMMAND ${CMAKE_OBJDUMP} -p ${library} OUTPUT_VARIABLE dump COMMAND_ERROR_IS_FATAL ANY)
        if(NOT dump MATCHES "SONAME +([^ \n]+)")
                message(FATAL_ERROR "${library}: has no SONAME")
        endif()
        set_property(SOURCE ${source} APPEND PROPERTY COMPILE_DEFINITIONS ${macro}="${CMAKE_MATCH_1}")
        target_include_directories(${room} PUBLIC ${${prefix}_INCLUDE_DIRS})
endfunction()
