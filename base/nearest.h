/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Which name may be meant by one that is none: for a question to who wrote it. */

/* How many letters to change, leave out or add to make one name of the other. Names of more than 31
 * letters are far apart from all. */
unsigned nearest_distance(const char *written, const char *name);

/* This far away it is a guess, and nothing to ask. */
enum { NEAREST_TOO_FAR = 3 };
