/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Who reads which files: all that the texts, profile.conf and the table of well-known readers say,
 * by path. */

#include "diff/comparison.h"

/* For one unit and one file the higher one counts. */
typedef enum WatchRank {
        WATCH_FORMER,   /* [Trigger] of the old profile.conf */
        WATCH_IMPLIED,  /* T3, T4 */
        WATCH_EXPLICIT, /* T1, T2 */
} WatchRank;

typedef struct Watch {
        const char *unit; /* as the new tree names it */
        const char *path; /* absolute; a file, or a directory for all that is below; or a pattern */
        const char *why;
        WatchRank rank;
        bool reload;              /* else restart */
        bool starts;              /* even a unit that is off */
        const struct Watch *next; /* on the same path */
} Watch;

typedef struct WatchList {
        Arena *arena;
        Map touched; /* the files that changed, and the directories above them: paths -> anything */
        Map by_path; /* -> Watch * */
        const Watch **patterns;
        size_t n_patterns, n_patterns_allocated;
} WatchList;

/* A file below /etc changed: watches of others are not kept. */
int watch_list_touch(WatchList *list, const char *path) must_check;
/* Returns 0 or -ENOMEM. */
int watch_list_add(WatchList *list, const Watch *watch) must_check;
int watch_list_add_pattern(WatchList *list, const Watch *watch) must_check;
void watch_list_done(WatchList *list);

/* trigger_text.c: what the new text of a unit names (T1, T3). Returns 0 or -ENOMEM. */
int watch_list_add_text(WatchList *list, const char *unit, const UnitText *text) must_check;
/* The plain values of X-Restart-Triggers= or X-Reload-Triggers= in order, joined; "" for none.
 * NULL: no memory. */
const char *trigger_values(
                Arena *arena, const Subject *subject, Side side, const char *key) must_check;

/* reader.c: the well-known readers of a changed file (T4). */
int watch_list_add_readers(WatchList *list, const char *path) must_check;
