/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* In which order units act, and which of them together: units that are ordered or bound among
 * themselves are one group. */

#include "diff/judge.h"

typedef struct OrderedUnit {
        Subject *subject;
        unsigned group; /* from 0, by the first name of the group */
} OrderedUnit;

/* All units that act, by group, and in a group so that each comes after those that it starts after;
 * where nothing is said, by name. What is only dragged along binds groups together and is not
 * listed. Returns 0 or -ENOMEM. */
int order_units(Judge *judge, OrderedUnit **ret_units, size_t *ret_n_units) must_check;
