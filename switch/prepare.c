/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "switch/prepare.h"

#include "activate/kernel.h"
#include "state/debt.h"
#include "state/displaced.h"
#include "state/record.h"
#include "switch/checks.h"
#include "switch/container_edits.h"
#include "switch/engine.h"
#include "switch/followers.h"
#include "switch/loaded_modules.h"
#include "switch/packaged.h"
#include "switch/paid.h"
#include "switch/rehearsal.h"

#include <string.h>

Prepared *prepared_free(Prepared *prepared) {
        if (!prepared)
                return NULL;
        check_results_free(prepared->checks);
        packages_free(prepared->packages);
        rehearsal_free(prepared->rehearsal);
        plan_free(prepared->plan);
        plan_draft_free(prepared->draft);
        fit_plan_free(prepared->fit);
        lib_files_done(&prepared->lib);
        scan_free(prepared->scan);
        unit_states_free(prepared->states);
        insides_done(&prepared->insides);
        users_done(&prepared->users);
        strv_done(&prepared->forced);
        effective_trees_done(&prepared->effective);
        reference_tree_done(&prepared->target);
        arena_done(&prepared->arena);
        free(prepared);
        return NULL;
}

static int load_owed_steps(Host *host, Prepared *prepared, Error *reterr) {
        SwitchRecord last;
        int r = record_last_commit(
                        host->database, host->profile_name, &prepared->arena, &last, reterr);
        if (r > 0)
                prepared->last_switch_usec = last.started_usec;
        if (r > 0 && last.exit_status == EXIT_UNITS_FAILED)
                prepared->owed_steps = last.message;
        return r;
}

static int load_old(Host *host, Prepared *prepared, Error *reterr) {
        prepared->from_number = host->profile.active;
        int r = host_active_tree(host, &prepared->old, reterr);
        if (r < 0 || !host->database)
                return r;
        return load_owed_steps(host, prepared, reterr);
}

/* Of a host that is connected: what is paid is seen by the units. */
static int load_debts(Host *host, Prepared *prepared, Error *reterr) {
        size_t n_debts = 0;
        if (!host->database)
                return 0;
        int r = debt_load(host->database, host->profile_name, &prepared->arena, &prepared->debts,
                        &n_debts, reterr);
        if (r >= 0)
                r = paid_find(host, &prepared->arena, prepared->debts, n_debts, &prepared->n_debts,
                                reterr);
        if (r >= 0)
                prepared->n_paid = n_debts - prepared->n_debts;
        return r;
}

/* What may come back: at a path that leaves, and where a directory is no longer ours alone. All
 * else that was displaced lies at paths that stay managed. */
static int load_displaced(Host *host,
                Prepared *prepared,
                EntryRoot root,
                const TreeChange *changes,
                size_t n_changes,
                Error *reterr) {
        bool is_lib = root == ROOT_LIB;
        cleanup_strv Strv paths = { 0 };
        int r = 0;
        for (size_t i = 0; r >= 0 && i < n_changes; i++)
                if (!changes[i].after && changes[i].before->root == root)
                        r = strv_add(&paths, changes[i].before->path);
        for (size_t i = 0; r >= 0 && i < prepared->new->n_entries; i++) {
                const Entry *entry = &prepared->new->entries[i];
                if (entry->implied && entry->root == root)
                        r = strv_add(&paths, entry->path);
        }
        if (r < 0)
                return error_oom(reterr);
        strv_sort(&paths);
        const DisplacedPaths asked = { host->profile_name, root, &paths };
        return displaced_find(host->database, &asked, host->contents, &prepared->arena,
                        is_lib ? &prepared->lib.displaced : &prepared->displaced,
                        is_lib ? &prepared->lib.n_displaced : &prepared->n_displaced, reterr);
}

static int note_loaded_modules(Host *host,
                Prepared *prepared,
                const TreeChange *changes,
                size_t n_changes,
                Error *reterr) {
        cleanup_strv Strv reasons = { 0 };
        if (!lib_files_in(prepared->old) && !lib_files_in(prepared->new))
                return 0;
        int r = loaded_modules_reasons(host, changes, n_changes, &reasons, reterr);
        const char **copies = arena_new(&prepared->arena, const char *, reasons.n_items + 1);
        if (r < 0 || !copies)
                return r < 0 ? r : error_oom(reterr);
        for (size_t i = 0; i < reasons.n_items; i++)
                if (!(copies[i] = arena_strdup(&prepared->arena, reasons.items[i])))
                        return error_oom(reterr);
        prepared->module_reasons = copies;
        prepared->n_module_reasons = reasons.n_items;
        return 0;
}

