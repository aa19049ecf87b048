/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Generations are deleted: their rows, the versions of paths that no other generation has, and the
 * contents that nothing has any more. Costs what is deleted. The record of switches stays, and a
 * number is never given again. */

#include "base/error.h"
#include "state/database.h"

#include <stddef.h>
#include <stdint.h>

typedef struct PruneResult {
        size_t n_entries;  /* versions of paths */
        size_t n_contents; /* that nothing has any more */
        uint64_t size_bytes;
} PruneResult;

/* Within the open transaction. numbers: ascending, each once. -ENOENT: one is not there; -EINVAL:
 * one is active, the default or pinned. */
int generations_prune(Database *database,
                const char *profile,
                const int64_t *numbers,
                size_t n_numbers,
                PruneResult *ret_result,
                Error *reterr) must_check;

/* Outside of a transaction: gives the space that was freed back to the file system when it is a
 * quarter of the file or more, and so costs at most four times what was freed; less is left for
 * later switches. Returns 1 when it was given back. */
int database_compact(Database *database, Error *reterr) must_check;
