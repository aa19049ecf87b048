/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "diff/plan.h"

#include "diff/live_initrd.h"

#include "diff/plan_containers.h"
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

struct PlanDraft {
        Arena arena;
        const Tree *before, *after; /* what it was made of; NULL: nothing yet */
        TreeChange *changes;
        size_t n_changes;
        UnitPair pair;
};

PlanDraft *plan_draft_new(void) {
        return calloc(1, sizeof(PlanDraft));
}

static void draft_empty(PlanDraft *draft) {
        unit_pair_done(&draft->pair);
        arena_done(&draft->arena);
        free(draft->changes);
        *draft = (PlanDraft){ 0 };
}

PlanDraft *plan_draft_free(PlanDraft *draft) {
        if (draft) {
                draft_empty(draft);
                free(draft);
        }
        return NULL;
}

/* The caller's draft, or the function's own. */
static int make_draft(const PlanInput *input, PlanDraft *draft, Error *reterr) {
        if (draft->before == input->before && draft->after == input->after)
                return 0;
        draft_empty(draft);
        if (tree_compare(input->before, input->after, &draft->changes, &draft->n_changes) < 0)
                return error_oom(reterr);
        const UnitPairInput pair = {
                .arena = &draft->arena,
                .before = input->before,
                .after = input->after,
                .contents = input->contents,
        };
        int r = unit_pair_init(&draft->pair, &pair, reterr);
        if (r < 0)
                return r;
        draft->before = input->before;
        draft->after = input->after;
        return 0;
}

static ComparisonInput comparison_input(const PlanInput *input, const PlanDraft *draft) {
        return (ComparisonInput){
                .plan = input,
                .pair = &draft->pair,
                .states = input->states,
                .uid = UINT32_MAX,
                .files = draft->changes,
                .n_files = draft->n_changes,
        };
}

static int add_users(Plan *plan, const PlanInput *input, const PlanDraft *draft, Error *reterr) {
        cleanup(arena_donep) Arena arena = { 0 };
        cleanup(unit_pair_done) UnitPair pair = { 0 };
        const UnitPairInput pair_input = {
                .arena = &arena,
                .before = input->before,
                .after = input->after,
                .contents = input->contents,
                .is_user = true,
        };
        plan->users = arena_new(&plan->arena, UserPlan, input->n_users + 1);
        if (!plan->users)
                return error_oom(reterr);
        int r = input->n_users > 0 ? unit_pair_init(&pair, &pair_input, reterr) : 0;
        for (size_t i = 0; r == 0 && i < input->n_users; i++) {
                UserPlan *user = &plan->users[plan->n_users];
                ComparisonInput comparison = comparison_input(input, draft);
                comparison.pair = &pair;
                comparison.states = input->users[i].states;
                comparison.is_user = true;
                comparison.uid = user->uid = input->users[i].uid;
                r = plan_units(&plan->arena, &comparison, &user->units, reterr);
                plan->n_users += user->units.n_actions > 0 || user->units.daemon != DAEMON_NONE ||
                                 user->units.n_unknown > 0;
        }
        return r;
}

static int make_plan(Plan *plan, const PlanInput *input, PlanDraft *draft, Error *reterr) {
        int r = make_draft(input, draft, reterr);
        if (r < 0)
                return r;
        if (add_files(plan, draft->changes, draft->n_changes) < 0)
                return error_oom(reterr);
        const ComparisonInput system = comparison_input(input, draft);
        r = plan_units(&plan->arena, &system, &plan->units, reterr);
        if (r == 0)
                r = add_users(plan, input, draft, reterr);
        if (r == 0)
                r = plan_containers(plan, input, reterr);
        for (size_t i = 0; i < draft->n_changes; i++) {
                plan->run_sysusers |= is_changed_below(&draft->changes[i], "sysusers.d/");
                plan->run_tmpfiles |= is_changed_below(&draft->changes[i], "tmpfiles.d/");
        }
        return r;
}

static int add_initrds(Plan *plan, const PlanInput *input, const PlanDraft *draft) {
        Arena *arena = &plan->arena;
        PlanInitrd *made = NULL;
        const PlanInitrd *initrds = input->initrds;
        size_t n_initrds = input->n_initrds;
        if (input->live_initrds) {
                if (live_initrds_plan(input->live_initrds, &draft->pair.confs[BEFORE]->kernel,
                                    &draft->pair.confs[AFTER]->kernel, arena, &made,
                                    &n_initrds) < 0)
                        return -ENOMEM;
                initrds = made;
        }
        plan->initrds = arena_new(arena, PlanInitrd, n_initrds + 1);
        if (!plan->initrds)
                return -ENOMEM;
        for (size_t i = 0; i < n_initrds; i++) {
                const PlanInitrd *from = &initrds[i];
                const char **reasons = arena_new(arena, const char *, from->n_reasons + 1);
                for (size_t j = 0; reasons && j < from->n_reasons; j++)
                        if (!(reasons[j] = arena_strdup(arena, from->reasons[j])))
                                return -ENOMEM;
                PlanInitrd *initrd = &plan->initrds[plan->n_initrds++];
                *initrd = (PlanInitrd){ .kernel = arena_strdup(arena, from->kernel),
                        .reasons = reasons,
                        .n_reasons = from->n_reasons };
                if (!initrd->kernel || !reasons)
                        return -ENOMEM;
        }
        return 0;
}

