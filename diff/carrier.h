/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Which unit of a plan would take away what carries a path, or lay something over it. */

#include "diff/plan.h"

/* A mount, or automount, of the path or of a parent of it that the plan stops, restarts or starts,
 * or that goes along. path: absolute, without links. Of "/" nothing is told: it never goes.
 * *ret_unit is NULL when there is none. Returns 0 or -ENOMEM. */
int carrier_find(const UnitPlan *plan,
                const char *path,
                Arena *arena,
                const char **ret_unit,
                Verb *ret_verb) must_check;
