/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A program that is run to its end, or to its deadline: in a process group of its own, without the
 * caller's descriptors, its standard input empty, its output taken line by line. */

#include "base/error.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct ProcessOptions {
        const char *const *arguments; /* NULL-terminated; without program_fd the first is looked for
                                         in the system's own directories */
        const char *const *environment; /* NULL-terminated; NULL: a short one of the system's own */
        int program_fd;                 /* -1; else what is executed, which stays the caller's */
        const int *inherited_fds;       /* the only ones that the program gets: as 3, 4, … */
        size_t n_inherited_fds;
        /* NULL, or called in the child, last before the execution; it may come back in a child of
         * its own, when that one ends with the status of its child. Returns 0, or a negative errno,
         * which is then process_run()'s. */
        int (*enter)(void *userdata);
        void *enter_userdata;
        uint64_t timeout_usec;     /* 0: none */
        bool (*should_stop)(void); /* NULL, or asked at every signal, and each second */
        /* Lines longer than 4 KiB are cut. A line may hold any bytes but NUL and newline. */
        void (*output)(void *userdata, const char *line);
        void *userdata;
} ProcessOptions;

/* In a child: no signal is blocked or handled, as a program expects to find them. */
void process_reset_signals(void);

/* Is there such a program where process_run() looks for one? */
bool process_finds(const char *program);

/* Returns the exit status, or 128 + n for the signal n. -ETIMEDOUT: at the deadline its group was
 * sent SIGTERM and, two seconds later, SIGKILL. -EINTR: the same, since it should stop. -ENOENT and
 * the like: it could not be executed. Processes that it leaves behind at its end are let be. */
int process_run(const ProcessOptions *options, Error *reterr) must_check;

/* The same, without an output: what it says last is in the error. Returns 0; -EIO for any other
 * status. */
int process_succeed(const ProcessOptions *options, Error *reterr) must_check;
