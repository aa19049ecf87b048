/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Takes an open switch back, whoever began it and wherever it ended: killed, out of power, failed,
 * or asked to. What is on the disk tells what is to be done:
 *
 *   the manifest                   files back, units back, the record ended, the manifest goes
 *   the mark that it was undone    the record ended, the mark goes
 *   neither, a record "staged"     it is a commit whose record was late: the record ended
 *   neither, a record "intent"     it never began: the record ended
 *
 * Each step may be interrupted and done again. Without a database all but the record is done, and
 * the mark is left for who has one. */

#include "activate/run_plan.h"
#include "base/strv.h"
#include "switch/host.h"

typedef struct RecoveryOptions {
        const char *message; /* why, for the record */
        int exit_status;     /* likewise */
        RunOptions run;
} RecoveryOptions;

typedef struct Recovery {
        Arena arena;
        bool was_open;
        bool is_commit;                 /* it had been committed */
        bool is_noted;                  /* the record was ended, or there was none to end */
        const char *profile;            /* NULL: not known, the database was not to be had */
        int64_t switch_id;              /* 0: not known */
        int64_t from_number, to_number; /* -1: not known */
        Strv kept;                      /* as of fit_put_back() */
        const char *index_error;        /* the index of modules is not as it was; NULL: it is */
        const char *initrd_error;       /* a boot loader may have another initrd; NULL: it has it */
        Debt *failed;                   /* units that did not come back */
        size_t n_failed;
} Recovery;

void recovery_done(Recovery *recovery);
static inline void recovery_donep(Recovery *recovery) {
        recovery_done(recovery);
}

/* Is a switch open? Reads only. 1, 0 or a negative errno. */
int recovery_is_needed(Host *host, Error *reterr) must_check;

/* Under the lock (but for early boot, which has none beside it); the host connected, its database
 * open for writing, or NULL. On failure the switch is still open; ret_recovery is set in any case.
 */
int recovery_run(Host *host, const RecoveryOptions *options, Recovery *ret_recovery, Error *reterr)
                must_check;
