/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Why a switch is refused before anything is changed. All there are are found together. */

#include <stddef.h>

typedef enum ProblemKind {
        PROBLEM_EDITED,     /* a managed file was edited by hand, and would change */
        PROBLEM_IN_THE_WAY, /* what cannot be moved away, or a path that leads out of /etc */
        PROBLEM_OWNER,      /* a user or group that nobody makes */
        PROBLEM_READ_ONLY,
        PROBLEM_SPACE,
        PROBLEM_MOUNT,   /* of what carries the state, of /etc, or of what has initrds */
        PROBLEM_PROGRAM, /* that a changed unit runs, and that is not there */
        PROBLEM_KERNEL,  /* that was not built with what Require= names */
        N_PROBLEM_KINDS,
} ProblemKind;

typedef struct Problem {
        ProblemKind kind;
        const char *subject; /* a path, a unit or an option of the kernel */
        const char *message; /* for people: the subject, what of it, and what to do; one line */
} Problem;

typedef struct Problems {
        Problem *items;
        size_t n_items, n_allocated;
} Problems;

const char *problem_kind_to_string(ProblemKind kind); /* "in-the-way" */
