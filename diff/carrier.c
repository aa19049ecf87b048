/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "diff/carrier.h"

#include "diff/unit_name.h"

#include <errno.h>
#include <string.h>

/* To mount anew with other options takes nothing away. */
static bool moves(Verb verb) {
        return verb == VERB_STOP || verb == VERB_RESTART || verb == VERB_START;
}

static const char *find_drag(
                const UnitDrag *drags, size_t n_drags, const char *unit, Verb *ret_verb) {
        for (size_t i = 0; i < n_drags; i++)
                if (strcmp(drags[i].unit, unit) == 0 && moves(drags[i].verb)) {
                        *ret_verb = drags[i].verb;
                        return drags[i].unit;
                }
        return NULL;
}

static const char *find_moved(const UnitPlan *plan, const char *unit, Verb *ret_verb) {
        for (size_t i = 0; i < plan->n_actions; i++)
                if (strcmp(plan->actions[i].unit, unit) == 0 && moves(plan->actions[i].verb)) {
                        *ret_verb = plan->actions[i].verb;
                        return plan->actions[i].unit;
                }
        const char *found = find_drag(plan->dragged, plan->n_dragged, unit, ret_verb);
        return found ? found : find_drag(plan->triggered, plan->n_triggered, unit, ret_verb);
}

int carrier_find(const UnitPlan *plan,
                const char *path,
                Arena *arena,
                const char **ret_unit,
                Verb *ret_verb) {
        static const UnitType types[] = { UNIT_MOUNT, UNIT_AUTOMOUNT };
        const char *found = NULL;
        for (size_t length = strlen(path); !found && length > 1;) {
                const char *parent = arena_strndup(arena, path, length);
                for (size_t i = 0; !found && i < N_ELEMENTS(types); i++) {
                        const char *unit = parent ? unit_name_from_path(arena, parent, types[i])
                                                  : NULL;
                        if (!unit)
                                return -ENOMEM;
                        found = find_moved(plan, unit, ret_verb);
                }
                while (length > 1 && path[--length] != '/')
                        ;
        }
        *ret_unit = found;
        return 0;
}
