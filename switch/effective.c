/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "switch/effective.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A found thing as an entry. like: what some tree declares at the path; it stands for the found one
 * when the two are equal, so that nothing seems to change. */
static int add_found(
                Tree *tree, const EffectiveInput *input, const Found *found, const Entry *like) {
        if (like && fit_is_as_declared(input->fit_input, like, found))
                return tree_add(tree, like);
        char uid[16], gid[16];
        (void) snprintf(uid, sizeof(uid), "%u", found->uid); /* fits */
        (void) snprintf(gid, sizeof(gid), "%u", found->gid);
        Entry entry = {
                .root = input->fit_input->root,
                .path = found->path,
                .mode = found->mode,
                .owner = found->uid == 0 ? "root" : uid,
                .group = found->gid == 0 ? "root" : gid,
                .secret = like && like->secret,
                .content = found->content,
                .target = found->target,
        };
        switch (found->kind) {
        case FOUND_FILE:
                entry.kind = ENTRY_FILE;
                break;
        case FOUND_LINK:
                entry.kind = ENTRY_LINK;
                entry.mode = 0;
                break;
        case FOUND_DIRECTORY:
                entry.kind = ENTRY_DIRECTORY;
                break;
        default:
                return 0; /* nothing there, or nothing that a unit could read */
        }
        if ((entry.kind == ENTRY_FILE && !entry.content) ||
                        (entry.kind == ENTRY_LINK && !entry.target))
                return 0; /* not looked at closely: nothing depends on it */
        return tree_add(tree, &entry);
}

static int compare_operations(const void *left, const void *right) {
        const FitOperation *const *a = left, *const *b = right;
        return strcmp((*a)->path, (*b)->path);
}

static int compare_path(const void *key, const void *element) {
        return strcmp(key, (*(const FitOperation *const *) element)->path);
}

/* old, but where an entry that does not change will be put right, with what is really there. */
static int add_old(Tree *before,
                const EffectiveInput *input,
                const FitOperation **by_path,
                size_t n_operations) {
        for (size_t i = 0; i < input->old->n_entries; i++) {
                const Entry *entry = &input->old->entries[i];
                const FitOperation **operation = NULL;
                if (entry->root == input->fit_input->root && n_operations > 0)
                        operation = bsearch(entry->path, by_path, n_operations, sizeof(*by_path),
                                        compare_path);
                const Entry *same =
                                operation ? tree_find(input->new, entry->root, entry->path) : NULL;
                bool is_repair = same && entry_equal(same, entry);
                int r = is_repair ? add_found(before, input, (*operation)->found, entry)
                                  : tree_add(before, entry);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int make_before(const EffectiveInput *input, Tree *before) {
        size_t n_operations = input->fit->n_operations;
        cleanup_free const FitOperation **by_path =
                        calloc(n_operations + 1, sizeof(FitOperation *));
        if (!by_path)
                return -ENOMEM;
        for (size_t i = 0; i < n_operations; i++)
                by_path[i] = &input->fit->operations[i];
        qsort(by_path, n_operations, sizeof(*by_path), compare_operations);
        int r = add_old(before, input, by_path, n_operations);
        const FitInput *fit = input->fit_input;
        for (size_t i = 0; r >= 0 && i < fit->n_found; i++) {
                const Found *found = &fit->found[i];
                if (!tree_find(input->old, fit->root, found->path))
                        r = add_found(before, input, found,
                                        tree_find(input->new, fit->root, found->path));
        }
        return r;
}

static int make_after(const EffectiveInput *input, Tree *after) {
        const FitInput *fit = input->fit_input;
        int r = 0;
        for (size_t i = 0; r >= 0 && i < input->new->n_entries; i++)
                r = tree_add(after, &input->new->entries[i]);
        for (size_t i = 0; r >= 0 && i < fit->n_displaced; i++) {
                const Found *displaced = &fit->displaced[i];
                if (!tree_find(input->new, fit->root, displaced->path))
                        r = add_found(after, input, displaced,
                                        tree_find(input->old, fit->root, displaced->path));
        }
        return r;
}

int effective_trees(
                const EffectiveInput *input, Tree **ret_before, Tree **ret_after, Error *reterr) {
        cleanup(tree_freep) Tree *before = tree_new();
        cleanup(tree_freep) Tree *after = tree_new();
        if (!before || !after || make_before(input, before) < 0 || make_after(input, after) < 0)
                return error_oom(reterr);
        int r = tree_seal(before, reterr);
        if (r >= 0)
                r = tree_seal(after, reterr);
        if (r < 0)
                return r;
        *ret_before = TAKE(before);
        *ret_after = TAKE(after);
        return 0;
}
