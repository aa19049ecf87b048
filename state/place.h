/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The directory that carries the state: /var/lib/sysswitch, or the like below an image. */

#include "base/error.h"

/* Makes it 0700, and what is missing above it 0755. Returns 0, also when it is there. */
int place_make(const char *directory, Error *reterr) must_check;
/* "DIRECTORY/NAME"; NULL when out of memory. */
char *place_path(const char *directory, const char *name) must_check;
