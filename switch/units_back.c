/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "switch/units_back.h"

#include "activate/unit_look.h"

#include <errno.h>
#include <string.h>

#define USER_UNITS "systemd/user/"

typedef struct UnitsBack {
        const Manifest *manifest;
        const RunOptions *options;
        Arena *arena;
        Debt *debts; /* has room for all units */
        size_t n_debts;
} UnitsBack;

static int look_now(Systemd *systemd,
                const UnitBefore *units,
                size_t n_units,
                Arena *arena,
                UnitNow **ret_now,
                Error *reterr) {
        UnitLook *looks = arena_new(arena, UnitLook, n_units + 1);
        UnitNow *now = arena_new(arena, UnitNow, n_units + 1);
        if (!looks || !now)
                return error_oom(reterr);
        for (size_t i = 0; i < n_units; i++)
                looks[i].unit = units[i].unit;
        int r = unit_look(systemd, looks, n_units, LOOK_STATE, reterr);
        for (size_t i = 0; r >= 0 && i < n_units; i++)
                now[i] = (UnitNow){ .is_on = unit_look_is_on(&looks[i]),
                        .has_job = looks[i].job_id > 0,
                        .invocation_id = looks[i].invocation_id };
        *ret_now = now;
        return r;
}

/* The stop of a unit that is off whatever its job said is no failure. */
static int note_failure(UnitsBack *back, uint32_t uid, const ActionReport *action) {
        for (size_t i = 0; i < back->n_debts; i++)
                if (back->debts[i].uid == uid &&
                                strcmp(back->debts[i].unit, action->action->unit) == 0)
                        return 0;
        const char *message =
                        action->message ? action->message : job_outcome_to_string(action->outcome);
        Debt *debt = &back->debts[back->n_debts++];
        *debt = (Debt){
                .unit = arena_strdup(back->arena, action->action->unit),
                .uid = uid,
                .verb = action->action->verb,
                .cause = action->outcome == JOB_TIMEOUT ? DEBT_TIMEOUT : DEBT_FAILED,
                .reason = arena_printf(
                                back->arena, "a switch was undone, and this failed: %s", message),
                .invocation_id = "",
        };
        return debt->unit && debt->reason ? 0 : -ENOMEM;
}

static const UnitFailure *failure_of(const Report *report, const char *unit) {
        for (size_t i = 0; i < report->n_failures; i++)
                if (report->failures[i].cause == FAILURE_CAUSED &&
                                strcmp(report->failures[i].unit, unit) == 0)
                        return &report->failures[i];
        return NULL;
}

static int note_failures(UnitsBack *back, uint32_t uid, const Report *report) {
        int r = 0;
        for (size_t i = 0; r >= 0 && i < report->n_actions; i++) {
                ActionReport action = report->actions[i];
                const UnitFailure *failure = failure_of(report, action.action->unit);
                if (failure && !action.message)
                        action.message = arena_strdup(back->arena, failure->result);
                if (failure || job_outcome_is_bad(action.outcome))
                        r = note_failure(back, uid, &action);
        }
        return r;
}

static int
run_plan(UnitsBack *back, Systemd *systemd, uint32_t uid, const UnitPlan *plan, Error *reterr) {
        cleanup(plan_run_freep) PlanRun *run = NULL;
        cleanup(report_freep) Report *report = NULL;
        int r = plan_run_new(systemd, plan, back->options, &run, reterr);
        if (r >= 0)
                r = plan_run_stop(run, reterr);
        if (r >= 0)
                r = plan_run_activate(run, reterr);
        if (r >= 0)
                r = plan_run_report(run, &report, reterr);
        if (r < 0)
                return r;
        return note_failures(back, uid, report) < 0 ? error_oom(reterr) : 0;
}

static int bring_back(UnitsBack *back,
                Systemd *systemd,
                uint32_t uid,
                const UnitBefore *units,
                size_t n_units,
                Error *reterr) {
        UnitNow *now = NULL;
        UnitPlan plan;
        int r = look_now(systemd, units, n_units, back->arena, &now, reterr);
        if (r < 0)
                return r;
        if (restore_plan(back->arena, units, now, n_units, &plan) < 0)
                return error_oom(reterr);
        return run_plan(back, systemd, uid, &plan, reterr);
}

/* The units of one manager stand together. */
static const UnitBefore *units_of(const Manifest *manifest, uint32_t uid, size_t *ret_n_units) {
        size_t first = 0;
        while (first < manifest->n_units && manifest->units[first].uid != uid)
                first++;
        size_t end = first;
        while (end < manifest->n_units && manifest->units[end].uid == uid)
                end++;
        *ret_n_units = end - first;
        return manifest->units + first;
}

static bool concerns_users(const Manifest *manifest) {
        for (size_t i = 0; i < manifest->n_units; i++)
                if (manifest->units[i].uid != UINT32_MAX)
                        return true;
        for (size_t i = 0; i < manifest->n_operations; i++)
                if (strncmp(manifest->operations[i].path, USER_UNITS, strlen(USER_UNITS)) == 0)
                        return true;
        return false;
}

/* Whoever logged in since read the files of the switch: each manager that runs is reloaded. One
 * that has gone needs nothing. */
static int bring_users_back(UnitsBack *back, Error *reterr) {
        cleanup_free uint32_t *uids = NULL;
        size_t n_uids = 0;
        int result = 0;
        if (concerns_users(back->manifest))
                result = systemd_running_users(&uids, &n_uids, reterr);
        for (size_t i = 0; i < n_uids; i++) {
                cleanup(systemd_closep) Systemd *systemd = NULL;
                Error error;
                size_t n_units = 0;
                const UnitBefore *units = units_of(back->manifest, uids[i], &n_units);
                int r = systemd_connect_user(uids[i], &systemd, &error);
                if (r >= 0)
                        r = bring_back(back, systemd, uids[i], units, n_units, &error);
                if (r == -ENOENT || r == -ECONNREFUSED || r >= 0 || result < 0)
                        continue;
                result = error_set(reterr, r, "Manager of user %u: %s", uids[i], error.message);
        }
        return result;
}

int units_back(Host *host,
                const Manifest *manifest,
                const RunOptions *options,
                Arena *arena,
                Debt **ret_debts,
                size_t *ret_n_debts,
                Error *reterr) {
        UnitsBack back = { .manifest = manifest, .options = options, .arena = arena };
        back.debts = arena_new(arena, Debt, manifest->n_units + 1);
        if (!back.debts)
                return error_oom(reterr);
        int r = 0;
        if (host_has_units(host)) {
                size_t n_units = 0;
                const UnitBefore *units = units_of(manifest, UINT32_MAX, &n_units);
                r = bring_back(&back, host->systemd, UINT32_MAX, units, n_units, reterr);
                int users = bring_users_back(&back, r < 0 ? NULL : reterr);
                r = r < 0 ? r : users;
        }
        *ret_debts = back.debts;
        *ret_n_debts = back.n_debts;
        return r;
}
