/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "switch/container_needs.h"

#include "activate/process.h"
#include "diff/container.h"

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