static int compare_trees(Host *host, Prepared *prepared, Error *reterr) {
        cleanup_free TreeChange *changes = NULL;
        size_t n_changes = 0;
        if (tree_compare(prepared->old, prepared->new, &changes, &n_changes) < 0)
                return error_oom(reterr);
        prepared->is_same_tree = n_changes == 0;
        int r = note_loaded_modules(host, prepared, changes, n_changes, reterr);
        if (r < 0 || !host->database)
                return r;
        r = load_displaced(host, prepared, ROOT_ETC, changes, n_changes, reterr);
        if (r >= 0 && (lib_files_in(prepared->old) || lib_files_in(prepared->new)))
                r = load_displaced(host, prepared, ROOT_LIB, changes, n_changes, reterr);
        return r;
}

static int look_at_files(
                Host *host, Prepared *prepared, const PrepareOptions *options, Error *reterr) {
        FitInput *input = &prepared->fit_input;
        *input = (FitInput){
                .root = ROOT_ETC,
                .old = prepared->old,
                .new = prepared->new,
                .displaced = prepared->displaced,
                .n_displaced = prepared->n_displaced,
                .force = options->force,
                .save_edited = options->save_edited,
                .check_owners = host->owners != NULL,
                .resolve = owners_resolve,
                .userdata = host->owners,
        };
        cleanup_free Sought *sought = NULL;
        size_t n_sought = 0;
        if (fit_plan_seek(input, options->check_all, &sought, &n_sought) < 0)
                return error_oom(reterr);
        int r = packaged_seek(host, prepared, sought, n_sought, reterr);
        if (r >= 0)
                r = scan_new(&host->etc, sought, n_sought, host->contents, &prepared->scan, reterr);
        if (r >= 0)
                r = packaged_judge(host, prepared, reterr);
        if (r < 0)
                return r;
        input->displaced = prepared->displaced;
        input->n_displaced = prepared->n_displaced;
        input->found = prepared->scan->found;
        input->n_found = prepared->scan->n_found;
        r = fit_plan_new(input, &prepared->fit, reterr);
        if (r >= 0)
                r = lib_files_look(host, input, options->check_all, &prepared->lib, prepared->fit,
                                reterr);
        if (r < 0)
                return r;
        const EffectiveInput effective = { .old = prepared->old,
                .new = prepared->new,
                .fit_input = input,
                .lib_input = prepared->lib.scan ? &prepared->lib.input : NULL,
                .fit = prepared->fit };
        return effective_trees(&effective, &prepared->effective, reterr);
}

/* Of a profile of containers no path is the host's. */
static int look_at_nothing(Prepared *prepared, Error *reterr) {
        Tree *nothing = effective_part(&prepared->effective);
        if (!nothing)
                return error_oom(reterr);
        int r = tree_seal(nothing, reterr);
        prepared->fit_input = (FitInput){ .root = ROOT_ETC, .old = nothing, .new = nothing };
        return r < 0 ? r : fit_plan_new(&prepared->fit_input, &prepared->fit, reterr);
}

static PlanInput plan_input_of(const Host *host, const Prepared *prepared) {
        return (PlanInput){
                .before = prepared->effective.before,
                .after = prepared->effective.after,
                .contents = host->contents,
                .states = prepared->states,
                .users = prepared->users.items,
                .n_users = prepared->users.n_items,
                .containers = prepared->insides.items,
                .n_containers = prepared->insides.n_items,
                .debts = prepared->debts,
                .n_debts = prepared->n_debts,
                .distribution = host->distribution ? &prepared->distribution : NULL,
                .kernel = prepared->kernel,
                .module_reasons = prepared->module_reasons,
                .n_module_reasons = prepared->n_module_reasons,
                .initrds = prepared->initrds.planned,
                .n_initrds = prepared->initrds.n_needs,
                .has_no_initrd_maker = prepared->initrds.has_no_maker,
                .states_are_whole = host_has_units(host),
                .everything_off = !host_has_units(host),
                .draft = prepared->draft,
        };
}

/* Returns 1 when something was asked for: what is known already is not asked for again. */
static int ask_unknown(Host *host, Prepared *prepared, Error *reterr) {
        const UnitPlan *units = &prepared->plan->units;
        cleanup_strv Strv ask = { 0 };
        for (size_t i = 0; i < units->n_unknown; i++) {
                const UnitState *known = unit_states_find(prepared->states, units->unknown[i]);
                if (!known || !known->has_relations)
                        if (strv_add(&ask, units->unknown[i]) < 0)
                                return error_oom(reterr);
        }
        if (ask.n_items == 0)
                return 0;
        int r = systemd_read_relations_of(host->systemd, &ask, prepared->states, reterr);
        return r < 0 ? r : 1;
}

