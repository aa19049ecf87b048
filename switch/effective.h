/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The effective trees of a switch: a generation says only what the profile manages; beneath it lies
 * what was there before and comes back. So what a unit or a trigger sees is the generation laid
 * over that. */

#include "base/error.h"
#include "diff/fit_plan.h"
#include "diff/tree.h"

typedef struct EffectiveInput {
        const Tree *old, *new;
        const FitInput *fit_input; /* with what was found and displaced */
        const FitInput *lib_input; /* the same of the other root; NULL: nothing is there */
        const FitPlan *fit;        /* of both */
} EffectiveInput;

typedef struct EffectiveTrees {
        const Tree *before; /* what the host has: old, laid over what was found at the paths that
                               only new manages; where an entry that stays as it is will be put
                               right, what is there now */
        const Tree *after;  /* what it shall have: new, laid over what is given back */
        Tree *parts[14];    /* owned: what the two are made of */
        size_t n_parts;
} EffectiveTrees;

/* The input must outlive the result. */
int effective_trees(
                const EffectiveInput *input, EffectiveTrees *ret_trees, Error *reterr) must_check;
/* What is at a path as an entry: absent, where there is nothing that a unit could read. Where it
 * equals what a tree declares there (like, or NULL), that stands for it: nothing seems to change.
 * Returns 0 or -ENOMEM. */
int effective_add_found(
                Tree *tree, const FitInput *fit, const Found *found, const Entry *like) must_check;
/* A tree that lives as long as these, not sealed. NULL when memory is short. */
Tree *effective_part(EffectiveTrees *trees) must_check;
/* *ret is the one over the other, as tree_overlay() makes it. */
int effective_lay_over(EffectiveTrees *trees,
                const Tree *below,
                const Tree *above,
                const Tree **ret,
                Error *reterr) must_check;
void effective_trees_done(EffectiveTrees *trees);
static inline void effective_trees_donep(EffectiveTrees *trees) {
        effective_trees_done(trees);
}
