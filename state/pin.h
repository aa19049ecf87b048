/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Pinned generations are never pruned. generation.h tells which are. */

#include "base/error.h"
#include "state/database.h"

#include <stdbool.h>

/* Within the open transaction or by itself. Returns 1, or 0 when it was so already. -ENOENT: no
 * such generation. */
int pin_set(Database *database, const char *profile, int64_t number, bool pinned, Error *reterr)
                must_check;
