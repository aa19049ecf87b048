/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Which of the displaced files were a package's; and what a package put in the place of a managed
 * file, which is saved with the switch that overrides it and becomes the displaced one with its
 * commit: by the database alone, so that a commit that was cut off comes to the same. */

#include "base/error.h"
#include "diff/tree.h"
#include "state/database.h"

/* Of a displaced file that is there. profile: its id. */
int packaged_put(Database *database,
                int64_t profile,
                EntryRoot root,
                const char *path,
                Error *reterr) must_check;
/* Returns 1 or 0. */
int packaged_is_there(Database *database,
                const char *profile,
                EntryRoot root,
                const char *path,
                Error *reterr) must_check;

/* The saved file is to be the displaced one. Within the open transaction. */
int renewal_put(Database *database, int64_t saved_id, Error *reterr) must_check;
/* The commit of a switch: what its renewals replace, and is something else, is saved instead.
 * Within the open transaction. */
int renewal_commit(Database *database, int64_t switch_id, Error *reterr) must_check;
