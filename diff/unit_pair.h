/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What two trees have for one manager, each by itself: all of a comparison that does not depend on
 * live states. */

#include "diff/profile_conf.h"
#include "diff/unit_set.h"

typedef enum Side {
        BEFORE,
        AFTER,
        N_SIDES,
} Side;

typedef struct UnitPair {
        UnitSet sets[N_SIDES];
        const ProfileConf *confs[N_SIDES]; /* never NULL */
} UnitPair;

typedef struct UnitPairInput {
        Arena *arena;
        const Tree *before, *after;
        Contents *contents;
        bool is_user;
} UnitPairInput;

/* All that the input points to must outlive the pair; unit_pair_done() in any case. */
int unit_pair_init(UnitPair *pair, const UnitPairInput *input, Error *reterr) must_check;
void unit_pair_done(UnitPair *pair);
