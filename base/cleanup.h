/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Scope-bound release of what a function owns, and marks for the compiler. */

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define must_check __attribute__((warn_unused_result))
#define printf_like(nth_format, nth_first)                                                         \
        __attribute__((__format__(__printf__, nth_format, nth_first)))

/* cleanup(plan_freep) Plan *plan = NULL; the function takes the variable's address. */
#define cleanup(function) __attribute__((cleanup(function)))

/* Defines NAMEp(), which cleanup() takes, for a destructor NAME() of TYPE *. */
#define DEFINE_CLEANUP(Type, name)                                                                 \
        static inline void name##p(Type **value) {                                                 \
                name(*value);                                                                      \
        }                                                                                          \
        struct cleanup_needs_a_semicolon

/* Hands the value of a variable on and leaves it empty, so that its clean-up does nothing. */
#define TAKE(pointer)                                                                              \
        ({                                                                                         \
                __typeof__(pointer) *take_from = &(pointer);                                       \
                __typeof__(pointer) take_value = *take_from;                                       \
                *take_from = NULL;                                                                 \
                take_value;                                                                        \
        })

#define TAKE_FD(fd)                                                                                \
        ({                                                                                         \
                int *take_from = &(fd);                                                            \
                int take_value = *take_from;                                                       \
                *take_from = -1;                                                                   \
                take_value;                                                                        \
        })

static inline void cleanup_freep(void *pointer) {
        free(*(void **) pointer);
}

static inline void cleanup_fdp(const int *fd) {
        if (*fd >= 0)
                (void) close(*fd); /* nothing was written that is relied on: writers sync and check
                                      themselves */
}

static inline void cleanup_filep(FILE **file) {
        if (*file)
                (void) fclose(*file); /* as above */
}

static inline void cleanup_dirp(DIR **directory) {
        if (*directory)
                (void) closedir(*directory); /* it was only read */
}

#define cleanup_free cleanup(cleanup_freep)
#define cleanup_fd cleanup(cleanup_fdp)
#define cleanup_file cleanup(cleanup_filep)
#define cleanup_dir cleanup(cleanup_dirp)

#define N_ELEMENTS(array) (sizeof(array) / sizeof((array)[0]))
