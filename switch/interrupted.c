/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "switch/interrupted.h"

#include "activate/fit.h"
#include "activate/manifest.h"
#include "state/debt.h"
#include "state/displaced.h"
#include "state/record.h"
#include "switch/engine.h"

#include <string.h>

enum { RELOAD_TIMEOUT_USEC = 90 * 1000000 };

int interrupted_is(Host *host, Error *reterr) {
        int r = manifest_is_there(&host->etc, reterr);
        if (r != 0 || !host->database)
                return r;
        cleanup(arena_donep) Arena arena = { 0 };
        SwitchRecord record;
        return record_open_switch(host->database, host->profile_name, &arena, &record, reterr);
}

/* What the switch did to a unit is not known: its action is owed, and the next plan looks at what
 * the unit is then. */
static int owe_actions(Host *host, Arena *arena, const SwitchRecord *record, Error *reterr) {
        SwitchActionRecord *actions;
        size_t n_actions;
        int r = record_actions(host->database, record->id, arena, &actions, &n_actions, reterr);
        for (size_t i = 0; r >= 0 && i < n_actions; i++) {
                const SwitchActionRecord *action = &actions[i];
                bool was_on = action->before_state && strcmp(action->before_state, "active") == 0;
                bool came = !was_on && action->verb == VERB_START;
                if (action->verb == VERB_SKIP || (!was_on && !came))
                        continue;
                const Debt debt = {
                        .unit = action->unit,
                        .uid = action->uid,
                        .verb = came                          ? VERB_STOP
                                : action->verb == VERB_RELOAD ? VERB_RELOAD
                                                              : VERB_RESTART,
                        .cause = DEBT_FAILED,
                        .reason = "a switch was interrupted",
                        .invocation_id = "",
                        .since_usec = record->started_usec,
                        .switch_id = record->id,
                };
                r = debt_put(host->database, host->profile_name, &debt, reterr);
        }
        return r;
}

/* The commit point is the manifest's removal: a staged record without one is a commit whose row is
 * late. Which of its actions did not work is not known any more. */
static int end_commit(Host *host, SwitchRecord *record, Error *reterr) {
        record->state = SWITCH_COMMITTED;
        record->exit_status = EXIT_DONE;
        int r = record_finish(host->database, record, NULL, 0, reterr);
        if (r >= 0)
                r = profile_set_active(host->database, host->profile_name, record->to_number,
                                record->to_number, reterr);
        if (r >= 0)
                r = displaced_drop_unmanaged(
                                host->database, host->profile_name, record->to_number, reterr);
        return r;
}

static int end_undone(
                Host *host, Arena *arena, SwitchRecord *record, bool had_manifest, Error *reterr) {
        record->state = SWITCH_UNDONE;
        record->exit_status = EXIT_ROLLED_BACK;
        int r = record_finish(host->database, record, NULL, 0, reterr);
        if (r >= 0)
                r = displaced_undo(host->database, record->id, reterr);
        if (r >= 0 && had_manifest)
                r = owe_actions(host, arena, record, reterr);
        return r;
}

/* Returns 1 when a record was open. */
static int end_record(Host *host, bool had_manifest, Error *reterr) {
        cleanup(arena_donep) Arena arena = { 0 };
        SwitchRecord record;
        int r = record_open_switch(host->database, host->profile_name, &arena, &record, reterr);
        if (r <= 0)
                return r;
        bool is_commit = record.state == SWITCH_STAGED && !had_manifest;
        record.message = "interrupted";
        record.ended_usec = record.started_usec;
        r = database_begin(host->database, reterr);
        if (r < 0)
                return r;
        r = is_commit ? end_commit(host, &record, reterr)
                      : end_undone(host, &arena, &record, had_manifest, reterr);
        if (r < 0) {
                database_rollback(host->database);
                return r;
        }
        r = database_commit(host->database, reterr);
        return r < 0 ? r : 1;
}

static int put_back(Host *host, Strv *kept, Error *reterr) {
        int r = fit_put_back(&host->etc, kept, reterr);
        if (r < 0)
                return error_prefix(reterr, "Cannot undo the interrupted switch");
        return r > 0 && host->systemd ? systemd_reload(host->systemd, RELOAD_TIMEOUT_USEC, reterr)
                                      : r;
}

int interrupted_close(Host *host, Strv *ret_kept, Error *reterr) {
        int had_manifest = manifest_is_there(&host->etc, reterr);
        if (had_manifest < 0)
                return had_manifest;
        int r = put_back(host, ret_kept, reterr);
        if (r < 0)
                return r;
        /* the record first: without its manifest, it would be taken for a commit */
        int had_record = end_record(host, had_manifest, reterr);
        r = had_record < 0 ? had_record : fit_undo(&host->etc, ret_kept, reterr);
        if (r >= 0)
                r = host_refresh(host, reterr);
        return r < 0 ? r : had_manifest || had_record;
}
