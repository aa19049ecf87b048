/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "switch/inside.h"

#include "activate/bundle_store.h"
#include "activate/container_link.h"
#include "activate/run_plan.h"
#include "activate/unit_look.h"
#include "diff/nspawn.h"
#include "diff/plan.h"

#include <errno.h>
#include <string.h>

#define FIT_UNIT "sysswitch-fit.service"

enum { TIMEOUT_USEC = 60 * 1000 * 1000 };

typedef struct Inside {
        const char *name;
        Arena arena;
        Contents *contents;
        char old_name[BUNDLE_TREE_SIZE], new_name[BUNDLE_TREE_SIZE];
        Tree *old, *new;
        Systemd *systemd;
        UnitStates *states;
        Plan *plan;
        PlanRun *run;
        Report *report;
} Inside;

static void inside_donep(Inside *inside) {
        (void) report_free(inside->report);
        (void) plan_run_free(inside->run);
        (void) plan_free(inside->plan);
        (void) unit_states_free(inside->states);
        (void) systemd_close(inside->systemd);
        (void) tree_free(inside->old);
        (void) tree_free(inside->new);
        (void) contents_free(inside->contents);
        arena_done(&inside->arena);
}

static const RunOptions run_options = { .timeout_usec = TIMEOUT_USEC };

static int read_trees(Inside *inside, Error *reterr) {
        inside->contents = contents_new();
        if (!inside->contents)
                return error_oom(reterr);
        int r = bundle_store_wanted(inside->name, inside->new_name, reterr);
        if (r >= 0)
                r = bundle_store_pointed(inside->name, "active", inside->old_name, reterr);
        if (r >= 0)
                r = bundle_store_read(inside->name, inside->new_name, inside->contents,
                                &inside->new, reterr);
        if (r < 0)
                return r;
        if (*inside->old_name)
                return bundle_store_read(inside->name, inside->old_name, inside->contents,
                                &inside->old, reterr);
        inside->old = tree_new();
        return inside->old ? tree_seal(inside->old, reterr) : error_oom(reterr);
}

static PlanInput input_of(const Inside *inside) {
        return (PlanInput){ .before = inside->old,
                .after = inside->new,
                .contents = inside->contents,
                .states = inside->states };
}

static int ask_unknown(Inside *inside, Error *reterr) {
        const UnitPlan *units = &inside->plan->units;
        cleanup_strv Strv ask = { 0 };
        for (size_t i = 0; i < units->n_unknown; i++) {
                const UnitState *known = unit_states_find(inside->states, units->unknown[i]);
                if ((!known || !known->has_relations) && strv_add(&ask, units->unknown[i]) < 0)
                        return error_oom(reterr);
        }
        if (ask.n_items == 0)
                return 0;
        int r = systemd_read_relations_of(inside->systemd, &ask, inside->states, reterr);
        return r < 0 ? r : 1;
}

static int make_plan(Inside *inside, Error *reterr) {
        cleanup_strv Strv names = { 0 }, patterns = { 0 };
        inside->states = unit_states_new();
        if (!inside->states)
                return error_oom(reterr);
        const PlanInput input = input_of(inside);
        int r = plan_concern(&input, &names, &patterns, reterr);
        if (r >= 0)
                r = systemd_read_states(inside->systemd, &names, &patterns, inside->states, reterr);
        while (r >= 0) {
                inside->plan = plan_free(inside->plan);
                r = plan_new(&input, &inside->plan, reterr);
                if (r >= 0)
                        r = ask_unknown(inside, reterr);
                if (r == 0)
                        break;
        }
        return r;
}

static int fit(const Inside *inside, const char *tree, Error *reterr) {
        const char *const arguments[] = { NSPAWN_GUEST, "activate", tree, NULL };
        const ContainerProgram program = {
                .unit = FIT_UNIT, .arguments = arguments, .timeout_usec = TIMEOUT_USEC
        };
        return container_run(inside->systemd, &program, NULL, reterr);
}

