/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "activate/plan_run.h"
#include "base/map.h"

#include <errno.h>

static int add_unit(Map *found, const UnitLook *look, UnitBefore *units, size_t *n_units) {
        if (map_get(found, look->unit))
                return 0;
        UnitBefore *unit = &units[(*n_units)++];
        *unit = (UnitBefore){
                .unit = look->unit,
                .was_on = unit_look_is_on(look),
                .invocation_id = look->invocation_id,
        };
        return map_put(found, look->unit, unit);
}

int plan_run_before(PlanRun *run, const UnitBefore **ret_units, size_t *ret_n_units) {
        const UnitPlan *plan = run->plan;
        size_t n_looks = plan->n_actions + plan->n_dragged, n_units = 0;
        UnitBefore *units = arena_new(&run->arena, UnitBefore, n_looks + 1);
        cleanup(map_donep) Map found = { 0 };
        if (!units)
                return -ENOMEM;
        for (size_t i = 0; i < n_looks; i++) {
                const UnitAction *action = i < plan->n_actions ? &plan->actions[i] : NULL;
                if (action && action->verb == VERB_SKIP)
                        continue;
                if (add_unit(&found, &run->before[i], units, &n_units) < 0)
                        return -ENOMEM;
                UnitBefore *unit = map_get(&found, run->before[i].unit);
                if (action)
                        unit->phases |= PHASE_BIT(action->phase);
                unit->runs_again = unit->runs_again || (action && action->runs_again);
        }
        *ret_units = units;
        *ret_n_units = n_units;
        return 0;
}
