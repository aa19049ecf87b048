/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The plan for people: what happens, in order, each action with its reasons. */

#include "base/text.h"
#include "diff/fit_plan.h"
#include "diff/plan.h"

typedef struct PlanTextOptions {
        bool color;
        bool verbose; /* files one by one, daemon reasons, notes in full */
        bool past; /* "restarted" after a switch instead of "restart" */
        const FitPlan *fit; /* displaced and edited files; NULL: not known */
} PlanTextOptions;

void plan_to_text(const Plan *plan, const PlanTextOptions *options, Text *text);
