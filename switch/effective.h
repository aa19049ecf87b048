/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The effective trees of a switch: a generation says only what the profile manages; beneath it lies
 * what was there before and comes back. So what a unit or a trigger sees is the generation laid
 * over that. */

#include "base/arena.h"
#include "base/error.h"
#include "diff/fit_plan.h"
#include "diff/tree.h"

typedef struct EffectiveInput {
        const Tree *old, *new;
        const FitInput *fit_input; /* with what was found and displaced */
        const FitPlan *fit;
} EffectiveInput;

/* before: what the host has: old, and at the paths that only new manages what was found there;
 * where an equal entry is missing on disk or overwritten by force, what was found. after: new, and
 * what is given back. */
int effective_trees(const EffectiveInput *input, Tree **ret_before, Tree **ret_after, Error *reterr)
                must_check;
