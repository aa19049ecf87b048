/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What brings units back to what they were before a switch that is undone: from what was noted of
 * each before it acted and what it is now, once its files are as before. Pure; docs/plan.md has the
 * table. */

#include "base/arena.h"
#include "diff/plan.h"

/* What a switch notes of a unit that it will act on, or that is dragged along. */
typedef struct UnitBefore {
        const char *unit;
        uint32_t uid;              /* UINT32_MAX: the system manager */
        bool was_on;               /* active, activating, reloading */
        const char *invocation_id; /* "": never started */
        unsigned phases; /* a bit for each Phase that acts on it; 0: it is dragged along */
        bool runs_again; /* a oneshot that had ended, and that the switch runs for a change */
} UnitBefore;

typedef struct UnitNow {
        bool is_on;
        bool has_job; /* queued, or at work: what it is now will not last */
        const char *invocation_id;
} UnitNow;

#define PHASE_BIT(phase) (1u << (phase))

/* units and now: n_units each, all of one manager; a unit stands once. The plan is the arena's, its
 * strings are those of units. Returns 0 or -ENOMEM. */
int restore_plan(Arena *arena,
                const UnitBefore *units,
                const UnitNow *now,
                size_t n_units,
                UnitPlan *ret_plan) must_check;