/* What failed there, by name: its own log lines are in the container's journal. */
static int check_report(const Inside *inside, Error *reterr) {
        const Report *report = inside->report;
        if (report_n_caused(report) == 0)
                return 0;
        for (size_t i = 0; i < report->n_failures; i++)
                if (report->failures[i].cause == FAILURE_CAUSED)
                        return error_set(reterr, -ECHILD, "%s inside %s: %s (%s)",
                                        report->failures[i].unit, inside->name,
                                        report->failures[i].active_state,
                                        report->failures[i].result);
        for (size_t i = 0; i < report->n_actions; i++) {
                const ActionReport *action = &report->actions[i];
                if (job_outcome_is_bad(action->outcome))
                        return error_set(reterr, -ECHILD, "%s inside %s: %s failed: %s",
                                        action->action->unit, inside->name,
                                        verb_to_string(action->action->verb),
                                        action->message ? action->message
                                                        : job_outcome_to_string(action->outcome));
        }
        return 0;
}

static int look_now(Inside *inside,
                const UnitBefore *units,
                size_t n_units,
                UnitNow **ret_now,
                Error *reterr) {
        UnitLook *looks = arena_new(&inside->arena, UnitLook, n_units + 1);
        UnitNow *now = arena_new(&inside->arena, UnitNow, n_units + 1);
        if (!looks || !now)
                return error_oom(reterr);
        for (size_t i = 0; i < n_units; i++)
                looks[i].unit = units[i].unit;
        int r = unit_look(inside->systemd, looks, n_units, LOOK_STATE, reterr);
        for (size_t i = 0; r >= 0 && i < n_units; i++)
                now[i] = (UnitNow){ .is_on = unit_look_is_on(&looks[i]),
                        .has_job = looks[i].job_id > 0,
                        .invocation_id = looks[i].invocation_id };
        *ret_now = now;
        return r;
}

/* Files, then units, as an undone switch of a host. */
static int take_back(Inside *inside, Error *reterr) {
        const UnitBefore *units = NULL;
        size_t n_units = 0;
        UnitNow *now = NULL;
        UnitPlan plan;
        cleanup(plan_run_freep) PlanRun *run = NULL;
        int r = *inside->old_name ? fit(inside, inside->old_name, reterr) : 0;
        if (r >= 0 && plan_run_before(inside->run, &units, &n_units) < 0)
                return error_oom(reterr);
        if (r >= 0)
                r = look_now(inside, units, n_units, &now, reterr);
        if (r < 0)
                return r;
        if (restore_plan(&inside->arena, units, now, n_units, &plan) < 0)
                return error_oom(reterr);
        r = plan_run_new(inside->systemd, &plan, &run_options, &run, reterr);
        if (r >= 0)
                r = plan_run_stop(run, reterr);
        return r < 0 ? r : plan_run_activate(run, reterr);
}

static int carry_out(Inside *inside, Error *reterr) {
        int r = plan_run_stop(inside->run, reterr);
        if (r >= 0)
                r = fit(inside, inside->new_name, reterr);
        if (r >= 0)
                r = plan_run_activate(inside->run, reterr);
        if (r >= 0)
                r = plan_run_report(inside->run, &inside->report, reterr);
        return r < 0 ? r : check_report(inside, reterr);
}

int inside_activate(const char *name, Error *reterr) {
        cleanup(inside_donep) Inside inside = { .name = name };
        pid_t leader = 0;
        int r = read_trees(&inside, reterr);
        if (r < 0 || strcmp(inside.old_name, inside.new_name) == 0)
                return r;
        r = container_leader(name, &leader, reterr);
        if (r >= 0)
                r = container_connect(name, leader, &inside.systemd, reterr);
        if (r >= 0)
                r = make_plan(&inside, reterr);
        if (r >= 0)
                r = plan_run_new(inside.systemd, &inside.plan->units, &run_options, &inside.run,
                                reterr);
        if (r < 0)
                return r;
        r = carry_out(&inside, reterr);
        if (r >= 0)
                return bundle_store_point(name, "active", inside.new_name, reterr);
        Error error;
        const Error first = *reterr;
        if (take_back(&inside, &error) < 0)
                return error_set(reterr, r, "%.200s; and putting %s back: %.200s", first.message,
                                name, error.message);
        return error_prefix(reterr, "Container %s was put back", name);
}
