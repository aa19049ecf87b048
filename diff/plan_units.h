/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The plan of one manager. */

#include "diff/comparison.h"

/* Strings are copied into the plan's arena. Returns 0 or a negative errno. */
int plan_units(Arena *plan_arena, const ComparisonInput *input, UnitPlan *ret_plan, Error *reterr)
                must_check;

/* plan_concern.c: the names and patterns of the units whose states plan_units() looks at. */
int plan_concern_units(const ComparisonInput *input,
                Strv *ret_names,
                Strv *ret_patterns,
                Error *reterr) must_check;
