/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Live states of units, as values: from a manager, or from a file of --states. A unit that is not
 * listed is inactive. */

#include "base/arena.h"
#include "base/error.h"
#include "base/map.h"
#include "base/strv.h"

#include <jansson.h>
#include <stdbool.h>

typedef struct UnitState {
        const char *name;
        const char *load_state;   /* "loaded", "not-found", "masked" …; "" unknown */
        const char *active_state; /* "active", "inactive", "failed", "activating", "deactivating",
                                     "reloading" */
        const char *sub_state;
        const char *unit_file_state; /* "" unknown */
        int can_reload;              /* 1, 0, -1 unknown */
        /* What only the manager knows: units that hang on this one, and what this one starts with.
         */
        bool has_relations;
        const char *const *names; /* with aliases; each list NULL-terminated, or NULL when empty */
        const char *const *required_by, *const *requisite_of, *const *bound_by, *const *consists_of;
        const char *const *stop_propagated_to; /* StopPropagatedFrom= of others names us:
                                                  PropagatesStopTo */
        const char *const *wants,
                        *const *requires,
                                        *const *requisite,
                                                        *const *binds_to,
                                                                        *const *upholds,
                                                                                        *const *conflicts;
        const char *const *part_of,
                        *const *triggered_by,
                                        *const *triggers,
                                                        *const *wanted_by,
                                                                        *const *after, *const *before;
} UnitState;

typedef struct UnitStates {
        Arena arena;
        Map by_name; /* UnitState * */
} UnitStates;

UnitStates *unit_states_new(void) must_check;
UnitStates *unit_states_free(UnitStates *states);
DEFINE_CLEANUP(UnitStates, unit_states_free);

/* Copies the strings (lists too); a state of the same name is replaced. Returns 0 or -ENOMEM. */
int unit_states_set(UnitStates *states, const UnitState *state) must_check;
const UnitState *unit_states_find(
                const UnitStates *states, const char *name); /* NULL: not listed */

/* Rule R5: active, activating (auto-restart too), reloading. NULL is off. */
bool unit_state_is_on(const UnitState *state);
bool unit_state_is_failed(const UnitState *state);

/* One of {"nginx.service": {"ActiveState": "active", "SubState": …, "CanReload": "yes", "Wants":
 * […]}, …}. Keys that are not known are refused with their name. name stands before errors. */
int unit_states_add_json(UnitStates *states,
                const char *name,
                const char *unit,
                const json_t *json,
                Error *reterr) must_check;
/* The same the other way round. New reference; NULL when out of memory. */
json_t *unit_state_to_json(const UnitState *state) must_check;
