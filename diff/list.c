/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "diff/list.h"

#include <errno.h>

int list_add(List *list, Arena *arena, void *item) {
        if (!item)
                return -ENOMEM;
        if (list->n_items == list->n_allocated) {
                size_t n = list->n_allocated ? list->n_allocated * 2 : 16;
                void **grown = arena_grow(arena, list->items, list->n_items, n, sizeof(void *));
                if (!grown)
                        return -ENOMEM;
                list->items = grown;
                list->n_allocated = n;
        }
        list->items[list->n_items++] = item;
        return 0;
}
