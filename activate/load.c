/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "activate/load.h"

#include "activate/live_states.h"

#include <errno.h>
#include <string.h>

/* Drop-ins may be there for a unit whose package is not. */
static bool is_bad(const UnitChanged *changed, const char *load_state) {
        return strcmp(load_state, "bad-setting") == 0 || strcmp(load_state, "error") == 0 ||
               (changed->is_defined && strcmp(load_state, "not-found") == 0);
}

int load_look(Systemd *systemd,
                const UnitPlan *plan,
                Arena *arena,
                LoadFailure *ret_failures,
                size_t *ret_n_failures,
                Error *reterr) {
        cleanup_strv Strv names = { 0 };
        cleanup(unit_states_freep) UnitStates *states = unit_states_new();
        if (!states)
                return error_oom(reterr);
        for (size_t i = 0; i < plan->n_changed; i++)
                if (strv_add(&names, plan->changed[i].unit) < 0)
                        return error_oom(reterr);
        int r = live_load(systemd, &names, states, reterr);
        if (r < 0)
                return r;
        size_t n = 0;
        for (size_t i = 0; i < plan->n_changed; i++) {
                const UnitChanged *changed = &plan->changed[i];
                const UnitState *state = unit_states_find(states, changed->unit);
                if (!state || !is_bad(changed, state->load_state))
                        continue;
                ret_failures[n] = (LoadFailure){
                        .unit = changed->unit,
                        .load_state = arena_strdup(arena, state->load_state),
                };
                if (!ret_failures[n++].load_state)
                        return error_oom(reterr);
        }
        *ret_n_failures = n;
        return 0;
}
