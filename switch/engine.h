/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Drives a switch from lock to commit: the only orchestration.
 *
 *   IDLE --record_begin--> INTENT --fit_stage, record_set_state--> STAGED --fit_flip--> FLIPPED
 *     ^                      |                                       |                    |
 * plan_run_activate |                      | (nothing was changed)                 | fit_undo v
 *     +------ UNDONE <-------+---------------------------------------+              ACTIVATED
 *     |                                                                                   |
 * fit_commit: the commit point
 *     +------ COMMITTED <------------------ record_finish --------------------------------+
 */

#include "activate/report.h"
#include "activate/run_plan.h"
#include "base/error.h"
#include "switch/prepare.h"

/* Exit status of the program; also in sysswitch(8). */
enum {
        EXIT_DONE = 0,
        EXIT_REFUSED = 1, /* refused or failed, nothing changed */
        EXIT_USAGE = 2,
        EXIT_ROLLED_BACK = 3,
        EXIT_UNITS_FAILED = 4, /* active, but some units failed */
        EXIT_NEEDS_RECOVER = 5,
        EXIT_HAND_OVER = 257, /* never the program's: there is something to do, for another process
                               */
};

typedef struct EngineResult EngineResult;

typedef struct EngineOptions {
        const char *verb; /* for record and messages; see record_moves_active() */
        const char *user; /* login name of who asked */
        bool force;
        bool no_check;   /* --no-check */
        bool rehearses;  /* --rehearse */
        bool only_looks; /* refuses, or notes that nothing is to be done, or hands over: with
                            nothing   changed by then */
        const struct SavedPlan *saved; /* what was reviewed: nothing else is done; NULL: none */
        bool only_default;             /* verb "boot": nothing is changed before the next boot */
        bool is_rollback; /* edited files are saved and replaced; the target is a generation that
                             stays what it is */
        uint64_t timeout_usec;  /* for all jobs; 0: no limit */
        uint64_t confirm_usec;  /* how long it waits for its confirmation; 0: it needs none */
        bool takes_back_failed; /* a failed unit or step undoes the switch */
        /* All may be NULL. step: "Making system users", "Running hook 10-x" … */
        void (*step)(void *userdata, const char *text);
        void (*prepared)(void *userdata,
                        const Prepared *prepared); /* once, before anything is changed */
        void (*progress)(void *userdata, const Progress *progress);
        /* once, before it is undone for what failed: its reports */
        void (*failed)(void *userdata, const EngineResult *result);
        void (*output)(void *userdata, const char *line); /* a hook's line */
        void *userdata;
} EngineOptions;

struct EngineResult {
        int exit_status;
        bool nothing_to_do;   /* equal tree, nothing missing, no debt to work off: no generation was
                                 made; an older one of the same tree is active by its number now */
        bool becomes_default; /* and until now the next boot took what was not active */
        bool only_default;    /* nothing was changed: the next boot takes to_number */
        int64_t from_number, to_number;
        int64_t switch_id;
        bool is_taken_back;       /* a rollback of what was not confirmed: from_number is active */
        uint64_t confirm_by_usec; /* CLOCK_REALTIME: it waits for its confirmation; 0: committed */
        Prepared *prepared;       /* owned */
        Report *report;           /* owned; NULL: no unit acted */
        Report **user_reports;    /* as prepared->plan->users; owned */
        size_t n_user_reports;
        const char *warning; /* a thing that went wrong after the flip and is no unit's failure; in
                                prepared's arena; NULL */
};

void engine_result_done(EngineResult *result);
static inline void engine_result_donep(EngineResult *result) {
        engine_result_done(result);
}

/* What went wrong after the flip is told with the result, and changes its exit status. */
void engine_result_warn(EngineResult *result, const char *what);
/* A unit that this switch made fail; NULL: none. */
const char *engine_result_failed_unit(const EngineResult *result);

/* Everything up to the first change, what it would be refused for included. Takes no lock. -EBUSY:
 * a switch is open.
 */
int engine_dry_run(Host *host,
                const char *reference,
                const EngineOptions *options,
                Prepared **ret_prepared,
                Error *reterr) must_check;

/* host: opened for reading; it is locked and opened for writing in here, and must outlive the
 * result. reference NULL: the source that the profile was last given. Returns 0 with
 * ret_result->exit_status set (done, or units failed), or a negative errno with the reason in
 * reterr, and the exit status: refused (nothing was changed), rolled back, or needs recover. On
 * problems (-EEXIST) ret_result->prepared tells all of them. */
int engine_switch(Host *host,
                const char *reference,
                const EngineOptions *options,
                EngineResult *ret_result,
                Error *reterr) must_check;
