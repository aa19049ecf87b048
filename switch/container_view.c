/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "switch/container_view.h"

#include "activate/bundle_roots.h"
#include "activate/bundle_store.h"
#include "activate/timer.h"
#include "activate/unit_look.h"
#include "diff/container.h"
#include "diff/profile_conf.h"
#include "state/profile.h"
#include "state/record.h"

#include <errno.h>
#include <string.h>

void container_views_done(ContainerViews *views) {
        for (size_t i = 0; i < views->n_items; i++)
                container_look_done(&views->items[i].look);
        arena_done(&views->arena);
        *views = (ContainerViews){ 0 };
}

static int read_conf(
                Host *host, ContainerViews *views, const ProfileConf **ret_conf, Error *reterr) {
        const Tree *tree;
        int r = host_active_tree(host, &tree, reterr);
        return r < 0 ? r : profile_conf_of(&views->arena, tree, host->contents, ret_conf, reterr);
}

/* Those that are declared, and those that were. */
static int find_names(Host *host, Strv *names, Error *reterr) {
        const Tree *tree;
        char name[CONTAINER_NAME_SIZE];
        size_t position = 0;
        int r = host_active_tree(host, &tree, reterr);
        if (r >= 0)
                r = bundle_roots_list(names, reterr);
        while (r >= 0 && container_next(tree, &position, name))
                if (strv_add_unique(names, name) < 0)
                        r = error_oom(reterr);
        strv_sort(names);
        return r < 0 ? r : 0;
}

static int find_generation(
                Host *host, const ProfileConf *conf, ContainerView *view, Error *reterr) {
        view->profile = host->profile_name;
        view->generation = host->profile.active;
        const ContainerRule *rule = container_rule(conf, view->name);
        if (!rule || !rule->profile)
                return 0;
        view->profile = rule->profile;
        cleanup(profile_donep) Profile profile = { 0 };
        int r = profile_load(host->database, view->profile, &profile, reterr);
        if (r >= 0)
                view->generation = profile.default_number;
        return r;
}

static int compare_trees(ContainerView *view, Error *reterr) {
        char active[BUNDLE_TREE_SIZE], wanted[BUNDLE_TREE_SIZE];
        if (view->look.leader == 0 || !view->is_declared)
                return 0;
        int r = bundle_store_pointed(view->name, "active", active, reterr);
        if (r >= 0)
                r = bundle_store_wanted(view->name, wanted, reterr);
        view->has_other_tree = r >= 0 && strcmp(active, wanted) != 0;
        return r == -ENOENT ? 0 : r; /* its first start is still to come */
}

static int fill(Host *host,
                const ProfileConf *conf,
                ContainerViews *views,
                const char *name,
                ContainerView *view,
                Error *reterr) {
        const Tree *tree;
        view->name = arena_strdup(&views->arena, name);
        view->unit = arena_printf(&views->arena, "container-%s.service", name);
        if (!view->name || !view->unit)
                return error_oom(reterr);
        int r = host_active_tree(host, &tree, reterr);
        if (r >= 0) {
                view->is_declared = container_settings(tree, name) != NULL;
                r = find_generation(host, conf, view, reterr);
        }
        if (r >= 0)
                r = container_look(name, &view->look, reterr);
        return r < 0 ? r : compare_trees(view, reterr);
}

/* What the boot of the host starts is up before that is over. */
static int find_restarts(Host *host, ContainerViews *views, Error *reterr) {
        uint64_t booted_usec = 0;
        int r = timer_read(host->systemd, "FinishTimestamp", &booted_usec, reterr);
        for (size_t i = 0; r >= 0 && booted_usec > 0 && i < views->n_items; i++) {
                ContainerView *view = &views->items[i];
                if (view->look.leader == 0 || view->look.since_usec <= booted_usec)
                        continue;
                r = record_was_at_work(host->database, view->look.since_usec, reterr);
                view->is_restarted = r == 0;
        }
        return r < 0 ? r : 0;
}

static int look_at_units(Host *host, ContainerViews *views, Error *reterr) {
        UnitLook *looks = arena_new(&views->arena, UnitLook, views->n_items + 1);
        if (!looks)
                return error_oom(reterr);
        for (size_t i = 0; i < views->n_items; i++)
                looks[i].unit = views->items[i].unit;
        int r = unit_look(host->systemd, looks, views->n_items, LOOK_RESULT, reterr);
        for (size_t i = 0; r >= 0 && i < views->n_items; i++) {
                memcpy(views->items[i].active_state, looks[i].active_state,
                                sizeof(views->items[i].active_state));
                views->items[i].rebooted_itself = looks[i].n_restarts > 0;
        }
        return r;
}

int container_views_find(Host *host, ContainerViews *ret_views, Error *reterr) {
        cleanup(container_views_donep) ContainerViews views = { 0 };
        cleanup_strv Strv names = { 0 };
        const ProfileConf *conf;
        int r = read_conf(host, &views, &conf, reterr);
        if (r >= 0)
                r = find_names(host, &names, reterr);
        if (r < 0)
                return r;
        views.items = arena_new(&views.arena, ContainerView, names.n_items + 1);
        if (!views.items)
                return error_oom(reterr);
        for (size_t i = 0; r >= 0 && i < names.n_items; i++)
                r = fill(host, conf, &views, names.items[i], &views.items[views.n_items++], reterr);
        if (r >= 0)
                r = look_at_units(host, &views, reterr);
        if (r >= 0 && host->database)
                r = find_restarts(host, &views, reterr);
        if (r < 0)
                return r;
        *ret_views = views;
        views = (ContainerViews){ 0 };
        return 0;
}

int container_view_of(const ContainerViews *views,
                const char *name,
                const ContainerView **ret_view,
                Error *reterr) {
        for (size_t i = 0; i < views->n_items; i++)
                if (strcmp(views->items[i].name, name) == 0) {
                        *ret_view = &views->items[i];
                        return 0;
                }
        return error_set(reterr, -ENOENT,
                        "There is no container %s: 'sysswitch container list' has them", name);
}
