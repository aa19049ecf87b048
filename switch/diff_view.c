/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "switch/diff_view.h"

#include "diff/file_patch.h"
#include "diff/glob.h"
#include "diff/plan_markdown.h"
#include "diff/plan_stat.h"
#include "switch/recovery.h"

#include <errno.h>
#include <string.h>

enum { STATES_MAX_BYTES = 64 * 1024 * 1024 };

void diff_done(Diff *diff) {
        free(diff->shown.files);
        (void) plan_free(diff->own_plan);
        (void) live_file_free(diff->live);
        container_states_free(diff->containers, diff->n_containers);
        (void) prepared_free(diff->prepared);
        (void) tree_free(diff->before);
        (void) tree_free(diff->after);
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

/* Those of containers are listed as "CONTAINER:UNIT", or, as the host's own plan has them, not at
 * all. */
static bool lists_containers(const LiveFile *file) {
        size_t position = 0;
        const char *name;
        while (map_next(&file->states->by_name, &position, &name))
                if (strchr(name, ':'))
                        return true;
        return !file->has_distribution;
}

static int read_states(Diff *diff, Error *reterr) {
        const char *path = diff->states;
        cleanup(text_donep) Text text = { 0 };
        int r = path ? read_text(path, &text, reterr) : 0;
        if (r >= 0 && path)
                r = live_file_parse(path, text.data ? text.data : "", text.length,
                                diff->host->contents, &diff->live, reterr);
        if (r >= 0 && diff->live && diff->live->has_distribution)
                diff->host->elsewhere = diff->live;
        return r;
}

static int read_nothing(ReferenceTree *ret_tree, Error *reterr) {
        cleanup(reference_tree_donep)
                        ReferenceTree tree = { .name = strdup("nothing"), .number = -1 };
        tree.tree = tree_new();
        if (!tree.name || !tree.tree)
                return error_oom(reterr);
        int r = tree_seal(tree.tree, reterr);
        if (r < 0)
                return r;
        *ret_tree = tree;
        tree = (ReferenceTree){ 0 };
        return 0;
}

static int read_side(Diff *diff, const char *reference, ReferenceTree *ret_tree, Error *reterr) {
        if (!reference)
                return read_nothing(ret_tree, reterr);
        /* what a generation has was rendered by the host's units: the other side is, too, or all
         * its Enable= would differ */
        bool use_distribution = (diff->left && reference_is_generation(diff->left)) ||
                                (diff->right && reference_is_generation(diff->right));
        return reference_read(diff->host, reference, use_distribution, ret_tree, reterr);
}

int diff_compare_trees(Diff *diff, Error *reterr) {
        int r = read_states(diff, reterr);
        output_hold_warnings();
        if (r >= 0)
                r = read_side(diff, diff->left, &diff->old, reterr);
        output_release_warnings(false); /* what the new one has is of interest */
        if (r >= 0)
                r = read_side(diff, diff->right, &diff->new, reterr);
        LiveFile *live = diff->live;
        if (r >= 0 && live && lists_containers(live))
                r = container_states_split(live->states, diff->old.tree, diff->new.tree,
                                &diff->containers, &diff->n_containers, reterr);
        if (r < 0)
                return r;
        if (live) {
                r = live_file_lay_under(live, diff->old.tree, diff->new.tree, &diff->before,
                                &diff->after, reterr);
                if (r < 0)
                        return r;
        }
        Distribution distribution;
        if (diff->host->elsewhere)
                distribution = live_file_distribution(diff->host->elsewhere);
        const PlanInput input = {
                .before = diff->before ? diff->before : diff->old.tree,
                .after = diff->after ? diff->after : diff->new.tree,
                .contents = diff->host->contents,
                .states = live ? live->states : NULL,
                .users = live ? live->users : NULL,
                .n_users = live ? live->n_users : 0,
                .containers = diff->containers,
                .n_containers = diff->n_containers,
                .debts = live ? live->debts : NULL,
                .n_debts = live ? live->n_debts : 0,
                .distribution = diff->host->elsewhere ? &distribution : NULL,
                .live_initrds = diff->host->elsewhere ? &diff->host->elsewhere->initrds : NULL,
                .states_are_whole = diff->host->elsewhere != NULL,
        };
        r = plan_new(&input, &diff->own_plan, reterr);
        diff->plan = diff->own_plan;
        return r;
}

int diff_compare_with_host(Diff *diff, Error *reterr) {
        int r = host_connect(diff->host, reterr);
        if (r == -ENOENT)
                return error_set(reterr, r,
                                "No systemd runs here that could be compared with: name both "
                                "sides, as main:hosts/edge1 HEAD:hosts/edge1, or use --root=DIR");
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
        const PrepareOptions prepare_options = { .makes_initrds = true };
        r = prepare(diff->host, &target, &prepare_options, &diff->prepared, reterr);
        if (r < 0)
                return r;
        diff->plan = diff->prepared->plan;
        return 0;
}

/* profile.conf is no file of the host, so that no plan has it; but what it says is part of a
 * generation, and a reviewer is shown it with the files. */
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

int diff_to_json(const Diff *diff, char **ret_json, Error *reterr) {
        const Prepared *prepared = diff->prepared;
        const PlanSide active = {
                .profile = diff->host->profile_name,
                .generation = prepared ? prepared->from_number : -1,
        };
        const PlanJsonInput input = {
                .plan = &diff->shown,
                .from = prepared ? active : plan_side_of(&diff->old),
                .to = plan_side_of(prepared ? &prepared->target : &diff->new),
                .fit = prepared ? prepared->fit : NULL,
        };
        return plan_to_json(&input, ret_json, reterr);
}

static bool takes(const char *wanted, const char *path) {
        size_t length = strlen(wanted);
        while (length > 0 && wanted[length - 1] == '/')
                length--;
        return glob_match(wanted, path) ||
               (strncmp(wanted, path, length) == 0 && (!path[length] || path[length] == '/'));
}

static bool is_shown(const Diff *diff, const char *path) {
        for (size_t i = 0; i < diff->n_paths; i++)
                if (takes(diff->paths[i], path))
                        return true;
        return diff->n_paths == 0;
}

/* Returns 1: the tree has something of it. */
static int is_of_tree(const char *wanted, const Tree *tree, Error *reterr) {
        for (size_t i = 0; i < tree->n_entries; i++) {
                const Entry *entry = &tree->entries[i];
                cleanup_free char *path = NULL;
                if (asprintf(&path, "%s%s", entry_root_prefix(entry->root), entry->path) < 0)
                        return error_oom(reterr);
                if (takes(wanted, path))
                        return 1;
        }
        return 0;
}

int diff_has_path(const Diff *diff, const char *path, Error *reterr) {
        const Prepared *prepared = diff->prepared;
        int r = is_of_tree(path, prepared ? prepared->old : diff->old.tree, reterr);
        return r != 0 ? r : is_of_tree(path, prepared ? prepared->new : diff->new.tree, reterr);
}

int diff_refuse_path(const char *path, Error *reterr) {
        return error_set(reterr, -ENOENT,
                        "%s: Neither side has such a file; behind A and B there are paths, as "
                        "/etc/motd or /etc/nginx",
                        path);
}

int diff_choose_files(Diff *diff, Error *reterr) {
        diff->shown = *diff->plan;
        diff->shown.files = calloc(diff->plan->n_files + 2, sizeof(TreeChange));
        if (!diff->shown.files)
                return error_oom(reterr);
        diff->shown.n_files = 0;
        for (size_t i = 0; i < diff->plan->n_files; i++) {
                const TreeChange *change = &diff->plan->files[i];
                const Entry *entry = change->after ? change->after : change->before;
                cleanup_free char *path = NULL;
                if (asprintf(&path, "%s%s", entry_root_prefix(entry->root), entry->path) < 0)
                        return error_oom(reterr);
                if (is_shown(diff, path))
                        diff->shown.files[diff->shown.n_files++] = *change;
        }
        TreeChange profile_change;
        if (diff->options->format != FORMAT_JSON && is_shown(diff, "profile.conf") &&
                        find_profile_change(diff, &profile_change))
                diff->shown.files[diff->shown.n_files++] = profile_change;
        return 0;
}

int diff_add_text(const Diff *diff, const Output *output, Text *text, Error *reterr) {
        Contents *contents = diff->host->contents;
        if (option_is_given(diff->options, OPTION_NAME_ONLY)) {
                plan_to_names(&diff->shown, text);
                return 0;
        }
        if (option_is_given(diff->options, OPTION_STAT))
                return plan_to_stat(&diff->shown, contents, output->color, text, reterr);
        add_plan(output, diff->options, &diff->shown, diff->prepared ? diff->prepared->fit : NULL,
                        text);
        if (text->length > 0 && diff->shown.n_files > 0)
                text_add(text, "\n");
        return add_patches(output, &diff->shown, contents, text, reterr);
}

int diff_add_markdown(const Diff *diff, const char *title, Text *text, Error *reterr) {
        return plan_to_markdown(&diff->shown, diff->host->contents, title, text, reterr);
}

bool diff_is_different(const Diff *diff) {
        TreeChange ignored;
        return !plan_is_empty(diff->plan) || find_profile_change(diff, &ignored);
}
