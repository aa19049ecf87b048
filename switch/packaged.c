/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "switch/packaged.h"

#include <errno.h>
#include <string.h>

int packaged_seek(Host *host, Prepared *prepared, Sought *sought, size_t n_sought, Error *reterr) {
        if (prepared->from_number == 0 ||
                        packages_changed_usec(host->root_fd) < prepared->last_switch_usec)
                return 0;
        int r = packages_new(host->root_fd, &prepared->packages, reterr);
        for (size_t i = 0; r >= 0 && i < n_sought; i++)
                sought[i].whole |= packages_have(prepared->packages, sought[i].path);
        return r;
}

static bool is_kept(const Found *found) {
        return (found->kind == FOUND_FILE && found->content) ||
               (found->kind == FOUND_LINK && found->target);
}

/* Only what is displaced now, and what is not ours, is asked for. */
static bool matters(const Prepared *prepared, const Found *found) {
        if (!is_kept(found))
                return false;
        const Entry *old = tree_find(prepared->old, ROOT_ETC, found->path);
        return !old || !fit_is_as_declared(&prepared->fit_input, old, found);
}

static bool is_needed(const Prepared *prepared) {
        for (size_t i = 0; i < prepared->n_displaced; i++)
                if (prepared->displaced[i].packaged != PACKAGED_NOT)
                        return true;
        for (size_t i = 0; i < prepared->scan->n_found; i++)
                if (matters(prepared, &prepared->scan->found[i]))
                        return true;
        return false;
}

/* Where the new tree has nothing, and the package's own is there in place of ours: it stays. */
static bool stays(const Prepared *prepared, const Found *found) {
        return found->packaged == PACKAGED_AS_SHIPPED &&
               !tree_find(prepared->new, ROOT_ETC, found->path) &&
               tree_find(prepared->old, ROOT_ETC, found->path);
}

static int compare_found(const void *left, const void *right) {
        return strcmp(((const Found *) left)->path, ((const Found *) right)->path);
}

static const Found *find_displaced(const Prepared *prepared, const char *path) {
        const Found key = { .path = path };
        return prepared->n_displaced == 0
                               ? NULL
                               : bsearch(&key, prepared->displaced, prepared->n_displaced,
                                                 sizeof(Found), compare_found);
}

static bool has_same_bytes(const Found *left, const Found *right) {
        return left->kind == right->kind && left->content == right->content &&
               (!left->target || strcmp(left->target, right->target) == 0);
}

/* Purged: what was the package's goes with it, so as it would without us. */
static bool is_orphan(const Prepared *prepared, const Found *displaced) {
        return displaced->packaged != PACKAGED_NOT && packages_are_known(prepared->packages) &&
               !packages_have(prepared->packages, displaced->path) &&
               !tree_find(prepared->new, ROOT_ETC, displaced->path);
}

static int set_displaced_right(Prepared *prepared) {
        const Scan *scan = prepared->scan;
        size_t n = 0, n_most = prepared->n_displaced + scan->n_found + 1;
        Found *displaced = arena_new(&prepared->arena, Found, n_most);
        prepared->superseded = arena_new(&prepared->arena, Found, prepared->n_displaced + 1);
        if (!displaced || !prepared->superseded)
                return -ENOMEM;
        for (size_t i = 0; i < scan->n_found; i++) {
                const Found *found = &scan->found[i];
                if (!stays(prepared, found))
                        continue;
                displaced[n++] = *found;
                const Found *older = find_displaced(prepared, found->path);
                if (older && !has_same_bytes(older, found))
                        prepared->superseded[prepared->n_superseded++] = *older;
        }
        size_t n_staying = n;
        for (size_t i = 0; i < prepared->n_displaced; i++) {
                const Found *older = &prepared->displaced[i];
                const Found key = { .path = older->path };
                if (bsearch(&key, displaced, n_staying, sizeof(Found), compare_found))
                        continue;
                if (is_orphan(prepared, older))
                        prepared->superseded[prepared->n_superseded++] = *older;
                else
                        displaced[n++] = *older;
        }
        if (n > 1)
                qsort(displaced, n, sizeof(Found), compare_found);
        prepared->displaced = displaced;
        prepared->n_displaced = n;
        return 0;
}

int packaged_judge(Host *host, Prepared *prepared, Error *reterr) {
        if (!prepared->packages && !is_needed(prepared))
                return 0;
        int r = prepared->packages ? 0 : packages_new(host->root_fd, &prepared->packages, reterr);
        if (r < 0)
                return r;
        for (size_t i = 0; i < prepared->scan->n_found; i++) {
                Found *found = &prepared->scan->found[i];
                if (matters(prepared, found))
                        found->packaged = packages_judge(prepared->packages, found);
        }
        return set_displaced_right(prepared) < 0 ? error_oom(reterr) : 0;
}
