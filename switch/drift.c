/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "switch/drift.h"

#include "activate/unit_look.h"
#include "base/map.h"
#include "diff/profile_conf.h"
#include "diff/unit_name.h"

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
        const PrepareOptions options = {
                .force = true, .only_host = true, .check_all = true, .makes_initrds = true
        };
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
        } else if (operation->renews_displaced) {
                file.what = operation->verb == FIT_REMOVE ? "was made by its package"
                                                          : "was replaced by its package";
        } else if (operation->verb == FIT_ATTRIBUTES || has_same_content(operation))
                file.what = "has another mode or owner";
        return file;
}

int drift_list_files(const FitPlan *fit,
                Arena *arena,
                DriftFile **ret_files,
                size_t *ret_n_files,
                Error *reterr) {
        size_t n_files = 0;
        DriftFile *files = arena_new(arena, DriftFile, fit->n_operations + fit->n_conflicts + 1);
        if (!files)
                return error_oom(reterr);
        for (size_t i = 0; i < fit->n_operations; i++)
                if (fit->operations[i].verb != FIT_RECORD)
                        files[n_files++] = drift_file_of(&fit->operations[i]);
        for (size_t i = 0; i < fit->n_conflicts; i++)
                files[n_files++] = (DriftFile){ .root = fit->conflicts[i].root,
                        .path = fit->conflicts[i].path,
                        .what = fit->conflicts[i].what };
        *ret_files = files;
        *ret_n_files = n_files;
        return 0;
}

/* Units. What shall be on is what the plan from nothing to the active generation starts where
 * nothing but targets is on yet; what shall be off is masked or in Disable=. Beyond that, whatever
 * the generation defines shall not be failed. */

typedef struct Candidates {
        Map names;       /* -> UnitLook */
        UnitLook *looks; /* of the drift's arena */
        bool *wanted;    /* beside each look */
        size_t n_looks, n_allocated;
} Candidates;

static void candidates_donep(Candidates *candidates) {
        map_done(&candidates->names);
}

static int compare_units(const void *left, const void *right) {
        return strcmp(((const DriftUnit *) left)->unit, ((const DriftUnit *) right)->unit);
}

static int add_candidate(Drift *drift, Candidates *candidates, const char *unit, bool wanted) {
        if (map_get(&candidates->names, unit))
                return 0;
        if (candidates->n_looks == candidates->n_allocated) {
                size_t n_wanted = candidates->n_allocated * 2 + 64;
                candidates->looks = arena_grow(&drift->arena, candidates->looks,
                                candidates->n_looks, n_wanted, sizeof(UnitLook));
                candidates->wanted = arena_grow(&drift->arena, candidates->wanted,
                                candidates->n_looks, n_wanted, sizeof(bool));
                if (!candidates->looks || !candidates->wanted)
                        return -ENOMEM;
                candidates->n_allocated = n_wanted;
        }
        char *name = arena_strdup(&drift->arena, unit);
        if (!name)
                return -ENOMEM;
        candidates->looks[candidates->n_looks].unit = name;
        candidates->wanted[candidates->n_looks++] = wanted;
        return map_put(&candidates->names, name, name);
}

static int only_targets(const UnitStates *states, UnitStates *targets) {
        size_t position = 0;
        const UnitState *state;
        while ((state = map_next(&states->by_name, &position, NULL)))
                if (unit_name_type(state->name) == UNIT_TARGET &&
                                unit_states_set(targets, state) < 0)
                        return -ENOMEM;
        return 0;
}

static int add_wanted(Drift *drift, Candidates *candidates, const PlanInput *input, Error *reterr) {
        cleanup(plan_freep) Plan *plan = NULL;
        int r = plan_new(input, &plan, reterr);
        if (r < 0)
                return r;
        for (size_t i = 0; i < plan->units.n_actions; i++) {
                const UnitAction *action = &plan->units.actions[i];
                if (action->verb == VERB_START &&
                                add_candidate(drift, candidates, action->unit, true) < 0)
                        return error_oom(reterr);
        }
        return 0;
}

static bool is_mask(const Entry *entry) {
        return (entry->kind == ENTRY_LINK && strcmp(entry->target, "/dev/null") == 0) ||
               (entry->kind == ENTRY_FILE && entry->content->size_bytes == 0);
}

static const char unit_directory[] = "systemd/system/";

static int add_masked(Drift *drift, Candidates *candidates, const Tree *tree) {
        size_t length = strlen(unit_directory);
        for (size_t i = tree_lower_bound(tree, ROOT_ETC, unit_directory); i < tree->n_entries;
                        i++) {
                const Entry *entry = &tree->entries[i];
                if (entry->root != ROOT_ETC || strncmp(entry->path, unit_directory, length) != 0)
                        break;
                const char *name = entry->path + length;
                if (!strchr(name, '/') && is_mask(entry) && unit_name_is_valid(name) &&
                                add_candidate(drift, candidates, name, false) < 0)
                        return -ENOMEM;
        }
        return 0;
}

