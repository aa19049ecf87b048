/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* How much room a fit needs before it is carried out: what was there is renamed, which takes none,
 * but on an overlay. */

#include "diff/fit_plan.h"

typedef struct SpaceNeed {
        uint64_t n_bytes;
        uint64_t n_inodes;
} SpaceNeed;

typedef struct SpaceOptions {
        EntryRoot root;       /* only what lies there */
        uint32_t block_bytes; /* what a file takes is a multiple of it */
        bool copies_up;       /* an overlay: what is renamed may be copied first */
} SpaceOptions;

/* What the slots and the manifest take. */
SpaceNeed fit_space(const FitPlan *fit, const SpaceOptions *options);

/* The bytes of the contents that a database gets with a fit and with the new tree, those that old
 * has apart: each once. Each may be NULL. Returns 0 or -ENOMEM. */
int fit_stored_bytes(const FitPlan *fit, const Tree *old, const Tree *new, uint64_t *ret_n_bytes)
                must_check;
