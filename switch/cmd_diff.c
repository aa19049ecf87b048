/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "diff/file_patch.h"
#include "diff/plan_containers.h"
#include "switch/commands.h"
#include "switch/plan_output.h"
#include "switch/prepare.h"
#include "switch/recovery.h"

#include <errno.h>
#include <string.h>

enum { STATES_MAX_BYTES = 64 * 1024 * 1024 };

typedef struct Diff {
        const Options *options;
        Host *host;
        const char *left, *right;
        /* Of what is compared; the plan is one of these two's. */
        Prepared *prepared;
        ReferenceTree old, new;
        UnitStates *states;
        ContainerStates *containers;
        size_t n_containers;
        Plan *own_plan;
        const Plan *plan;
} Diff;

static void diff_done(Diff *diff) {
        (void) plan_free(diff->own_plan);
        (void) unit_states_free(diff->states);
        container_states_free(diff->containers, diff->n_containers);
        (void) prepared_free(diff->prepared);
        reference_tree_done(&diff->old);
        reference_tree_done(&diff->new);
}

static int read_text(const char *path, Text *text, Error *reterr) {
        cleanup_file FILE *file = fopen(path, "re");
        if (!file)
                return error_set_errno(reterr, -errno, "%s", path);
        char part[65536];
        size_t n;
        while ((n = fread(part, 1, sizeof(part), file)) > 0) {
                text_add_n(text, part, n);
                if (text->length > STATES_MAX_BYTES)
                        return error_set(reterr, -EFBIG, "%s: longer than %d bytes", path,
                                        STATES_MAX_BYTES);
        }
        if (ferror(file))
                return error_set_errno(reterr, -errno, "%s", path);
        return text->error < 0 ? error_oom(reterr) : 0;
}

static int read_states(const char *path, UnitStates **ret_states, Error *reterr) {
        cleanup(text_donep) Text text = { 0 };
        int r = read_text(path, &text, reterr);
        if (r < 0)
                return r;
        return unit_states_from_json(
                        path, text.data ? text.data : "", text.length, ret_states, reterr);
}

static int read_side(Diff *diff, const char *reference, ReferenceTree *ret_tree, Error *reterr) {
        /* what a generation has was rendered by the host's units: the other side is, too, or all
         * its Enable= would differ */
        bool use_distribution =
                        reference_is_generation(diff->left) || reference_is_generation(diff->right);
        return reference_read(diff->host, reference, use_distribution, ret_tree, reterr);
}

/* Both as they are written: nothing is asked of a host. */
static int compare_trees(Diff *diff, Error *reterr) {
        int r = read_side(diff, diff->left, &diff->old, reterr);
        if (r < 0)
                return r;
        r = read_side(diff, diff->right, &diff->new, reterr);
        if (r < 0)
                return r;
        if (diff->options->states) {
                r = read_states(diff->options->states, &diff->states, reterr);
                if (r >= 0)
                        r = container_states_split(diff->states, diff->old.tree, diff->new.tree,
                                        &diff->containers, &diff->n_containers, reterr);
                if (r < 0)
                        return r;
        }
        const PlanInput input = {
                .before = diff->old.tree,
                .after = diff->new.tree,
                .contents = diff->host->contents,
                .states = diff->states,
                .containers = diff->containers,
                .n_containers = diff->n_containers,
        };
        r = plan_new(&input, &diff->own_plan, reterr);
        diff->plan = diff->own_plan;
        return r;
}

/* What a switch would do now: with what is there beneath the active generation, debt, and live
 * states. */
static int compare_with_host(Diff *diff, Error *reterr) {
        int r = host_connect(diff->host, reterr);
        if (r >= 0)
                r = recovery_is_needed(diff->host, reterr);
        if (r < 0)
                return r;
        if (r > 0)
                output_warning("A switch is under way, or was interrupted: this is compared with "
                               "what is there in the middle of it");
        cleanup(reference_tree_donep) ReferenceTree target = { .number = -1 };
        r = read_side(diff, diff->right, &target, reterr);
        if (r < 0)
                return r;
        const PrepareOptions prepare_options = { 0 };
        r = prepare(diff->host, &target, &prepare_options, &diff->prepared, reterr);
        if (r < 0)
                return r;
        diff->plan = diff->prepared->plan;
        return 0;
}

