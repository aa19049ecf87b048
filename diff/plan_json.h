/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The plan as JSON, of docs/plan.schema.json. */

#include "base/error.h"
#include "diff/fit_plan.h"
#include "diff/plan.h"
#include "diff/problem.h"

#include <jansson.h>

/* "schema" of all that is printed as JSON. Keys are added under the same version. */
enum { JSON_SCHEMA_VERSION = 1 };

typedef struct PlanSide {
        const char *profile; /* with a generation */
        int64_t generation;  /* -1: a source */
        const char *source;
} PlanSide;

typedef struct PlanJsonInput {
        const Plan *plan;
        PlanSide from, to;
        const FitPlan *fit;         /* displaced and edited; NULL: not known */
        const Problems *problems;   /* of the preflight; NULL: there was none */
        const char *result_json;    /* of a finished switch: put under "result"; NULL */
        const char *rehearsal_json; /* the same, under "rehearsal"; NULL: there was none */
} PlanJsonInput;

/* One object and a newline; from malloc(). */
int plan_to_json(const PlanJsonInput *input, char **ret_json, Error *reterr) must_check;

/* The initrds alone. New reference; NULL: memory. */
json_t *plan_initrds_to_json(const Plan *plan) must_check;
