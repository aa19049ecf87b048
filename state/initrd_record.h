/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What the initrds of the host's kernels were made with, as diff/initrd.h notes it. */

#include "base/arena.h"
#include "state/database.h"

/* By the last switch that was committed and made one, or with the one that was found since. In the
 * arena; *ret_modules is "" where there is none. */
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

/* Of one that somebody else made. Counts at once; where no switch was ever committed, nothing is
 * put. */
int initrd_record_put_found(Database *database,
                const char *kernel,
                const char *modules,
                Error *reterr) must_check;
