/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* For the files of this room only: rows are deleted, and with them the contents that nothing has
 * any more. */

#include "base/error.h"
#include "state/statement.h"

#include <stdint.h>

typedef struct Deleted {
        size_t n_rows, n_contents;
        uint64_t size_bytes; /* of the contents */
} Deleted;

/* Runs a deletion that ends in RETURNING content, then deletes those of the contents that no entry,
 * displaced or saved file has. Adds to *deleted. */
int deletion_run(Statement *statement, Deleted *deleted, Error *reterr) must_check;
