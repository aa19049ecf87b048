/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Who reads which files: all that the texts, profile.conf and the table of well-known readers say,
 * by path. */

#include "diff/comparison.h"

typedef struct Watch {
        Subject *subject;
        const char *path; /* absolute; a file, or a directory for all that is below; or a pattern */
        const char *why;
        bool is_explicit;         /* said so (T1, T2), not implied (T3, T4) */
        bool reload;              /* else restart */
        bool starts;              /* even a unit that is off */
        const struct Watch *next; /* on the same path */
} Watch;

typedef struct WatchList {
        Arena *arena;
        Map by_path; /* -> Watch * */
        const Watch **patterns;
        size_t n_patterns, n_patterns_allocated;
} WatchList;

/* A path that is not below /etc can be no file of a tree, and is left out. Returns 0 or -ENOMEM. */
int watch_list_add(WatchList *list, const Watch *watch) must_check;
int watch_list_add_pattern(WatchList *list, const Watch *watch) must_check;
void watch_list_done(WatchList *list);

/* trigger_text.c: what the new text of a unit names (T1, T3). Returns 0 or -ENOMEM. */
int watch_list_add_text(WatchList *list, Comparison *comparison, Subject *subject) must_check;
/* Does it name any path below /etc? */
bool trigger_text_names_paths(const Subject *subject);
/* The plain values of X-Restart-Triggers= or X-Reload-Triggers= in order, joined; "" for none.
 * NULL: no memory. */
const char *trigger_values(
                Arena *arena, const Subject *subject, Side side, const char *key) must_check;

/* reader.c: the well-known readers of a changed file (T4). */
int watch_list_add_readers(WatchList *list, Comparison *comparison, const char *path) must_check;
