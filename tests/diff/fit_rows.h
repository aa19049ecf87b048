/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The rules of a fit, one row each. Trees are written as tests/support/tree_words.h has it, what
 * was found and displaced alike, where a directory is d PATH MODE N, with N entries in it, and
 * there are also
 *   s PATH          a socket
 *   m PATH          a mount point
 *   h PATH          a huge file
 *   u PATH          a file that was not read
 *   b PATH PARENT   PARENT is in the way
 *   n PATH PARENT   PARENT is missing
 * A link may have a time: l PATH TARGET TIME. Nothing is found where nothing is said. */

#include "diff/fit_plan.h"
#include "tests/support/cmocka.h"

typedef struct FitRow {
        const char *name;
        const char *old, *new, *found, *displaced;
        const char *expected; /* the plan: "edited a: was edited by hand; exchange b +saved" */
        bool force, save_edited, keeps_others, some_unread;
} FitRow;

/* The test fails when any is not as expected; each of these is told. */
void fit_rows_run(const FitRow *rows, size_t n_rows);

typedef struct FitRowWorld {
        Arena arena;
        Contents *contents;
        Tree *old, *new;
        Found found[32], displaced[32];
        size_t n_displaced;
} FitRowWorld;

void fit_row_world_init(FitRowWorld *world, const FitRow *row);
void fit_row_world_done(FitRowWorld *world);
