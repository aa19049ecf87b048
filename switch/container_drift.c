/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "switch/container_drift.h"

#include "activate/bundle_store.h"
#include "activate/scan.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/syscall.h>

void container_drift_done(ContainerDrifts *drifts) {
        container_views_done(&drifts->views);
        *drifts = (ContainerDrifts){ 0 };
}

static int open_etc(pid_t leader) {
        char path[64];
        (void) snprintf(path, sizeof(path), "/proc/%d/root", (int) leader); /* fits */
        cleanup_fd int root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (root < 0)
                return -errno;
        struct open_how how = { .flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC,
                .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV };
        int fd = (int) syscall(SYS_openat2, root, "etc", &how, sizeof(how));
        return fd < 0 ? -errno : fd;
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

/* Owners are left alone: seen from here they are those of the user namespace. */
static int compare(const Root *etc,
                const Tree *tree,
                Contents *contents,
                Arena *arena,
                ContainerDrift *drift,
                Error *reterr) {
        FitInput input = { .root = ROOT_ETC, .old = tree, .new = tree, .force = true };
        cleanup_free Sought *sought = NULL;
        cleanup(scan_freep) Scan *scan = NULL;
        cleanup(fit_plan_freep) FitPlan *fit = NULL;
        size_t n_sought = 0;
        if (fit_plan_seek(&input, true, &sought, &n_sought) < 0)
                return error_oom(reterr);
        int r = scan_new(etc, sought, n_sought, contents, &scan, reterr);
        if (r < 0)
                return r;
        input.found = scan->found;
        input.n_found = scan->n_found;
        r = fit_plan_new(&input, &fit, reterr);
        if (r >= 0)
                r = drift_list_files(fit, arena, &drift->files, &drift->n_files, reterr);
        if (r >= 0 && keep_texts(drift, arena) < 0)
                r = error_oom(reterr);
        return r;
}

static int look_inside(
                const ContainerView *view, Arena *arena, ContainerDrift *drift, Error *reterr) {
        char name[BUNDLE_TREE_SIZE];
        cleanup(contents_freep) Contents *contents = contents_new();
        cleanup(tree_freep) Tree *tree = NULL;
        cleanup_fd int fd = open_etc(view->look.leader);
        const Root etc = { .fd = fd, .path = "its /etc" };
        if (!contents)
                return error_oom(reterr);
        if (fd == -ENOENT || fd == -ESRCH) /* it went down meanwhile */
                return 0;
        if (fd < 0) {
                drift->what = "has something else in the place of its /etc";
                return 0;
        }
        int r = bundle_store_pointed(view->name, "active", name, reterr);
        if (r > 0)
                r = bundle_store_read(view->name, name, contents, &tree, reterr);
        return r < 0 || !tree ? r : compare(&etc, tree, contents, arena, drift, reterr);
}

static int find(const ContainerView *view, Arena *arena, ContainerDrift *drift, Error *reterr) {
        *drift = (ContainerDrift){ .view = view };
        if (view->look.leader == 0)
                return 0;
        if (!view->is_declared) {
                drift->what = "runs, and is not declared any more";
                return 0;
        }
        int r = look_inside(view, arena, drift, reterr);
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
