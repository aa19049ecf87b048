/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The rules of a fit for one path: what shall be there, and by which operation. What depends on
 * several paths (emptied directories, missing parents) is fit_plan.c's. */

#include "diff/fit_plan.h"

typedef struct FitItem {
        const char *path;
        const Entry *old, *new; /* NULL: not managed by that tree */
        const Found *found; /* as it will be at this path's turn: nothing there, where a parent is
                               put right first */
        const Found *displaced; /* NULL: none */

        bool acts; /* there is an operation or, when in_the_way, would be */
        FitVerb verb;
        const Entry *entry; /* what comes, as in FitOperation */
        const Found *give_back;
        bool keep_displaced, drop_displaced;
        bool renews_displaced; /* what goes is a package's own: no edit */
        bool is_edited;        /* what goes is neither what old put there nor unmanaged */
        bool is_optional;      /* a directory of ours, which goes only when nothing else is in it */
        const char *in_the_way; /* why it cannot be done, for people; NULL: it can */
        int64_t n_children;     /* of a directory that is there: once everything else is done */
} FitItem;

/* Fills the lower half of item, but for n_children. blocker: the item of found->blocked_by, decided
 * already; NULL: none, it is left alone. */
int fit_decide(const FitInput *input, const FitItem *blocker, Arena *arena, FitItem *item)
                must_check;

/* Is what this item leaves behind a directory? */
bool fit_item_makes_directory(const FitItem *item);

/* For people: how what is there differs from what old declares. */
const char *fit_item_edit(const FitItem *item);
