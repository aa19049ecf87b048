/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "switch/drift.h"

#include "activate/unit_look.h"

#include <errno.h>
#include <string.h>

void drift_done(Drift *drift) {
        (void) prepared_free(drift->prepared);
        arena_done(&drift->arena);
        *drift = (Drift){ 0 };
}

static int prepare_all(Host *host, Prepared **ret_prepared, Error *reterr) {
        cleanup(reference_tree_donep) ReferenceTree active = { .number = -1 };
        int r = reference_read(host, "@active", true, &active, reterr);
        if (r < 0)
                return r;
        /* force: what is not as declared comes as an operation, not as a conflict */
        const PrepareOptions options = { .force = true, .check_all = true };
        return prepare(host, &active, &options, ret_prepared, reterr);
}

/* The contents of one pool are equal when they are the same. */
static bool has_same_content(const FitOperation *operation) {
        return operation->found->kind == FOUND_FILE && operation->entry &&
               operation->entry->kind == ENTRY_FILE &&
               operation->found->content == operation->entry->content;
}

static DriftFile drift_file_of(const FitOperation *operation) {
        DriftFile file = {
                .root = operation->root, .path = operation->path, .what = "was edited by hand"
        };
        if (operation->found->kind == FOUND_NOTHING) {
                file.is_missing = true;
                file.what = "is missing";
        } else if (operation->verb == FIT_ATTRIBUTES || has_same_content(operation))
                file.what = "has another mode or owner";
        return file;
}

static int find_files(Drift *drift, Error *reterr) {
        const FitPlan *fit = drift->prepared->fit;
        drift->files = arena_new(
                        &drift->arena, DriftFile, fit->n_operations + fit->n_conflicts + 1);
        if (!drift->files)
                return error_oom(reterr);
        for (size_t i = 0; i < fit->n_operations; i++)
                if (fit->operations[i].verb != FIT_RECORD)
                        drift->files[drift->n_files++] = drift_file_of(&fit->operations[i]);
        for (size_t i = 0; i < fit->n_conflicts; i++)
                drift->files[drift->n_files++] = (DriftFile){ .root = fit->conflicts[i].root,
                        .path = fit->conflicts[i].path,
                        .what = fit->conflicts[i].what };
        return 0;
}

/* Units: the plan that would lead from nothing to the active generation starts what it wants and is
 * off, and stops what it has off and is on. It knows no better than the rules what a unit that is
 * off by its nature is, so each is looked at. */

static int read_states(Host *host, PlanInput *input, UnitStates *states, Error *reterr) {
        cleanup_strv Strv names = { 0 }, patterns = { 0 };
        int r = plan_concern(input, &names, &patterns, reterr);
        return r < 0 ? r : systemd_read_states(host->systemd, &names, &patterns, states, reterr);
}

static bool is_at_rest(const UnitLook *look) {
        if (unit_look_is_failing(look))
                return false;
        bool has_run = strcmp(look->service_type, "oneshot") == 0 && look->start_usec > 0;
        return has_run || look->condition_failed;
}

static int add_unit(Drift *drift, const char *unit, const char *state, bool wanted) {
        char *name = arena_strdup(&drift->arena, unit), *copy = arena_strdup(&drift->arena, state);
        if (!name || !copy)
                return -ENOMEM;
        drift->units[drift->n_units++] =
                        (DriftUnit){ .unit = name, .state = copy, .wanted = wanted };
        return 0;
}

static int look_closer(Host *host, Drift *drift, const Plan *plan, Error *reterr) {
        UnitLook *looks = arena_new(&drift->arena, UnitLook, plan->units.n_actions + 1);
        drift->units = arena_new(&drift->arena, DriftUnit, plan->units.n_actions + 1);
        if (!looks || !drift->units)
                return error_oom(reterr);
        size_t n_looks = 0;
        for (size_t i = 0; i < plan->units.n_actions; i++) {
                const UnitAction *action = &plan->units.actions[i];
                if (action->verb == VERB_START || action->verb == VERB_STOP)
                        looks[n_looks++].unit = action->unit;
        }
        int r = unit_look(host->systemd, looks, n_looks, LOOK_RESULT, reterr);
        if (r < 0)
                return r;
        for (size_t i = 0; i < n_looks; i++) {
                bool is_on = unit_look_is_on(&looks[i]) && !unit_look_is_failing(&looks[i]);
                if (!is_on && is_at_rest(&looks[i]))
                        continue;
                if (add_unit(drift, looks[i].unit, looks[i].active_state, !is_on) < 0)
                        return error_oom(reterr);
        }
        return 0;
}

static int find_units(Host *host, Drift *drift, Error *reterr) {
        cleanup(tree_freep) Tree *nothing = tree_new();
        cleanup(unit_states_freep) UnitStates *states = unit_states_new();
        cleanup(plan_freep) Plan *plan = NULL;
        if (!nothing || !states)
                return error_oom(reterr);
        int r = tree_seal(nothing, reterr);
        if (r < 0)
                return r;
        PlanInput input = { .before = nothing,
                .after = drift->prepared->new,
                .contents = host->contents,
                .states = states };
        r = read_states(host, &input, states, reterr);
        if (r < 0)
                return r;
        r = plan_new(&input, &plan, reterr);
        return r < 0 ? r : look_closer(host, drift, plan, reterr);
}

int drift_find(Host *host, Drift *ret_drift, Error *reterr) {
        cleanup(drift_donep) Drift drift = { 0 };
        int r = prepare_all(host, &drift.prepared, reterr);
        if (r < 0)
                return r;
        r = find_files(&drift, reterr);
        if (r < 0)
                return r;
        if (!host->is_image) {
                r = find_units(host, &drift, reterr);
                if (r < 0)
                        return r;
        }
        *ret_drift = drift;
        drift = (Drift){ 0 };
        return 0;
}
