/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What systemd makes of changed units as it loads them: it refuses one in silence (a service
 * without ExecStart=, a timer whose only time it cannot read), and what runs of it goes on without
 * a text. */

#include "activate/systemd.h"
#include "diff/plan.h"

typedef struct LoadFailure {
        const char *unit;       /* the plan's */
        const char *load_state; /* "bad-setting", "error", "not-found" */
} LoadFailure;

/* After the daemon-reload, of all changed units. ret_failures has room for plan->n_changed. The
 * strings are the arena's. */
int load_look(Systemd *systemd,
                const UnitPlan *plan,
                Arena *arena,
                LoadFailure *ret_failures,
                size_t *ret_n_failures,
                Error *reterr) must_check;
