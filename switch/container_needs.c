/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "switch/container_needs.h"

#include "activate/bundle_roots.h"
#include "activate/process.h"
#include "diff/container.h"
#include "diff/nspawn.h"

#include <stdlib.h>
#include <string.h>

/* A quiet one has seven: its systemd four, dbus, logind and the getty one each. */
enum { INSTANCES_OF_CONTAINER = 7, INSTANCES_OF_HOST = 8 };

static const char limit_path[] = "/proc/sys/fs/inotify/max_user_instances";

static const char *first_start(const Prepared *prepared) {
        const UnitPlan *units = &prepared->plan->units;
        for (size_t i = 0; i < units->n_actions; i++)
                if (units->actions[i].container &&
                                (units->actions[i].verb == VERB_START ||
                                                units->actions[i].verb == VERB_RESTART))
                        return units->actions[i].unit;
        return NULL;
}

const char *container_needs_program(const Prepared *prepared) {
        const char *unit = first_start(prepared);
        return unit && !process_finds("systemd-nspawn") ? unit : NULL;
}

/* Is on, or is started by the boot or the plan. */
static bool is_to_run(const Prepared *prepared, const char *unit) {
        char link[256];
        (void) snprintf(link, sizeof(link), "systemd/system/multi-user.target.wants/%.128s",
                        unit); /* fits */
        return tree_find(prepared->effective.after, ROOT_ETC, link) ||
               (prepared->states && unit_state_is_on(unit_states_find(prepared->states, unit)));
}

static size_t count_to_run(const Prepared *prepared) {
        size_t n = 0, position = 0;
        for (char name[CONTAINER_NAME_SIZE];
                        container_next(prepared->effective.after, &position, name);) {
                char unit[128];
                (void) snprintf(unit, sizeof(unit), "container-%s.service", name); /* fits */
                n += is_to_run(prepared, unit);
        }
        return n;
}

static unsigned long read_limit(void) {
        char line[32];
        cleanup_file FILE *file = fopen(limit_path, "re");
        return file && fgets(line, sizeof(line), file) ? strtoul(line, NULL, 10) : 0;
}

int container_needs_note(Prepared *prepared, Error *reterr) {
        if (!first_start(prepared))
                return 0;
        unsigned long limit = read_limit(); /* 0: nobody knows */
        size_t n = count_to_run(prepared), needed = n * INSTANCES_OF_CONTAINER + INSTANCES_OF_HOST;
        if (limit == 0 || needed <= limit)
                return 0;
        const char *note = arena_printf(&prepared->plan->arena,
                        "%zu containers need about %zu inotify instances, and "
                        "fs.inotify.max_user_instances is %lu: some of them will not come up, "
                        "raise it in etc/sysctl.d/",
                        n, needed, limit);
        Plan *plan = prepared->plan;
        return note && plan_add_note(plan, &plan->units, note) >= 0 ? 0 : error_oom(reterr);
}

/* What of its root is the container's: "/sub", in the arena; NULL: all of it. */
static int find_below(const Host *host,
                Arena *arena,
                const Entry *settings,
                const char **ret_below,
                Error *reterr) {
        const UnitFile *file;
        int r = unit_file_of(host->contents, settings->content, settings->path, &file, reterr);
        NspawnPivot pivot = r < 0 ? (NspawnPivot){ 0 } : nspawn_pivot(file);
        *ret_below = pivot.n_directory > 0
                                     ? arena_strndup(arena, pivot.directory, pivot.n_directory)
                                     : NULL;
        return r < 0 ? r : pivot.n_directory > 0 && !*ret_below ? error_oom(reterr) : 0;
}

/* NULL: memory is short. */
static const char *fault_of_root(Arena *arena,
                const ProfileConf *conf,
                const ContainerRule *rule,
                const Entry *settings,
                const char *root) {
        const char *place =
                        rule && rule->root ? profile_conf_place(arena, conf, rule->root_line)
                                           : arena_printf(arena, "containers/%s:1", settings->path);
        return place ? arena_printf(arena,
                                       "%s: Root=%s is not empty, and no container's, which would "
                                       "come to "
                                       "own what is in it: name another directory, or move that "
                                       "away",
                                       place, root)
                     : NULL;
}

int container_needs_other_root(const Host *host,
                Prepared *prepared,
                size_t *position,
                const char **ret_name,
                const char **ret_fault,
                Error *reterr) {
        Arena *arena = &prepared->arena;
        const ProfileConf *conf = NULL;
        const Entry *settings;
        char name[CONTAINER_NAME_SIZE];
        int r = profile_conf_of(arena, prepared->new, host->contents, &conf, reterr);
        while (r >= 0 && (settings = container_next(prepared->new, position, name))) {
                const ContainerRule *rule = container_rule(conf, name);
                const char *root = container_root(arena, name, rule), *below = NULL;
                r = root ? find_below(host, arena, settings, &below, reterr) : error_oom(reterr);
                if (r >= 0)
                        r = bundle_roots_may_be(host->root_fd, name, root, below, reterr);
                if (r != 0)
                        continue;
                *ret_name = arena_strdup(arena, name);
                *ret_fault = fault_of_root(arena, conf, rule, settings, root);
                return *ret_name && *ret_fault ? 1 : error_oom(reterr);
        }
        return r < 0 ? r : 0;
}
