/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "switch/interrupted.h"

#include "activate/fit.h"
#include "activate/manifest.h"
#include "state/debt.h"
#include "state/displaced.h"
#include "state/record.h"

#include <string.h>

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
                if (action->verb == VERB_SKIP || !was_on)
                        continue;
                const Debt debt = {
                        .unit = action->unit,
                        .uid = action->uid,
                        .verb = action->verb == VERB_RELOAD ? VERB_RELOAD : VERB_RESTART,
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

static int end_record(
                Host *host, Arena *arena, SwitchRecord *record, bool had_manifest, Error *reterr) {
        /* the commit point is the manifest's removal: a staged record without one is a commit whose
         * row is late */
        bool is_commit = record->state == SWITCH_STAGED && !had_manifest;
        record->state = is_commit ? SWITCH_COMMITTED : SWITCH_UNDONE;
        record->message = "interrupted";
        record->exit_status = is_commit ? 0 : 3;
        record->ended_usec = record->started_usec;
        int r = record_finish(host->database, record, NULL, 0, reterr);
        if (r >= 0 && is_commit)
                r = profile_set_active(host->database, host->profile_name, record->to_number,
                                record->to_number, reterr);
        if (r >= 0 && !is_commit)
                r = displaced_undo(host->database, record->id, reterr);
        if (r >= 0 && had_manifest)
                r = owe_actions(host, arena, record, reterr);
        return r;
}

int interrupted_close(Host *host, Error *reterr) {
        int had_manifest = manifest_is_there(&host->etc, reterr);
        if (had_manifest < 0)
                return had_manifest;
        if (had_manifest) {
                int r = fit_undo(&host->etc, NULL, reterr);
                if (r < 0)
                        return error_prefix(reterr, "Cannot undo the interrupted switch");
        }
        if (had_manifest && host->systemd) {
                int r = systemd_reload(host->systemd, 90 * 1000000ULL, reterr);
                if (r < 0)
                        return r;
        }
        cleanup(arena_donep) Arena arena = { 0 };
        SwitchRecord record;
        int r = record_open_switch(host->database, host->profile_name, &arena, &record, reterr);
        if (r <= 0)
                return r < 0 ? r : had_manifest;
        r = database_begin(host->database, reterr);
        if (r < 0)
                return r;
        r = end_record(host, &arena, &record, had_manifest, reterr);
        if (r < 0) {
                database_rollback(host->database);
                return r;
        }
        r = database_commit(host->database, reterr);
        if (r >= 0)
                r = host_refresh(host, reterr);
        return r < 0 ? r : 1;
}
