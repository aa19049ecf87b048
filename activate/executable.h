/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Is there a program at a path? */

#include "base/cleanup.h"

#include <stdbool.h>

typedef enum ExecutableAnswer {
        EXECUTABLE_THERE, /* also where it cannot be known: without the right to look */
        EXECUTABLE_MISSING,
        EXECUTABLE_IS_NONE, /* a directory, or a file without the mode */
} ExecutableAnswer;

/* path: absolute, below root_fd. Returns an ExecutableAnswer. */
int executable_look(int root_fd, const char *path) must_check;

/* Has the root programs at all? An image that is only being made has none yet. */
bool executable_root_has_any(int root_fd);