/* Hooks are programs of a host that runs. */
static int add_hooks(Plan *plan, const PlanInput *input) {
        const Tree *tree = input->after;
        if (!tree || input->everything_off || plan_is_empty(plan))
                return 0;
        size_t first = tree_lower_bound(tree, ROOT_HOOKS, ""), end = first;
        while (end < tree->n_entries && tree->entries[end].root == ROOT_HOOKS)
                end++;
        const char **hooks = arena_new(&plan->arena, const char *, end - first + 1);
        if (!hooks)
                return -ENOMEM;
        for (size_t i = first; i < end; i++) {
                const Entry *entry = &tree->entries[i];
                if (entry->kind != ENTRY_FILE)
                        continue;
                hooks[plan->n_hooks] = arena_strdup(&plan->arena, entry->path);
                if (!hooks[plan->n_hooks++])
                        return -ENOMEM;
        }
        plan->hooks = hooks;
        return 0;
}

/* Whose modules the profile names already: they came with a boot that had another initrd. */
static int add_initrd_reason(const Plan *plan, const PlanInput *input, Strv *reasons) {
        const char *running = input->kernel.version;
        bool is_said = reasons->n_items > plan->n_of_boot_loader;
        int r = 0;
        for (size_t i = 0; r >= 0 && running && !is_said && i < plan->n_initrds; i++) {
                cleanup_free char *reason = NULL;
                if (strcmp(plan->initrds[i].kernel, running) != 0)
                        continue;
                if (asprintf(&reason, "the initrd of %s is made anew", running) < 0)
                        return -ENOMEM;
                r = strv_add(reasons, reason);
        }
        return r;
}

/* An image runs no kernel. */
static int add_reboot_reasons(Plan *plan, const PlanInput *input, const PlanDraft *draft) {
        cleanup_strv Strv reasons = { 0 };
        if (input->everything_off)
                return 0;
        int r = kernel_reboot_reasons(&draft->pair.confs[BEFORE]->kernel,
                        &draft->pair.confs[AFTER]->kernel, &input->kernel, &reasons);
        plan->n_of_boot_loader = reasons.n_items;
        plan->is_until_boot = input->is_until_boot;
        if (r >= 0 && !input->has_no_initrd_maker)
                r = kernel_initrd_reasons(&draft->pair.confs[BEFORE]->kernel,
                                &draft->pair.confs[AFTER]->kernel, &reasons);
        if (r >= 0)
                r = add_initrd_reason(plan, input, &reasons);
        for (size_t i = 0; r >= 0 && i < input->n_module_reasons; i++)
                r = strv_add(&reasons, input->module_reasons[i]);
        const char **copies = arena_new(&plan->arena, const char *, reasons.n_items + 1);
        if (r < 0 || !copies)
                return -ENOMEM;
        for (size_t i = 0; i < reasons.n_items; i++)
                if (!(copies[i] = arena_strdup(&plan->arena, reasons.items[i])))
                        return -ENOMEM;
        plan->reboot_needed = copies;
        plan->n_reboot_needed = reasons.n_items;
        return 0;
}

int plan_new(const PlanInput *input, Plan **ret_plan, Error *reterr) {
        cleanup(plan_freep) Plan *plan = calloc(1, sizeof(Plan));
        cleanup(plan_draft_freep) PlanDraft *own = input->draft ? NULL : plan_draft_new();
        PlanDraft *draft = own ? own : input->draft;
        if (!plan || !draft)
                return error_oom(reterr);
        int r = make_plan(plan, input, draft, reterr);
        if (r == 0 && (add_initrds(plan, input, draft) < 0 || add_hooks(plan, input) < 0 ||
                                      add_reboot_reasons(plan, input, draft) < 0))
                r = error_oom(reterr);
        if (r == 0)
                *ret_plan = TAKE(plan);
        return r;
}

int plan_concern(const PlanInput *input, Strv *ret_names, Strv *ret_patterns, Error *reterr) {
        cleanup(plan_draft_freep) PlanDraft *own = input->draft ? NULL : plan_draft_new();
        PlanDraft *draft = own ? own : input->draft;
        if (!draft)
                return error_oom(reterr);
        int r = make_draft(input, draft, reterr);
        if (r < 0)
                return r;
        ComparisonInput system = comparison_input(input, draft);
        system.states = NULL;
        return plan_concern_units(&system, ret_names, ret_patterns, reterr);
}

bool plan_is_empty(const Plan *plan) {
        bool acts = plan->units.n_actions > 0;
        for (size_t i = 0; i < plan->n_users; i++)
                acts |= plan->users[i].units.n_actions > 0;
        return plan->n_files == 0 && !acts && plan->n_initrds == 0;
}

int plan_add_note(Plan *plan, UnitPlan *units, const char *note) {
        const char **notes = arena_grow(&plan->arena, (void *) (uintptr_t) units->notes,
                        units->n_notes, units->n_notes + 1, sizeof(char *));
        if (!notes)
                return -ENOMEM;
        notes[units->n_notes++] = note;
        units->notes = notes;
        return 0;
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

const char *container_verb_to_string(Verb verb) {
        return verb == VERB_RELOAD    ? "activate"
               : verb == VERB_RESTART ? "reboot"
                                      : verb_to_string(verb);
}

int verb_from_string(const char *text) {
        for (int verb = 0; verb < N_VERBS; verb++)
                if (strcmp(text, verbs[verb]) == 0)
                        return verb;
        return -EINVAL;
}

static const char *const causes[] = {
        [DEBT_SKIPPED] = "skipped",
        [DEBT_FAILED] = "failed",
        [DEBT_TIMEOUT] = "timeout",
        [DEBT_HELD_DOWN] = "held-down",
};

const char *debt_cause_to_string(DebtCause cause) {
        return causes[cause];
}

int debt_cause_from_string(const char *text) {
        for (size_t i = 0; i < N_ELEMENTS(causes); i++)
                if (strcmp(causes[i], text) == 0)
                        return (int) i;
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
