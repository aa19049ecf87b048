/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A hash table from strings to pointers. Neither keys nor values are owned: they live at least as
 * long as the map. */

#include "base/cleanup.h"

#include <stddef.h>
#include <stdint.h>

typedef struct Map {
        struct MapSlot *slots;
        size_t n_slots; /* a power of two, or 0 */
        size_t n_items;
} Map;

void map_done(Map *map);
static inline void map_donep(Map *map) {
        map_done(map);
}

/* Sets key to value, which is not NULL; an older value is replaced. Returns 0 or -ENOMEM. */
int map_put(Map *map, const char *key, void *value) must_check;
/* The key may hold any bytes. */
int map_put_n(Map *map, const char *key, size_t length, void *value) must_check;

/* NULL: not there. */
void *map_get(const Map *map, const char *key);
void *map_get_n(const Map *map, const char *key, size_t length);

/* Walks in no order that means anything: start with *position = 0; returns the value, NULL at the
 * end. */
void *map_next(const Map *map, size_t *position, const char **ret_key);
