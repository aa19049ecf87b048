# SPDX-License-Identifier: LGPL-2.1-or-later
# Includes go one way: base <- diff <- { state, activate } <- switch <- tests, and a foreign header
# is seen in the rooms that own it only.
cmake_minimum_required(VERSION 3.25)
set(base_may base)
set(diff_may base diff)
set(state_may base diff state)
set(activate_may base diff activate)
set(switch_may base diff state activate switch)
set(owners
        "openssl/|base"
        "git2\\.h|diff state"
        "git2/|diff state"
        "jansson\\.h|diff state switch"
        "libkmod\\.h|activate"
        "sqlite3\\.h|state"
        "systemd/|activate"
        "zlib\\.h|activate"
)
set(bad "")
foreach(room base diff state activate switch)
        file(GLOB files RELATIVE ${SOURCE_DIR} ${SOURCE_DIR}/${room}/*.[ch])
        foreach(file IN LISTS files)
                file(STRINGS ${SOURCE_DIR}/${file} includes REGEX "^[ \t]*#[ \t]*include")
                foreach(include IN LISTS includes)
                        if(include MATCHES "\"([^\"]*)\"")
                                set(path ${CMAKE_MATCH_1})
                                string(REGEX REPLACE "/.*" "" other ${path})
                                if(NOT path MATCHES "/" OR NOT other IN_LIST ${room}_may)
                                        string(APPEND bad "\n  ${file} may not include \"${path}\"")
                                endif()
                        endif()
                        foreach(owner IN LISTS owners)
                                string(REGEX MATCH "^(.*)\\|(.*)$" _ ${owner})
                                set(rooms " ${CMAKE_MATCH_2} ")
                                if(include MATCHES "[<\"]${CMAKE_MATCH_1}" AND NOT rooms MATCHES " ${room} ")
                                        string(APPEND bad "\n  ${file}: not the room for: ${include}")
                                endif()
                        endforeach()
                endforeach()
        endforeach()
endforeach()
if(bad)
        message(FATAL_ERROR "rooms:${bad}")
endif()
