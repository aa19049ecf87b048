/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "diff/plan.h"

#include "diff/plan_units.h"

#include <errno.h>
#include <string.h>

Plan *plan_free(Plan *plan) {
        if (plan) {
                arena_done(&plan->arena);
                free(plan);
        }
        return NULL;
}

static bool is_there(const Entry *entry) {
        return entry && entry->kind != ENTRY_ABSENT;
}

/* A directory that is only there for what is below it is nobody's file. */
static bool is_shown(const Entry *entry) {
        return is_there(entry) && !(entry->kind == ENTRY_DIRECTORY && entry->implied);
}

static int add_files(Plan *plan, const TreeChange *changes, size_t n_changes) {
        plan->files = arena_new(&plan->arena, TreeChange, n_changes + 1);
        if (!plan->files)
                return -ENOMEM;
        for (size_t i = 0; i < n_changes; i++) {
                const Entry *entry = changes[i].after ? changes[i].after : changes[i].before;
                if (entry->root != ROOT_PROFILE &&
                                (is_shown(changes[i].before) || is_shown(changes[i].after)))
                        plan->files[plan->n_files++] = changes[i];
        }
        return 0;
}

static bool is_changed_below(const TreeChange *change, const char *directory) {
        const Entry *entry = change->after ? change->after : change->before;
        return entry->root == ROOT_ETC && strncmp(entry->path, directory, strlen(directory)) == 0 &&
               !entry_same_bytes(change->before, change->after);
}

static int add_users(Plan *plan,
                const PlanInput *input,
                const TreeChange *changes,
                size_t n_changes,
                Error *reterr) {
        plan->users = arena_new(&plan->arena, UserPlan, input->n_users + 1);
        if (!plan->users)
                return error_oom(reterr);
        for (size_t i = 0; i < input->n_users; i++) {
                UserPlan *user = &plan->users[plan->n_users];
                const ComparisonInput comparison = {
                        .plan = input,
                        .states = input->users[i].states,
                        .is_user = true,
                        .uid = input->users[i].uid,
                        .files = changes,
                        .n_files = n_changes,
                };
                user->uid = input->users[i].uid;
                int r = plan_units(&plan->arena, &comparison, &user->units, reterr);
                if (r < 0)
                        return r;
                if (user->units.n_actions > 0 || user->units.daemon != DAEMON_NONE ||
                                user->units.n_unknown > 0)
                        plan->n_users++;
        }
        return 0;
}

static ComparisonInput system_input(
                const PlanInput *input, const TreeChange *changes, size_t n_changes) {
        return (ComparisonInput){
                .plan = input,
                .states = input->states,
                .uid = UINT32_MAX,
                .files = changes,
                .n_files = n_changes,
        };
}

int plan_new(const PlanInput *input, Plan **ret_plan, Error *reterr) {
        cleanup_free TreeChange *changes = NULL;
        size_t n_changes = 0;
        cleanup(plan_freep) Plan *plan = calloc(1, sizeof(Plan));
        if (!plan || tree_compare(input->before, input->after, &changes, &n_changes) < 0 ||
                        add_files(plan, changes, n_changes) < 0)
                return error_oom(reterr);
        const ComparisonInput system = system_input(input, changes, n_changes);
        int r = plan_units(&plan->arena, &system, &plan->units, reterr);
        if (r == 0)
                r = add_users(plan, input, changes, n_changes, reterr);
        if (r < 0)
                return r;
        for (size_t i = 0; i < n_changes; i++) {
                plan->run_sysusers |= is_changed_below(&changes[i], "sysusers.d/");
                plan->run_tmpfiles |= is_changed_below(&changes[i], "tmpfiles.d/");
        }
        *ret_plan = TAKE(plan);
        return 0;
}

int plan_concern(const PlanInput *input, Strv *ret_names, Strv *ret_patterns, Error *reterr) {
        cleanup_free TreeChange *changes = NULL;
        size_t n_changes = 0;
        if (tree_compare(input->before, input->after, &changes, &n_changes) < 0)
                return error_oom(reterr);
        ComparisonInput system = system_input(input, changes, n_changes);
        system.states = NULL;
        return plan_concern_units(&system, ret_names, ret_patterns, reterr);
}

bool plan_is_empty(const Plan *plan) {
        bool acts = plan->units.n_actions > 0;
        for (size_t i = 0; i < plan->n_users; i++)
                acts |= plan->users[i].units.n_actions > 0;
        return plan->n_files == 0 && !acts;
}

static const char *const verbs[N_VERBS] = {
        [VERB_STOP] = "stop",
        [VERB_START] = "start",
        [VERB_RESTART] = "restart",
        [VERB_RELOAD] = "reload",
        [VERB_SKIP] = "skip",
};

const char *verb_to_string(Verb verb) {
        return verbs[verb];
}

int verb_from_string(const char *text) {
        for (int verb = 0; verb < N_VERBS; verb++)
                if (strcmp(text, verbs[verb]) == 0)
                        return verb;
        return -EINVAL;
}

const char *phase_to_string(Phase phase) {
        static const char *const names[N_PHASES] = {
                [PHASE_STOP] = "stop",
                [PHASE_STOP_LATE] = "stop-late",
                [PHASE_RELOAD] = "reload",
                [PHASE_RESTART] = "restart",
                [PHASE_START] = "start",
        };
        return names[phase];
}

const char *daemon_action_to_string(DaemonAction action) {
        static const char *const names[] = {
                [DAEMON_NONE] = "none", [DAEMON_RELOAD] = "reload", [DAEMON_REEXEC] = "reexec"
        };
        return names[action];
}
