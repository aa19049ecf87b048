/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "switch/settle.h"

#include "state/debt.h"
#include "switch/paid.h"

#include <string.h>

const UnitPlan *nth_units(const Plan *plan, size_t nth, uint32_t *ret_uid) {
        *ret_uid = nth == 0 ? UINT32_MAX : plan->users[nth - 1].uid;
        return nth == 0 ? &plan->units : &plan->users[nth - 1].units;
}

const Report *nth_report(const EngineResult *result, size_t nth) {
        if (nth == 0)
                return result->report;
        return nth - 1 < result->n_user_reports ? result->user_reports[nth - 1] : NULL;
}

const UnitStates *nth_states(const Prepared *prepared, size_t nth) {
        if (nth == 0)
                return prepared->states;
        for (size_t i = 0; i < prepared->users.n_items; i++)
                if (prepared->users.items[i].uid == prepared->plan->users[nth - 1].uid)
                        return prepared->users.items[i].states;
        return NULL;
}

int settle_paid(Host *host, const Prepared *prepared, Error *reterr) {
        const Debt *paid = prepared->debts + prepared->n_debts;
        for (size_t i = 0; i < prepared->n_paid; i++) {
                int r = debt_clear(host->database, host->profile_name, paid[i].unit, paid[i].uid,
                                reterr);
                if (r < 0)
                        return r;
        }
        return 0;
}

static bool outcome_is_debt(JobOutcome outcome) {
        return outcome != JOB_DONE && outcome != JOB_SKIPPED;
}

/* A unit whose job was done and that failed a moment later owes a start all the same. */
static bool failed_afterwards(const Report *report, const char *unit) {
        for (size_t i = 0; i < report->n_failures; i++)
                if (report->failures[i].cause == FAILURE_CAUSED &&
                                strcmp(report->failures[i].unit, unit) == 0)
                        return true;
        return false;
}

typedef struct Settle {
        Host *host;
        const Prepared *prepared;
        const Report *report; /* of one manager; NULL: it has none */
        bool is_held;
} Settle;

/* While the switch waits for its confirmation nothing is paid: taken back, it would be owed again.
 * What the switch paid is found to be paid by the next plan. */
static int pay(const Settle *settle, const char *unit, uint32_t uid, Error *reterr) {
        return settle->is_held ? 0
                               : debt_clear(settle->host->database, settle->host->profile_name,
                                                 unit, uid, reterr);
}

/* A reboot that is owed still is not forgotten for an activation. */
static bool owes_restart(const Prepared *prepared, const UnitAction *action, uint32_t uid) {
        for (size_t i = 0; i < prepared->n_debts; i++)
                if (prepared->debts[i].verb == VERB_RESTART && prepared->debts[i].uid == uid &&
                                strcmp(prepared->debts[i].unit, action->unit) == 0)
                        return true;
        return false;
}

Verb settle_skip_owes(const Prepared *prepared, const UnitAction *action) {
        if (!action->debt)
                return VERB_SKIP;
        return action->is_inside && !owes_restart(prepared, action, UINT32_MAX) ? VERB_RELOAD
                                                                                : VERB_RESTART;
}

static int settle_action(const Settle *settle, const ActionReport *done, Debt debt, Error *reterr) {
        Host *host = settle->host;
        const UnitAction *action = done->action;
        debt.unit = action->unit;
        debt.verb = action->verb == VERB_SKIP ? settle_skip_owes(settle->prepared, action)
                                              : action->verb;
        debt.invocation_id = done->invocation_before;
        debt.reason = action->n_reasons > 0 ? action->reasons[0] : "";
        if (action->verb == VERB_SKIP) {
                debt.cause = DEBT_SKIPPED;
                return debt.verb == VERB_SKIP ? 0
                                              : debt_put(host->database, host->profile_name, &debt,
                                                                reterr);
        }
        /* a stop before a start is settled by what that comes to */
        if (outcome_is_debt(done->outcome) ||
                        (action->verb != VERB_STOP &&
                                        failed_afterwards(settle->report, action->unit))) {
                debt.cause = done->outcome == JOB_TIMEOUT ? DEBT_TIMEOUT : DEBT_FAILED;
                return debt_put(host->database, host->profile_name, &debt, reterr);
        }
        if (action->leaves_restart) {
                debt.verb = VERB_RESTART;
                debt.cause = DEBT_SKIPPED;
                debt.reason = action->leaves_restart;
                return debt_put(host->database, host->profile_name, &debt, reterr);
        }
        return action->verb == VERB_RELOAD && owes_restart(settle->prepared, action, debt.uid)
                               ? 0
                               : debt_clear(host->database, host->profile_name, action->unit,
                                                 debt.uid, reterr);
}

