/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "base/strv.h"

/* Which name may be meant by one that is none: for a question to who wrote it. */

/* How many letters to change, leave out or add to make one name of the other. Names of more than 31
 * letters are far apart from all. */
unsigned nearest_distance(const char *written, const char *name);

/* This far away it is a guess, and nothing to ask. */
enum { NEAREST_TOO_FAR = 3 };

/* Those of the names that are nearer, nearest first, each once, n_max at the most. Returns 0 or
 * -ENOMEM. */
int nearest_names(
                const char *written, const Strv *names, size_t n_max, Strv *ret_nearest) must_check;
