/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The live states of units inside running containers, for a plan. Each container is asked by a
 * process of its own, side by side, with a deadline: what runs inside may hang, or not be a systemd
 * at all, and holds up no switch. */

#include "base/strv.h"
#include "diff/unit_state.h"

typedef struct InsideQuery {
        const char *container;
        Strv names, patterns; /* states of these; as of systemd_read_states() */
        Strv relations;       /* and what these hang on */
        UnitStates *states;   /* what is answered is added */
        bool has_answered;
} InsideQuery;

/* Fails only where nothing can be asked at all. */
int inside_states_ask(InsideQuery *queries, size_t n_queries, Error *reterr) must_check;
