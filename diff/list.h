/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A growing list of pointers that lives in an arena. */

#include "base/arena.h"

typedef struct List {
        void **items;
        size_t n_items, n_allocated;
} List;

/* Returns 0, or -ENOMEM, also when item is NULL: what makes the item need not be checked by itself.
 */
int list_add(List *list, Arena *arena, void *item) must_check;
