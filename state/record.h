/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The record of each switch: intent → staged → committed, or undone. What it planned, what each
 * action came to, which states the units had before. Never changed afterwards; but of those that
 * found nothing to do, one behind the other, the last one stays. */

#include "base/arena.h"
#include "base/error.h"
#include "diff/plan.h"
#include "state/database.h"

typedef enum SwitchState {
        SWITCH_INTENT,
        SWITCH_STAGED,
        SWITCH_COMMITTED,
        SWITCH_UNDONE,
} SwitchState;

typedef struct SwitchRecord {
        int64_t id;
        SwitchState state;
        const char *profile;
        const char *verb; /* see record_moves_active() */
        int64_t from_number, to_number;
        bool is_from_pruned, is_to_pruned; /* when read: that generation is not there any more */
        const char *origin;                /* the source as given; NULL */
        const char *commit;                /* NULL */
        bool is_dirty;
        const char *user;
        uint64_t started_usec, ended_usec; /* CLOCK_REALTIME; 0: not yet */
        int exit_status;       /* of section "Exit status" in the manual; -1: not ended */
        const char *message;   /* the error, when it was undone; NULL */
        const char *plan_json; /* the plan, then the finished switch, as --json gives it; NULL in
                                  lists, see record_get() */
        unsigned n_actions, n_failed;
        uint64_t confirm_by_usec; /* CLOCK_REALTIME: it is complete, and is taken back then unless
                                     it is confirmed; 0: it need not be. Read by
                                     record_open_switch() alone */
} SwitchRecord;

typedef struct SwitchActionRecord {
        unsigned sequence;
        const char *unit;
        uint32_t uid; /* UINT32_MAX: the system manager */
        Verb verb;
        const char *reason;
        const char *outcome; /* "done", "failed", "timeout", "skipped" …; NULL: not come to */
        const char *before_state; /* "active" */
        const char *owes;         /* of a skip: "restart", "reload"; NULL: nothing */
        uint64_t duration_usec;
} SwitchActionRecord;

/* What the commit of a switch moves: "switch" and "rollback" the active generation and the default,
 * "test" and "startup" the active one, "boot" the default. */
bool record_moves_active(const SwitchRecord *record);
bool record_moves_default(const SwitchRecord *record);

/* Within the open transaction; record->id is set. A record may begin as one that ended: a switch
 * with nothing to do. */
int record_begin(Database *database,
                SwitchRecord *record,
                const SwitchActionRecord *actions,
                size_t n_actions,
                Error *reterr) must_check;
/* Within the open transaction, of a switch that found nothing to do: the one before it goes when
 * that was the same in all but its time, and nothing hangs on it. */
int record_supersede(Database *database, int64_t id, Error *reterr) must_check;
/* A transaction of its own, synced, or part of the open one. -EINVAL: it has ended already, or
 * there is none. */
int record_set_state(Database *database, int64_t id, SwitchState state, Error *reterr) must_check;
/* Within the open transaction: state, exit status, message, plan_json (NULL: it stays), ended,
 * n_failed, and of the actions, by sequence, outcome, before_state and duration. A state that was
 * set before stays or is the same. -EINVAL as above. */
int record_finish(Database *database,
                const SwitchRecord *record,
                const SwitchActionRecord *actions,
                size_t n_actions,
                Error *reterr) must_check;
/* Likewise, but the switch stays open until record_finish(): it waits for its confirmation, and all
 * but that is known. */
int record_hold(Database *database,
                const SwitchRecord *record,
                const SwitchActionRecord *actions,
                size_t n_actions,
                Error *reterr) must_check;
/* It waits no longer. A transaction of its own, synced. */
int record_end_hold(Database *database, int64_t id, Error *reterr) must_check;
/* Newest first, at most limit (0: all); profile NULL: of all of them. */
int record_list(Database *database,
                const char *profile,
                size_t limit,
                Arena *arena,
                SwitchRecord **ret_records,
                size_t *ret_n_records,
                Error *reterr) must_check;
int record_actions(Database *database,
                int64_t id,
                Arena *arena,
                SwitchActionRecord **ret_actions,
                size_t *ret_n_actions,
                Error *reterr) must_check;
/* The newest one that is neither committed nor undone, of whatever profile: 1 found, 0 none. */
int record_open_switch(Database *database, Arena *arena, SwitchRecord *ret_record, Error *reterr)
                must_check;
/* With plan_json. -ENOENT */
int record_get(Database *database,
                int64_t id,
                Arena *arena,
                SwitchRecord *ret_record,
                Error *reterr) must_check;
/* The newest one that was committed and ran its steps, which "boot" and "startup" do not: 1 found,
 * 0 none. */
int record_last_commit(Database *database,
                const char *profile,
                Arena *arena,
                SwitchRecord *ret_record,
                Error *reterr) must_check;
/* The newest committed one to a generation that was given a source: what that came from last, which
 * may be another commit than the one that it was made of. 1 found, 0 none. */
int record_last_origin(Database *database,
                const char *profile,
                int64_t number,
                Arena *arena,
                SwitchRecord *ret_record,
                Error *reterr) must_check;
/* The generation that was the default at an instant of CLOCK_REALTIME: by the last switch that had
 * been committed by then, and was no test; 0: none had. */
int record_default_at(Database *database,
                const char *profile,
                uint64_t usec,
                int64_t *ret_number,
                Error *reterr) must_check;
/* Was a switch, of whatever profile, at work at an instant of CLOCK_REALTIME? 1; 0: none was. */
int record_was_at_work(Database *database, uint64_t usec, Error *reterr) must_check;
const char *switch_state_to_string(SwitchState state);
