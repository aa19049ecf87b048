/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Runs a program against an /etc that does not exist yet, in a place of its own: all file systems
 * are seen through overlays whose changes are thrown away, and /etc has the future files in it. */

#include "activate/future.h"

#include <stdbool.h>

typedef struct CheckRun {
        const char *const *arguments; /* NULL-terminated; the first as for process_run() */
        const FutureFile *files;      /* as future_make() has them */
        size_t n_files;
        const char *hidden;    /* an absolute path that the program sees empty; NULL: none */
        const char *directory; /* an absolute path that is made for it when missing; NULL: none */
        uint64_t timeout_usec; /* 0: none */
        bool (*should_stop)(void); /* as process_run() has it */
        void (*output)(void *userdata, const char *line);
        void *userdata;
} CheckRun;

/* Returns the exit status, or 128 + n for the signal n. When it returns, no process of the check is
 * left. -ETIMEDOUT, -EINTR: all of them were killed, as process_run() has it. -ENOENT and the like:
 * the program could not be executed. -ENOTSUP: this machine cannot give it a place of its own, and
 * reterr says why. */
int check_run(const CheckRun *run, Error *reterr) must_check;

/* Is there a program of that name where process_run() looks for one? */
bool check_is_installed(const char *program);
