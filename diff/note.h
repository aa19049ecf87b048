/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a reader of the plan should know that no action shows. */

#include "diff/judge.h"

typedef struct Notes {
        const char **items;
        size_t n_items, n_allocated;
} Notes;

/* Sorted. Returns 0 or -ENOMEM. */
int note_find(Judge *judge, bool daemon_reloads, Notes *ret_notes) must_check;
