/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* For the files of this room only: the rows of entries, each a version of a path with the
 * generations it is valid for. */

#include "base/error.h"
#include "diff/tree.h"
#include "state/database.h"

enum {
        LAST_OPEN = 2147483647
}; /* last of a row that the newest generation has; also in schema.sql */

/* Makes number - 1 the last generation of the version of this path that the newest one has. */
int entry_row_end(Database *database,
                int64_t profile,
                const Entry *entry,
                int64_t number,
                Error *reterr) must_check;
/* Adds a version that begins with number. content: row of the content, for files. */
int entry_row_begin(Database *database,
                int64_t profile,
                const Entry *entry,
                int64_t content,
                int64_t number,
                Error *reterr) must_check;

/* Adds to the tree what is valid in number. */
int entry_rows_at(Database *database,
                int64_t profile,
                int64_t number,
                Contents *contents,
                Tree *tree,
                Error *reterr) must_check;
/* Adds what is valid in low and not any more in high, or in high and not yet in low. low < high. */
int entry_rows_ended(Database *database,
                int64_t profile,
                int64_t low,
                int64_t high,
                Contents *contents,
                Tree *tree,
                Error *reterr) must_check;
int entry_rows_begun(Database *database,
                int64_t profile,
                int64_t low,
                int64_t high,
                Contents *contents,
                Tree *tree,
                Error *reterr) must_check;