static int add_disabled(
                Host *host, Drift *drift, Candidates *candidates, const Tree *tree, Error *reterr) {
        const Entry *entry = tree_find(tree, ROOT_PROFILE, "profile.conf");
        const ProfileConf *conf = NULL;
        if (!entry)
                return 0;
        int r = profile_conf_parse(&drift->arena, "profile.conf", host->contents, entry->content,
                        &conf, reterr);
        if (r < 0)
                return r;
        for (size_t i = 0; i < conf->n_disable; i++)
                if (add_candidate(drift, candidates, conf->disable[i].unit, false) < 0)
                        return error_oom(reterr);
        return 0;
}

static bool is_defined(Drift *drift, const char *unit) {
        const char *template_name = unit_name_is_instance(unit)
                                                    ? unit_name_template_of(&drift->arena, unit)
                                                    : NULL;
        const char *path = arena_printf(&drift->arena, "%s%s", unit_directory,
                        template_name ? template_name : unit);
        return path && tree_find(drift->prepared->new, ROOT_ETC, path);
}

static int add_failed(Drift *drift, Candidates *candidates, const UnitStates *states) {
        size_t position = 0;
        const UnitState *state;
        while ((state = map_next(&states->by_name, &position, NULL)))
                if (unit_state_is_failed(state) && is_defined(drift, state->name) &&
                                add_candidate(drift, candidates, state->name, true) < 0)
                        return -ENOMEM;
        return 0;
}

static int find_candidates(Host *host, Drift *drift, Candidates *candidates, Error *reterr) {
        cleanup(tree_freep) Tree *nothing = tree_new();
        cleanup(unit_states_freep) UnitStates *states = unit_states_new();
        cleanup(unit_states_freep) UnitStates *targets = unit_states_new();
        cleanup_strv Strv names = { 0 }, patterns = { 0 };
        if (!nothing || !states || !targets || tree_seal(nothing, reterr) < 0)
                return error_oom(reterr);
        const Tree *tree = drift->prepared->new;
        PlanInput input = {
                .before = nothing, .after = tree, .contents = host->contents, .states = targets
        };
        int r = plan_concern(&input, &names, &patterns, reterr);
        if (r < 0)
                return r;
        r = systemd_read_states(host->systemd, &names, &patterns, states, reterr);
        if (r < 0)
                return r;
        if (only_targets(states, targets) < 0)
                return error_oom(reterr);
        r = add_wanted(drift, candidates, &input, reterr);
        if (r < 0)
                return r;
        if (add_failed(drift, candidates, states) < 0 || add_masked(drift, candidates, tree) < 0)
                return error_oom(reterr);
        return add_disabled(host, drift, candidates, tree, reterr);
}

/* Off by its nature: a oneshot that ran, and what its condition keeps off. */
static bool is_at_rest(const UnitLook *look) {
        return (strcmp(look->service_type, "oneshot") == 0 && look->start_usec > 0) ||
               (look->condition_failed && look->condition_usec > 0);
}

static bool is_as_declared(const UnitLook *look, bool wanted) {
        if (unit_look_is_failing(look))
                return false;
        return wanted ? unit_look_is_on(look) || is_at_rest(look) : !unit_look_is_on(look);
}

static int find_units(Host *host, Drift *drift, Error *reterr) {
        cleanup(candidates_donep) Candidates candidates = { 0 };
        int r = find_candidates(host, drift, &candidates, reterr);
        if (r < 0)
                return r;
        r = unit_look(host->systemd, candidates.looks, candidates.n_looks, LOOK_ALL, reterr);
        if (r < 0)
                return r;
        drift->units = arena_new(&drift->arena, DriftUnit, candidates.n_looks + 1);
        if (!drift->units)
                return error_oom(reterr);
        for (size_t i = 0; i < candidates.n_looks; i++) {
                const UnitLook *look = &candidates.looks[i];
                if (!is_as_declared(look, candidates.wanted[i]))
                        drift->units[drift->n_units++] = (DriftUnit){ .unit = look->unit,
                                .state = strcmp(look->load_state, "masked") == 0
                                                         ? look->load_state
                                                         : look->active_state,
                                .wanted = candidates.wanted[i] };
        }
        qsort(drift->units, drift->n_units, sizeof(DriftUnit), compare_units);
        return 0;
}

int drift_find_files(Host *host, Drift *ret_drift, Error *reterr) {
        cleanup(drift_donep) Drift drift = { 0 };
        int r = prepare_all(host, &drift.prepared, reterr);
        if (r >= 0)
                r = drift_list_files(drift.prepared->fit, &drift.arena, &drift.files,
                                &drift.n_files, reterr);
        if (r < 0)
                return r;
        *ret_drift = drift;
        drift = (Drift){ 0 };
        return 0;
}

int drift_find(Host *host, Drift *ret_drift, Error *reterr) {
        cleanup(drift_donep) Drift drift = { 0 };
        int r = drift_find_files(host, &drift, reterr);
        if (r < 0)
                return r;
        if (!host->is_image && !host->is_of_containers) {
                r = find_units(host, &drift, reterr);
                if (r < 0)
                        return r;
        }
        *ret_drift = drift;
        drift = (Drift){ 0 };
        return 0;
}
