/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What is known elsewhere of a host's initrds: its maker, and what those of its kernels have. The
 * trees of their modules are not at hand there. */

#include "base/arena.h"
#include "diff/initrd.h"
#include "diff/plan.h"

#include <jansson.h>

typedef struct LiveInitrd {
        const char *kernel;  /* its version */
        const char *modules; /* as initrd_note() has them; "" */
} LiveInitrd;

typedef struct LiveInitrds {
        InitrdMaker maker;
        LiveInitrd *items;
        size_t n_items;
} LiveInitrds;

/* { "maker": "dracut", "kernels": { "6.1.0": [ "load loop", "have loop" ] } }. Returns 0, -EBADMSG
 * or -ENOMEM. */
int live_initrds_from_json(const json_t *object, Arena *arena, LiveInitrds *ret_initrds) must_check;
/* New reference; NULL: memory. */
json_t *live_initrds_to_json(const LiveInitrds *initrds) must_check;

/* Which of them a change of the profile has made anew: by the modules that it names alone, as if
 * they needed no others that are not in there. In the arena. Returns 0 or -ENOMEM. */
int live_initrds_plan(const LiveInitrds *initrds,
                const KernelRule *before,
                const KernelRule *after,
                Arena *arena,
                PlanInitrd **ret_planned,
                size_t *ret_n_planned) must_check;
