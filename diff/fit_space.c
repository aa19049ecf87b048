/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "diff/fit_space.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
        MANIFEST_LINE_BYTES = 256, /* beside the path */
        N_OWN_INODES = 4,          /* .sysswitch, the manifest and its new form, and one to spare */
};

static uint64_t in_blocks(uint64_t n_bytes, uint32_t block_bytes) {
        return block_bytes > 0 ? (n_bytes + block_bytes - 1) / block_bytes * block_bytes : n_bytes;
}

/* A link or directory may take a block of its own. */
static uint64_t bytes_of_slot(const FitOperation *operation, uint32_t block_bytes) {
        const Content *content = operation->give_back ? operation->give_back->content
                                 : operation->entry   ? operation->entry->content
                                                      : NULL;
        return in_blocks(content ? content->size_bytes : 1, block_bytes);
}

SpaceNeed fit_space(const FitPlan *fit, const SpaceOptions *options) {
        SpaceNeed need = { .n_inodes = N_OWN_INODES };
        uint64_t manifest_bytes = 4096;
        for (size_t i = 0; i < fit->n_operations; i++) {
                const FitOperation *operation = &fit->operations[i];
                if (operation->verb == FIT_RECORD || operation->root != options->root)
                        continue;
                manifest_bytes += MANIFEST_LINE_BYTES + strlen(operation->path);
                if (operation->verb == FIT_PLACE || operation->verb == FIT_EXCHANGE) {
                        need.n_bytes += bytes_of_slot(operation, options->block_bytes);
                        need.n_inodes++;
                }
                if (options->copies_up && operation->found->kind != FOUND_NOTHING) {
                        need.n_bytes += in_blocks(
                                        operation->found->size_bytes, options->block_bytes);
                        need.n_inodes++;
                }
        }
        need.n_bytes += in_blocks(manifest_bytes, options->block_bytes) +
                        (uint64_t) N_OWN_INODES * options->block_bytes;
        return need;
}

static int compare_pointers(const void *left, const void *right) {
        const Content *a = *(const Content *const *) left, *b = *(const Content *const *) right;
        return a < b ? -1 : a > b;
}

/* Equal contents of one pool are the same one. */
typedef struct Pool {
        const Content **contents;
        size_t n_contents;
} Pool;

static void pool_donep(Pool *pool) {
        free(pool->contents);
}

static void pool_add(Pool *pool, const Content *content) {
        if (content)
                pool->contents[pool->n_contents++] = content;
}

static void pool_sort(Pool *pool) {
        if (pool->n_contents > 1)
                qsort(pool->contents, pool->n_contents, sizeof(pool->contents[0]),
                                compare_pointers);
}

int fit_stored_bytes(const FitPlan *fit, const Tree *old, const Tree *new, uint64_t *ret_n_bytes) {
        size_t n_old = old ? old->n_entries : 0, n_new = new ? new->n_entries : 0;
        cleanup(pool_donep) Pool known = { .contents = calloc(n_old + 1, sizeof(Content *)) };
        cleanup(pool_donep) Pool all = { 0 };
        all.contents = calloc(n_new + fit->n_operations + 1, sizeof(Content *));
        if (!known.contents || !all.contents)
                return -ENOMEM;
        for (size_t i = 0; i < n_old; i++)
                pool_add(&known, old->entries[i].content);
        for (size_t i = 0; i < n_new; i++)
                pool_add(&all, new->entries[i].content);
        for (size_t i = 0; i < fit->n_operations; i++)
                if (fit->operations[i].keep_displaced || fit->operations[i].keep_saved ||
                                fit->operations[i].renews_displaced)
                        pool_add(&all, fit->operations[i].found->content);
        pool_sort(&known);
        pool_sort(&all);
        uint64_t n_bytes = 0;
        for (size_t i = 0; i < all.n_contents; i++) {
                const Content **key = &all.contents[i];
                if (i > 0 && key[0] == key[-1])
                        continue;
                if (!known.n_contents || !bsearch(key, known.contents, known.n_contents,
                                                         sizeof(*key), compare_pointers))
                        n_bytes += key[0]->size_bytes;
        }
        *ret_n_bytes = n_bytes;
        return 0;
}