/* The plan names what it lacks; ask, and plan again. Each round knows more units than the one
 * before, so this ends. */
static int make_plan(Host *host, Prepared *prepared, const PrepareOptions *options, Error *reterr) {
        for (;;) {
                PlanInput input = plan_input_of(host, prepared);
                input.is_until_boot = options->is_until_boot;
                prepared->plan = plan_free(prepared->plan);
                int r = plan_new(&input, &prepared->plan, reterr);
                if (r < 0 || !host_has_units(host))
                        return r;
                r = ask_unknown(host, prepared, reterr);
                int asked = 0;
                if (r >= 0 && !options->only_looks)
                        asked = insides_ask(&input, prepared->plan, &prepared->insides, reterr);
                if (r < 0 || asked < 0)
                        return r < 0 ? r : asked;
                if (r == 0 && asked == 0)
                        return 0;
        }
}

static bool touches_user_units(const Tree *before, const Tree *after) {
        const Tree *trees[] = { before, after };
        for (size_t i = 0; i < N_ELEMENTS(trees); i++) {
                size_t at = tree_lower_bound(trees[i], ROOT_ETC, "systemd/user/");
                const Entry *entry = at < trees[i]->n_entries ? &trees[i]->entries[at] : NULL;
                if (entry && entry->root == ROOT_ETC &&
                                strncmp(entry->path, "systemd/user/", strlen("systemd/user/")) == 0)
                        return true;
        }
        return false;
}

static int read_states(Host *host, Prepared *prepared, Error *reterr) {
        if (!host_has_units(host))
                return 0;
        prepared->states = unit_states_new();
        if (!prepared->states)
                return error_oom(reterr);
        const PlanInput input = plan_input_of(host, prepared);
        cleanup_strv Strv names = { 0 }, patterns = { 0 };
        int r = plan_concern(&input, &names, &patterns, reterr);
        if (r >= 0)
                r = systemd_read_states(host->systemd, &names, &patterns, prepared->states, reterr);
        if (r >= 0 && touches_user_units(prepared->effective.before, prepared->effective.after))
                r = users_read(&prepared->users, reterr);
        return r;
}

int prepare(Host *host,
                ReferenceTree *target,
                const PrepareOptions *options,
                Prepared **ret_prepared,
                Error *reterr) {
        cleanup(prepared_freep) Prepared *prepared = calloc(1, sizeof(Prepared));
        if (!prepared) {
                reference_tree_done(target);
                return error_oom(reterr);
        }
        prepared->target = *target;
        *target = (ReferenceTree){ .number = -1 };
        prepared->new = prepared->target.tree;
        prepared->draft = plan_draft_new();
        if (!prepared->draft)
                return error_oom(reterr);
        if (host->distribution)
                prepared->distribution = distribution_of(host->distribution);
        int r = host->is_image ? 0 : kernel_running(&prepared->arena, &prepared->kernel, reterr);
        if (r >= 0)
                r = load_old(host, prepared, reterr);
        if (r >= 0)
                r = compare_trees(host, prepared, reterr);
        if (r >= 0 && options->only_looks) {
                if (!prepared->is_same_tree)
                        return 1;
                r = host_connect(host, reterr);
        }
        if (r >= 0)
                r = load_debts(host, prepared, reterr);
        if (r >= 0)
                r = host->is_of_containers ? look_at_nothing(prepared, reterr)
                                           : look_at_files(host, prepared, options, reterr);
        const InitrdsAsk ask = {
                .tree = prepared->new, .active = prepared->old, .makes = options->makes_initrds
        };
        if (r >= 0)
                r = initrds_find(host, &ask, &prepared->arena, &prepared->initrds, reterr);
        if (r >= 0)
                r = followers_add(host, prepared, reterr);
        if (r >= 0 && options->force && !options->only_host && host_has_units(host))
                r = container_edits_add(host, prepared, reterr);
        if (r >= 0)
                r = read_states(host, prepared, reterr);
        if (r >= 0)
                r = make_plan(host, prepared, options, reterr);
        if (r < 0)
                return r;
        *ret_prepared = TAKE(prepared);
        return 0;
}

bool prepared_has_nothing_to_do(const Prepared *prepared) {
        return !prepared->owed_steps && prepared->is_same_tree &&
               prepared->fit->n_operations == 0 && plan_is_empty(prepared->plan);
}
