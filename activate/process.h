/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A program that is run to its end, or to its deadline: in a process group of its own, without the
 * caller's descriptors, its standard input empty, its output taken line by line. */

#include "base/error.h"

#include <stdint.h>

typedef struct ProcessOptions {
        const char *const *arguments; /* NULL-terminated; without program_fd the first is looked for
                                         in the system's own directories */
        const char *const *environment; /* NULL-terminated; NULL: a short one of the system's own */
        int program_fd;                 /* -1; else what is executed, which stays the caller's */
        const int *inherited_fds;       /* the only ones that the program gets: as 3, 4, … */
        size_t n_inherited_fds;
        uint64_t timeout_usec; /* 0: none */
        /* Lines longer than 4 KiB are cut. A line may hold any bytes but NUL and newline. */
        void (*output)(void *userdata, const char *line);
        void *userdata;
} ProcessOptions;

/* Returns the exit status, or 128 + n for the signal n. -ETIMEDOUT: at the deadline its group was
 * sent SIGTERM and, two seconds later, SIGKILL. -ENOENT and the like: it could not be executed.
 * Processes that it leaves behind at its end are let be. */
int process_run(const ProcessOptions *options, Error *reterr) must_check;
