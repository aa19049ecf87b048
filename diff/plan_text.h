/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The plan for people: what happens, in order, each action with its reasons. */

#include "base/text.h"
#include "diff/fit_plan.h"
#include "diff/plan.h"

typedef struct PlanTextOptions {
        bool color;
        bool ascii;   /* "<-" and "..." where the terminal's character set is not UTF-8 */
        bool verbose; /* every file, daemon reasons and notes in full; else the first of each */
        const FitPlan *fit; /* displaced and edited files; NULL: not known */
} PlanTextOptions;

/* Does an operation put away something that a person would miss? Not directories that stay, nor
 * what is only noted. */
bool fit_operation_displaces(const FitOperation *operation);

/* Nothing for an empty plan. */
void plan_to_text(const Plan *plan, const PlanTextOptions *options, Text *text);

/* "restart", "restarted"; "Restarting" is what is shown while it runs. */
const char *verb_past(Verb verb);
const char *verb_present(Verb verb);
