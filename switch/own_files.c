/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "switch/own_files.h"

#include "activate/local_files.h"
#include "activate/owned_paths.h"
#include "diff/machine_file.h"

#include <errno.h>
#include <string.h>

enum { MAX_OWN_BYTES = 1024 * 1024 };

void left_out_done(LeftOut *left_out) {
        map_done(&left_out->by_path);
        map_done(&left_out->own);
        arena_done(&left_out->arena);
}

int left_out_add(LeftOut *left_out, const char *path, const char *why) {
        if (left_out->n_items == left_out->n_allocated) {
                size_t n = left_out->n_allocated * 2 + 64;
                LeftOutFile *items = arena_new(&left_out->arena, LeftOutFile, n);
                if (!items)
                        return -ENOMEM;
                if (left_out->n_items > 0)
                        memcpy(items, left_out->items, left_out->n_items * sizeof(LeftOutFile));
                left_out->items = items;
                left_out->n_allocated = n;
        }
        char *key = arena_strdup(&left_out->arena, path);
        if (!key || map_put(&left_out->by_path, key, key) < 0)
                return -ENOMEM;
        left_out->items[left_out->n_items++] = (LeftOutFile){ key, why };
        return 0;
}

bool left_out_has(const LeftOut *left_out, const char *path) {
        return map_get(&left_out->by_path, path);
}

/* local_unit_paths() has them. */
static bool is_place_of_units(const char *path) {
        static const char *const places[] = { "systemd/system/", "systemd/user/",
                "systemd/nspawn/" };
        for (size_t i = 0; i < N_ELEMENTS(places); i++)
                if (strncmp(path, places[i], strlen(places[i])) == 0)
                        return true;
        return false;
}

static int take(const char *path, Strv *paths, LeftOut *left_out) {
        const char *what = machine_file_what(path);
        if (what)
                return left_out_add(left_out, path, what);
        char *key = arena_strdup(&left_out->arena, path);
        if (!key || map_put(&left_out->own, key, key) < 0)
                return -ENOMEM;
        return strv_add(paths, path);
}

int own_files_list(Host *host,
                const Packages *packages,
                Strv *paths,
                LeftOut *left_out,
                Error *reterr) {
        OwnedPaths owned = { 0 };
        cleanup_strv Strv all = { 0 };
        int r = owned_paths_read(host->root_fd, host->is_image, &owned, reterr);
        if (r >= 0 && owned.is_incomplete)
                left_out->note = "rpm is not asked of an image, so what no package has is left out";
        else if (r >= 0 && !owned.is_known)
                left_out->note = "no package manager is known here (dpkg, pacman, rpm), so of /etc "
                                 "only units were looked at";
        else if (r >= 0)
                r = local_own_paths(&host->etc, &owned, &all, reterr);
        for (size_t i = 0; r >= 0 && i < all.n_items; i++)
                if (!packages_have(packages, all.items[i]) && !is_place_of_units(all.items[i]) &&
                                take(all.items[i], paths, left_out) < 0)
                        r = error_oom(reterr);
        owned_paths_done(&owned);
        return r;
}

/* As Path= and the language of units take it. */
static bool is_plain_name(const char *path) {
        for (const char *c = path; *c; c++)
                if ((unsigned char) *c <= ' ' || *c == 0x7f || strchr("*?[]\\\"'", *c))
                        return false;
        return true;
}

const char *own_file_fault(const LeftOut *left_out, const Found *found) {
        if (!map_get(&left_out->own, found->path) ||
                        (found->kind != FOUND_FILE && found->kind != FOUND_LINK))
                return NULL;
        if (found->kind == FOUND_FILE && !is_for_everybody(found))
                return "not for everybody to read, so rather a secret";
        if (found->kind == FOUND_FILE && found->size_bytes > MAX_OWN_BYTES)
                return "larger than 1 MiB";
        return is_plain_name(found->path) ? NULL : "a name that needs quoting";
}
