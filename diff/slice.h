/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The slices that units run in. */

#include "diff/unit_set.h"

/* Sets *ret_name to the slice that the unit names or, an instance, has by itself; NULL: the one
 * that all have. Returns 0 or -ENOMEM. */
int slice_of(Arena *arena, const Unit *unit, bool is_user, const char **ret_name) must_check;
/* a-b.slice -> a.slice; NULL: the root. Returns 0 or -ENOMEM. */
int slice_parent(Arena *arena, const char *name, const char **ret_parent) must_check;
