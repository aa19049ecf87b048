/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Memory that lives and dies together: values built in one go and immutable afterwards (trees, unit
 * sets, plans). */

#include "base/cleanup.h"

#include <stddef.h>

typedef struct Arena {
        struct ArenaBlock *last;
} Arena;

void arena_done(Arena *arena);
static inline void arena_donep(Arena *arena) {
        arena_done(arena);
}

/* Zeroed and aligned for any type. NULL when out of memory. */
void *arena_alloc(Arena *arena, size_t size_bytes) must_check;
char *arena_strdup(Arena *arena, const char *text) must_check;
char *arena_strndup(Arena *arena, const char *text, size_t length) must_check;
char *arena_printf(Arena *arena, const char *format, ...) must_check printf_like(2, 3);
void *arena_memdup(Arena *arena, const void *data, size_t size_bytes) must_check;
/* Room for n_wanted elements, the first n_elements copied; the old array stays in the arena. */
void *arena_grow(Arena *arena,
                const void *array,
                size_t n_elements,
                size_t n_wanted,
                size_t element_bytes) must_check;

/* arena_new(arena, Type, n): an array of n zeroed elements. */
#define arena_new(arena, Type, n) ((Type *) arena_alloc((arena), sizeof(Type) * (n)))
