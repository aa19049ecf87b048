/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A source read from a directory: every limit checked, special files refused, nothing followed out
 * of it. Left out is what is called .git, at every depth, and what source_leaves_out() names. */

#include "base/error.h"
#include "diff/source.h"
#include "state/database.h"

/* database: NULL, or where the stat cache of this path (as git's index has one) and the contents
 * are: a file whose stat data are as when it was stored is not read again. Errors: "PATH: what, and
 * what to do", -EBADMSG; -ENOENT, -EACCES. A source that others than root and the caller may write
 * (the directory itself or any file) is refused: -EPERM; trust.h has the rule. */
int directory_read(const char *path,
                Database *database,
                Contents *contents,
                Source **ret_source,
                Error *reterr) must_check;

/* Puts the stat cache of the source that was read last through this database, and whose contents
 * are stored, into the open transaction; of another source: does nothing. A file changed within the
 * clock's grain of the reading is left out
 * ("racily clean"). */
int directory_remember(Database *database, const char *path, const Source *source, Error *reterr)
                must_check;
