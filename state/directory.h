/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A source read from a directory: every limit checked, special files refused, nothing followed out
 * of it. Left out is what is called .git, at every depth, and what source_leaves_out() names. */

#include "base/error.h"
#include "diff/source.h"
#include "state/database.h"

/* What git's index is to a work tree: the stat data by which a file is known to be unchanged. */
typedef struct StatCache StatCache;
StatCache *stat_cache_free(StatCache *cache);
DEFINE_CLEANUP(StatCache, stat_cache_free);

/* database: NULL, or where the stat cache of this path (as git's index has one) and the contents
 * are: a file whose stat data are as when it was stored is not read again. Errors: "PATH: what, and
 * what to do", -EBADMSG; -ENOENT, -EACCES. A source that others than root and the caller may write
 * (the directory itself or any file) is refused: -EPERM; trust.h has the rule. faults: where the
 * refusals of what is in it are collected, and it is read without that; NULL: the first one ends
 * it. */
int directory_read(const char *path,
                Database *database,
                Contents *contents,
                Strv *faults,
                StatCache **ret_cache,
                Source **ret_source,
                Error *reterr) must_check;

/* Puts the stat cache of a source, whose contents are stored, into the open transaction: of this
 * database, which need not be the one it was read with. A file changed within the clock's grain of
 * the reading is left out ("racily clean"). */
int directory_remember(Database *database, StatCache *cache, Error *reterr) must_check;
