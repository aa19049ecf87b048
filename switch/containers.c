/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "switch/containers.h"

#include "activate/bundle_prune.h"
#include "activate/bundle_store.h"
#include "activate/sync.h"
#include "diff/container.h"
#include "diff/nspawn.h"
#include "switch/followers.h"

#include <errno.h>
#include <string.h>

static int lay_one(Host *host,
                const Prepared *prepared,
                const char *name,
                LaidContainers *laid,
                Error *reterr) {
        Arena *arena = (Arena *) (uintptr_t) &prepared->arena; /* it only grows */
        char tree[BUNDLE_TREE_SIZE], there[BUNDLE_TREE_SIZE];
        cleanup(tree_freep) Tree *inside = NULL;
        int r = container_inside(prepared->effective.after, name, &inside, reterr);
        if (r >= 0)
                r = bundle_store_lay(name, inside, host->contents, &laid->files, tree, reterr);
        if (r >= 0)
                r = bundle_store_pointed(name, "default", there, reterr);
        bool is_forced = strv_has(&prepared->forced, name);
        if (r < 0 || (strcmp(tree, there) == 0 && !is_forced))
                return r < 0 ? r : 0;
        LaidContainer *one = &laid->items[laid->n_items++];
        one->name = arena_strdup(arena, name);
        one->tree = arena_strdup(arena, tree);
        one->is_forced = is_forced;
        return one->name && one->tree ? 0 : error_oom(reterr);
}

int containers_lay(Host *host, const Prepared *prepared, LaidContainers *ret_laid, Error *reterr) {
        const Tree *tree = prepared->effective.after;
        Arena *arena = (Arena *) (uintptr_t) &prepared->arena; /* it only grows */
        char name[CONTAINER_NAME_SIZE];
        size_t position = 0;
        *ret_laid = (LaidContainers){ 0 };
        if (host->is_image)
                return 0;
        /* what an earlier commit left to be done; or it would go with an undo of this switch */
        int r = bundle_store_settle(true, reterr);
        bundle_prune();
        if (r < 0)
                return r;
        ret_laid->items = arena_new(arena, LaidContainer, tree->n_entries + 1);
        if (!ret_laid->items)
                return error_oom(reterr);
        while (r >= 0 && container_next(tree, &position, name))
                r = lay_one(host, prepared, name, ret_laid, reterr);
        return r;
}

int containers_lay_lost(const char *name, Error *reterr) {
        cleanup(host_donep) Host host;
        cleanup(tree_freep) Tree *inside = NULL;
        cleanup_strv Strv files = { 0 };
        char tree[BUNDLE_TREE_SIZE];
        int r = host_open("/", "system", DATABASE_READ, &host, reterr);
        if (r >= 0)
                r = followers_load(&host, name, &inside, reterr);
        if (r >= 0)
                r = bundle_store_lay(name, inside, host.contents, &files, tree, reterr);
        if (r >= 0)
                r = sync_elsewhere(NSPAWN_BUNDLES, -1, reterr);
        if (r >= 0)
                r = bundle_store_name(&files, reterr);
        return r < 0 ? r : bundle_store_point(name, "default", tree, reterr);
}

void containers_done(LaidContainers *laid) {
        strv_done(&laid->files);
}

int containers_point(const LaidContainers *laid, Error *reterr) {
        int r = bundle_store_name(&laid->files, reterr);
        for (size_t i = 0; r >= 0 && i < laid->n_items; i++) {
                const LaidContainer *one = &laid->items[i];
                if (one->is_forced)
                        r = bundle_store_point(one->name, "force", one->tree, reterr);
                if (r >= 0)
                        r = bundle_store_point(one->name, "next", one->tree, reterr);
        }
        return r;
}
