/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a switch came to, as JSON: the plan's "result" (docs/plan.schema.json). */

#include "switch/engine.h"
#include "switch/rehearsal.h"

/* One object, from malloc(). */
int result_to_json(const EngineResult *result, char **ret_json, Error *reterr) must_check;

/* What a rehearsal came to: the plan's "rehearsal". NULL when there was none. From malloc(). */
int rehearsal_to_json(const Rehearsal *rehearsal, char **ret_json, Error *reterr) must_check;

/* The plan with that: what --json prints of a finished switch, and what its record keeps. From
 * malloc(). */
int finished_switch_to_json(const char *profile,
                const EngineResult *result,
                char **ret_json,
                Error *reterr) must_check;
