# SPDX-License-Identifier: LGPL-2.1-or-later
# Every tracked C file is as clang-format 14 writes it.
cmake_minimum_required(VERSION 3.25)
find_program(CLANG_FORMAT NAMES clang-format-14 clang-format)
execute_process(COMMAND ${CLANG_FORMAT} --version OUTPUT_VARIABLE version)
if(NOT version MATCHES "version 14\\.")
        message("left out: clang-format 14 is not installed")
        return()
endif()
execute_process(
        COMMAND git ls-files *.c *.h
        WORKING_DIRECTORY ${SOURCE_DIR}
        OUTPUT_VARIABLE files
        RESULT_VARIABLE result
        ERROR_QUIET
)
if(result)
        message("left out: ${SOURCE_DIR} is not a git checkout")
        return()
endif()
string(REGEX MATCHALL "[^\n]+" files "${files}")
if(files)
        execute_process(
                COMMAND ${CLANG_FORMAT} --dry-run -Werror ${files}
                WORKING_DIRECTORY ${SOURCE_DIR}
                COMMAND_ERROR_IS_FATAL ANY
        )
endif()