/* profile.conf is no file of the host, so that no plan has it; but what it says is part of a
 * generation. */
static bool find_profile_change(const Diff *diff, TreeChange *ret_change) {
        const Tree *old = diff->prepared ? diff->prepared->old : diff->old.tree;
        const Tree *new = diff->prepared ? diff->prepared->new : diff->new.tree;
        const Entry *before = tree_find(old, ROOT_PROFILE, "profile.conf");
        const Entry *after = tree_find(new, ROOT_PROFILE, "profile.conf");
        if ((!before && !after) || (before && after && entry_equal(before, after)))
                return false;
        *ret_change = (TreeChange){ before, after };
        return true;
}

static int print_json(const Diff *diff, Error *reterr) {
        const Prepared *prepared = diff->prepared;
        const PlanSide active = {
                .profile = diff->host->profile_name,
                .generation = prepared ? prepared->from_number : -1,
        };
        const PlanJsonInput input = {
                .plan = diff->plan,
                .from = prepared ? active : plan_side_of(&diff->old),
                .to = plan_side_of(prepared ? &prepared->target : &diff->new),
                .fit = prepared ? prepared->fit : NULL,
        };
        return print_plan_json(&input, reterr);
}

static int print_text(const Diff *diff, Error *reterr) {
        Output output;
        output_init(&output, diff->options);
        cleanup(text_donep) Text text = { 0 };
        TreeChange profile_change;
        bool profile_changes = find_profile_change(diff, &profile_change);
        add_plan(&output, diff->options, diff->plan, diff->prepared ? diff->prepared->fit : NULL,
                        &text);
        if (text.length > 0 && (diff->plan->n_files > 0 || profile_changes))
                text_add(&text, "\n");
        int r = add_patches(&output, diff->plan, diff->host->contents, &text, reterr);
        if (r >= 0 && profile_changes)
                r = file_patch(diff->host->contents, &profile_change, output.color, &text, reterr);
        return r < 0 ? r : output_show(&output, &text, reterr);
}

static bool is_different(const Diff *diff) {
        TreeChange ignored;
        return !plan_is_empty(diff->plan) || find_profile_change(diff, &ignored);
}

static int run_diff(Diff *diff, bool with_host, Error *reterr) {
        int r = with_host ? compare_with_host(diff, reterr) : compare_trees(diff, reterr);
        if (r < 0)
                return r;
        if (option_is_given(diff->options, OPTION_JSON))
                r = print_json(diff, reterr);
        else if (!option_is_given(diff->options, OPTION_QUIET))
                r = print_text(diff, reterr);
        if (r < 0)
                return r;
        return option_is_given(diff->options, OPTION_EXIT_CODE) && is_different(diff);
}

static int open_host(const Options *options, bool stateless, Host *host, Error *reterr) {
        if (stateless)
                return host_open_stateless(options_root(options), options->profile, host, reterr);
        return host_open(options_root(options), options->profile, DATABASE_READ, host, reterr);
}

int cmd_diff(const Options *options, char **arguments, size_t n_arguments, Error *reterr) {
        const char *left = n_arguments == 2 ? arguments[0] : "@active";
        const char *right = n_arguments > 0 ? arguments[n_arguments - 1] : NULL;
        bool stateless = right && !reference_is_generation(left) && !reference_is_generation(right);
        cleanup(host_donep) Host host;
        int r = open_host(options, stateless, &host, reterr);
        if (r < 0)
                return r;
        cleanup_free char *last = right ? NULL : reference_default(&host);
        if (!right && !last)
                return error_oom(reterr);
        Diff diff = {
                .options = options, .host = &host, .left = left, .right = right ? right : last
        };
        r = run_diff(&diff, strcmp(left, "@active") == 0 && !options->states, reterr);
        diff_done(&diff);
        return r;
}
