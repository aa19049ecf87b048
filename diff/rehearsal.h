/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a rehearsal decides: what a copy of this host has in its /etc besides, so that it can boot
 * beside the host, and which of its failures are the fault of what is rehearsed. */

#include "base/arena.h"
#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct RehearsalFile {
        const char *path; /* relative to /etc */
        const char *text; /* NULL: a directory */
} RehearsalFile;

/* Parents first; they live in the arena. */
int rehearsal_files(Arena *arena,
                const RehearsalFile **ret_files,
                size_t *ret_n_files,
                Error *reterr) must_check;

/* Does a unit of that name do in the copy what it does on the host? False: it is skipped there, as
 * by a condition that does not hold. */
bool rehearsal_runs(const char *unit);

/* A unit that did not come up in the copy. */
typedef struct RehearsalTrouble {
        const char *unit;
        const char *state; /* "failed (exit-code, exit code 3)" */
        const char *const *log;
        size_t n_log;
        bool fails_anyway; /* in a copy of the host as it is, too */
} RehearsalTrouble;

/* Sets fails_anyway of those that are among the troubles of the copy of the host as it is. */
void rehearsal_compare(RehearsalTrouble *troubles,
                size_t n_troubles,
                const RehearsalTrouble *present,
                size_t n_present);

/* How many are the fault of what is rehearsed; ret_first (may be NULL): the first of them. */
size_t rehearsal_n_new(const RehearsalTrouble *troubles,
                size_t n_troubles,
                const RehearsalTrouble **ret_first);
