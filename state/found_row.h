/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* For the files of this room only: what was found at a path, as columns: kind, mode, uid, gid,
 * mtime_nsec, content, target, xattrs, in this order; the rows of displaced and saved have them
 * alike. */

#include "base/arena.h"
#include "base/error.h"
#include "diff/found.h"
#include "state/statement.h"

/* The columns of a query, for a table called f with contents called c; root and path first. */
#define FOUND_COLUMNS                                                                              \
        "f.root, f.path, f.kind, f.mode, f.uid, f.gid, f.mtime_nsec, c.digest, c.size_bytes, "     \
        "f.target, f.xattrs "
#define FOUND_JOIN " LEFT JOIN contents AS c ON c.id = f.content "
enum { N_FOUND_COLUMNS = 11 };

/* Stores the content of a file. *ret_id is 0 for what has none. -EINVAL: nothing that can be kept
 * and given back. */
int found_store_content(Database *database,
                Contents *contents,
                const Found *found,
                int64_t *ret_id,
                Error *reterr) must_check;
/* Binds the eight values from parameter first on. */
void found_bind(Statement *statement, int first, const Found *found, int64_t content);
/* Reads FOUND_COLUMNS, which begin at column 0. Strings and attributes live in the arena. */
int found_read(const Statement *statement,
                Contents *contents,
                Arena *arena,
                EntryRoot *ret_root,
                Found *ret_found,
                Error *reterr) must_check;
