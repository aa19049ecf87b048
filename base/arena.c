/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/arena.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

enum { FIRST_BYTES = 32 * 1024, HUGE_BYTES = 2 * 1024 * 1024, ALIGNMENT = 16 };

typedef struct ArenaBlock {
        struct ArenaBlock *before;
        size_t used;
        size_t size;
        size_t unused_alignment;
        unsigned char data[];
} ArenaBlock;

void arena_done(Arena *arena) {
        while (arena->last) {
                ArenaBlock *before = arena->last->before;
                free(arena->last);
                arena->last = before;
        }
}

/* Large blocks are huge pages instead of thousands of small ones, each of which costs a fault:
 * where memory is nested (a virtual machine) these faults were most of the time of a run. */
static ArenaBlock *block_new(size_t total) {
        bool is_huge = total >= HUGE_BYTES;
        if (is_huge)
                total = (total + HUGE_BYTES - 1) / HUGE_BYTES * HUGE_BYTES;
        ArenaBlock *block = is_huge ? aligned_alloc(HUGE_BYTES, total) : malloc(total);
        if (!block)
                return NULL;
        if (is_huge)
                (void) madvise(block, total, MADV_HUGEPAGE); /* only a wish */
        *block = (ArenaBlock){ .size = total - sizeof(ArenaBlock) };
        return block;
}

/* Each block is twice the one before, so that small arenas stay small; what would fill a good part
 * of such a block opens a huge one. */
static size_t next_total(const ArenaBlock *last, size_t wanted) {
        size_t total = last ? (sizeof(ArenaBlock) + last->size) * 2 : FIRST_BYTES;
        if (total > HUGE_BYTES || wanted > total / 4)
                total = HUGE_BYTES;
        return wanted > HUGE_BYTES / 2 ? sizeof(ArenaBlock) + wanted : total;
}

void *arena_alloc(Arena *arena, size_t size_bytes) {
        if (size_bytes > SIZE_MAX / 4)
                return NULL;
        size_t wanted = (size_bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
        ArenaBlock *block = arena->last;
        if (!block || block->size - block->used < wanted) {
                ArenaBlock *fresh = block_new(next_total(block, wanted));
                if (!fresh)
                        return NULL;
                fresh->before = block;
                arena->last = fresh;
                block = fresh;
        }
        void *value = block->data + block->used;
        block->used += wanted;
        return memset(value, 0, wanted);
}

void *arena_memdup(Arena *arena, const void *data, size_t size_bytes) {
        void *copy = arena_alloc(arena, size_bytes ? size_bytes : 1);
        return copy && size_bytes ? memcpy(copy, data, size_bytes) : copy;
}

char *arena_strndup(Arena *arena, const char *text, size_t length) {
        char *copy = arena_alloc(arena, length + 1);
        return copy ? memcpy(copy, text, length) : NULL;
}

char *arena_strdup(Arena *arena, const char *text) {
        return arena_strndup(arena, text, strlen(text));
}

char *arena_printf(Arena *arena, const char *format, ...) {
        va_list arguments;
        va_start(arguments, format);
        char *text = NULL;
        int length = vasprintf(&text, format, arguments);
        va_end(arguments);
        if (length < 0)
                return NULL;
        char *copy = arena_strndup(arena, text, (size_t) length);
        free(text);
        return copy;
}

void *arena_grow(Arena *arena,
                const void *array,
                size_t n_elements,
                size_t n_wanted,
                size_t element_bytes) {
        if (element_bytes && n_wanted > SIZE_MAX / 2 / element_bytes)
                return NULL;
        void *grown = arena_alloc(arena, n_wanted * element_bytes);
        return grown && n_elements ? memcpy(grown, array, n_elements * element_bytes) : grown;
}
