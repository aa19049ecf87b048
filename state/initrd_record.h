/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the initrds of the host's kernels were made with, as diff/initrd.h notes it. */

#include "base/arena.h"
#include "state/database.h"

/* By the last switch that was committed and made one. In the arena; *ret_modules is "" where none
 * did. */
int initrd_record_load(Database *database,
                const char *kernel,
                Arena *arena,
                const char **ret_modules,
                Error *reterr) must_check;

/* Is anything known of any kernel? 1, 0 or a negative errno. */
int initrd_record_is_there(Database *database, Error *reterr) must_check;

/* Counts once the switch is committed. */
int initrd_record_put(Database *database,
                const char *kernel,
                int64_t switch_id,
                const char *modules,
                Error *reterr) must_check;
