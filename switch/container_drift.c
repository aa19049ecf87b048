/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "switch/container_drift.h"

#include "activate/bundle_store.h"
#include "switch/container_edits.h"

#include <errno.h>

void container_drift_done(ContainerDrifts *drifts) {
        container_views_done(&drifts->views);
        *drifts = (ContainerDrifts){ 0 };
}

/* Tree and fit end before it is told. */
static int keep_texts(ContainerDrift *drift, Arena *arena) {
        for (size_t i = 0; i < drift->n_files; i++) {
                DriftFile *file = &drift->files[i];
                file->path = arena_strdup(arena, file->path);
                file->what = arena_strdup(arena, file->what);
                if (!file->path || !file->what)
                        return -ENOMEM;
        }
        return 0;
}

static int look_inside(
                const ContainerView *view, Arena *arena, ContainerDrift *drift, Error *reterr) {
        char name[BUNDLE_TREE_SIZE];
        cleanup(contents_freep) Contents *contents = contents_new();
        cleanup(tree_freep) Tree *tree = NULL;
        cleanup(etc_look_donep) EtcLook look = { 0 };
        if (!contents)
                return error_oom(reterr);
        int r = bundle_store_pointed(view->name, "active", name, reterr);
        if (r > 0)
                r = bundle_store_read(view->name, name, contents, &tree, reterr);
        if (r < 0 || !tree)
                return r;
        r = etc_look(view->look.leader, tree, 0, contents, &look, reterr);
        if (r == -EBUSY) { /* whoever is inside hides nothing but himself by that */
                drift->what = "has an /etc that does not stop changing";
                return 0;
        }
        if (r == ETC_IS_NONE)
                drift->what = "has something else in the place of its /etc";
        if (r != ETC_LOOKED)
                return r < 0 ? r : 0;
        r = drift_list_files(look.fit, arena, &drift->files, &drift->n_files, reterr);
        if (r >= 0 && keep_texts(drift, arena) < 0)
                r = error_oom(reterr);
        return r;
}

static int find(const ContainerView *view, Arena *arena, ContainerDrift *drift, Error *reterr) {
        *drift = (ContainerDrift){ .view = view };
        if (view->look.leader == 0)
                return 0;
        if (!view->is_declared) {
                drift->what = "runs, and is not declared any more";
                return 0;
        }
        int r = bundle_store_is_half_way(view->name, reterr);
        if (r > 0) { /* its files are not as anybody edited them */
                drift->what = "is half-way from one tree to another: an activation is under way, "
                              "or was cut off, and sysswitch container activate makes it whole";
                return 0;
        }
        if (r >= 0)
                r = look_inside(view, arena, drift, reterr);
        if (r >= 0 && view->has_other_tree)
                drift->what = "runs another tree than its next start has: sysswitch container "
                              "activate takes that over";
        return r < 0 ? error_prefix(reterr, "Container %s", view->name) : 0;
}

int container_drift_find(Host *host, ContainerDrifts *ret_drifts, Error *reterr) {
        cleanup(container_drift_donep) ContainerDrifts drifts = { 0 };
        int r = container_views_find(host, &drifts.views, reterr);
        if (r < 0)
                return r;
        Arena *arena = &drifts.views.arena;
        drifts.items = arena_new(arena, ContainerDrift, drifts.views.n_items + 1);
        if (!drifts.items)
                return error_oom(reterr);
        for (size_t i = 0; r >= 0 && i < drifts.views.n_items; i++) {
                ContainerDrift *drift = &drifts.items[drifts.n_items];
                r = find(&drifts.views.items[i], arena, drift, reterr);
                drifts.n_items += r >= 0 && (drift->what || drift->n_files > 0);
        }
        if (r < 0)
                return r;
        *ret_drifts = drifts;
        drifts = (ContainerDrifts){ 0 };
        return 0;
}
