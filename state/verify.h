/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The whole database is read and compared with what it must be. */

#include "base/error.h"
#include "base/strv.h"
#include "state/database.h"

#include <stdint.h>

typedef struct Verification {
        Strv problems; /* a line each, without the name of the file */
        int64_t n_generations, n_entries, n_contents;
} Verification;

void verification_done(Verification *verification);
static inline void verification_donep(Verification *verification) {
        verification_done(verification);
}

/* SQLite's own checks and foreign keys, every content against its digest, the validity of every
 * entry, the numbers of every profile. What is damaged so far that a part cannot be read is a
 * problem too; errors are of memory and the like. At most some problems of each kind are listed. */
int database_verify(Database *database, Verification *ret_verification, Error *reterr) must_check;
