/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What systemd does by itself along with what the plan has it do: dependents of a restart restart,
 * a start pulls in what it needs and stops what it conflicts with, and so on. Each rule was seen on
 * systemd 252. */

#include "diff/judge.h"

typedef struct Drags {
        UnitDrag *items;
        size_t n_items, n_allocated;
} Drags;

/* The judge has settled. Reloads that a restart does are taken out. Returns 0 or -ENOMEM. */
int drag_find(Judge *judge, Drags *ret_drags) must_check;
int drag_add(Judge *judge, Drags *drags, const UnitDrag *drag) must_check;

/* path_unit.c: services that path units start because a file that they watch changes; awaited: such
 * that the plan starts as well, which finds them up. */
int path_unit_find(Judge *judge, Drags *ret_triggered, Drags *ret_awaited) must_check;
