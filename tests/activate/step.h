/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A step that changes the disk, at which the process may die: a function that the linker's --wrap
 * leads here. For the one file of a test that has them. */

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* When there are none left every step fails, as if there were nobody to do it: nothing is cleaned
 * up or put back any more. */
static size_t n_steps_left = SIZE_MAX;

static bool dies(void) {
        if (n_steps_left == 0) {
                errno = EIO;
                return true;
        }
        n_steps_left--;
        return false;
}

#define STEP(name, parameters, arguments)                                                          \
        int __real_##name parameters;                                                              \
        int __wrap_##name parameters;                                                              \
        int __wrap_##name parameters {                                                             \
                return dies() ? -1 : __real_##name arguments;                                      \
        }                                                                                          \
        struct step_needs_a_semicolon
