/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A plan on standard output, as text or as JSON: the same for diff, a dry run and a switch. */

#include "diff/plan_json.h"
#include "diff/plan_text.h"
#include "switch/output.h"
#include "switch/reference.h"

void add_plan(const Output *output,
                const Options *options,
                const Plan *plan,
                const FitPlan *fit,
                Text *text);
/* The patch of every file that the plan changes. */
int add_patches(const Output *output,
                const Plan *plan,
                Contents *contents,
                Text *text,
                Error *reterr) must_check;

PlanSide plan_side_of(const ReferenceTree *tree);
int print_plan_json(const PlanJsonInput *input, Error *reterr) must_check;