static int settle_manager(const Settle *settle, const UnitPlan *units, Debt debt, Error *reterr) {
        Host *host = settle->host;
        for (size_t i = 0; i < settle->report->n_actions; i++) {
                int r = settle_action(settle, &settle->report->actions[i], debt, reterr);
                if (r < 0)
                        return r;
        }
        for (size_t i = 0; i < units->n_held_down; i++) {
                debt.unit = units->held_down[i];
                debt.verb = VERB_START;
                debt.cause = DEBT_HELD_DOWN;
                debt.reason = "stopped by this switch with what it depends on";
                debt.invocation_id = "";
                int r = debt_put(host->database, host->profile_name, &debt, reterr);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int settle_void(const Settle *settle, const UnitPlan *units, uint32_t uid, Error *reterr) {
        for (size_t i = 0; i < units->n_settled; i++) {
                int r = pay(settle, units->settled[i], uid, reterr);
                if (r < 0)
                        return r;
        }
        return 0;
}

int settle_committed(
                Host *host, const EngineResult *result, const SwitchRecord *record, Error *reterr) {
        const Plan *plan = result->prepared->plan;
        int r = settle_paid(host, result->prepared, reterr);
        for (size_t nth = 0; r >= 0 && nth <= plan->n_users; nth++) {
                Debt debt = { .since_usec = record->started_usec, .switch_id = record->id };
                const UnitPlan *units = nth_units(plan, nth, &debt.uid);
                const Settle settle = { .host = host,
                        .prepared = result->prepared,
                        .report = nth_report(result, nth),
                        .is_held = record->confirm_by_usec > 0 };
                r = settle_void(&settle, units, debt.uid, reterr);
                if (r >= 0 && settle.report)
                        r = settle_manager(&settle, units, debt, reterr);
        }
        return r;
}

static Debt *find_stop(Debt *debts, size_t n_debts, const SwitchActionRecord *action) {
        for (size_t i = 0; i < n_debts; i++)
                if (debts[i].verb == VERB_STOP && debts[i].uid == action->uid &&
                                strcmp(debts[i].unit, action->unit) == 0)
                        return &debts[i];
        return NULL;
}

/* A stop and a start of one unit are a restart. Returns how many debts there are. */
static size_t late_debts(const SwitchRecord *record,
                const SwitchActionRecord *actions,
                size_t n_actions,
                Debt *ret_debts) {
        size_t n_debts = 0;
        for (size_t i = 0; i < n_actions; i++) {
                const SwitchActionRecord *action = &actions[i];
                bool is_skip = action->verb == VERB_SKIP;
                int verb = !is_skip       ? (int) action->verb
                           : action->owes ? verb_from_string(action->owes)
                                          : -1;
                if (verb < 0) /* nothing */
                        continue;
                Debt *stop = action->verb == VERB_START ? find_stop(ret_debts, n_debts, action)
                                                        : NULL;
                if (stop)
                        stop->verb = VERB_RESTART;
                else
                        ret_debts[n_debts++] = (Debt){
                                .unit = action->unit,
                                .uid = action->uid,
                                .verb = (Verb) verb,
                                .cause = is_skip ? DEBT_SKIPPED : DEBT_FAILED,
                                .reason = action->reason ? action->reason : "",
                                .invocation_id = "",
                                .since_usec = record->started_usec,
                                .switch_id = record->id,
                        };
        }
        return n_debts;
}

int settle_late(Host *host, const SwitchRecord *record, Error *reterr) {
        cleanup(arena_donep) Arena arena = { 0 };
        SwitchActionRecord *actions;
        size_t n_actions, n_debts;
        int r = record_actions(host->database, record->id, &arena, &actions, &n_actions, reterr);
        if (r < 0)
                return r;
        Debt *debts = arena_new(&arena, Debt, n_actions + 1);
        if (!debts)
                return error_oom(reterr);
        n_debts = late_debts(record, actions, n_actions, debts);
        r = paid_find(host, &arena, debts, n_debts, &n_debts, reterr);
        for (size_t i = 0; r >= 0 && i < n_debts; i++)
                r = debt_put(host->database, host->profile_name, &debts[i], reterr);
        return r;
}
