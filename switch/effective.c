/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "switch/effective.h"

#include <assert.h>
#include <string.h>

int effective_add_found(Tree *tree, const FitInput *fit, const Found *found, const Entry *like) {
        if (like && fit_is_as_declared(fit, like, found))
                return tree_add(tree, like);
        char uid[16], gid[16];
        (void) snprintf(uid, sizeof(uid), "%u", found->uid); /* fits */
        (void) snprintf(gid, sizeof(gid), "%u", found->gid);
        Entry entry = {
                .root = fit->root,
                .kind = ENTRY_ABSENT,
                .path = found->path,
                .owner = found->uid == 0 ? "root" : uid,
                .group = found->gid == 0 ? "root" : gid,
                .secret = like && like->secret,
        };
        if (found->kind == FOUND_FILE && found->content) {
                entry.kind = ENTRY_FILE;
                entry.mode = found->mode;
                entry.content = found->content;
        } else if (found->kind == FOUND_LINK && found->target) {
                entry.kind = ENTRY_LINK;
                entry.target = found->target;
        } else if (found->kind == FOUND_DIRECTORY) {
                entry.kind = ENTRY_DIRECTORY;
                entry.mode = found->mode;
        }
        return tree_add(tree, &entry);
}

void effective_trees_done(EffectiveTrees *trees) {
        for (size_t i = 0; i < trees->n_parts; i++)
                tree_free(trees->parts[i]);
        *trees = (EffectiveTrees){ 0 };
}

Tree *effective_part(EffectiveTrees *trees) {
        assert(trees->n_parts < N_ELEMENTS(trees->parts));
        Tree *part = tree_new();
        if (part)
                trees->parts[trees->n_parts++] = part;
        return part;
}

/* A tree that holds nothing costs nothing: the other is the result. */
int effective_lay_over(EffectiveTrees *trees,
                const Tree *below,
                const Tree *above,
                const Tree **ret,
                Error *reterr) {
        if (below->n_entries == 0 || above->n_entries == 0) {
                *ret = below->n_entries == 0 ? above : below;
                return 0;
        }
        assert(trees->n_parts < N_ELEMENTS(trees->parts));
        int r = tree_overlay(below, above, &trees->parts[trees->n_parts], reterr);
        if (r < 0)
                return r;
        *ret = trees->parts[trees->n_parts++];
        return 0;
}

/* What of these is at paths that the one tree does not have; like: what the other declares there.
 */
static int add_beneath(Tree *tree,
                const FitInput *fit,
                const Found *found,
                size_t n_found,
                const Tree *over,
                const Tree *like) {
        size_t at = tree_lower_bound(over, fit->root, "");
        for (size_t i = 0; i < n_found; i++) {
                const Entry *entry = NULL;
                int order = 1;
                /* both are sorted by path */
                while (at < over->n_entries && (entry = &over->entries[at])->root == fit->root &&
                                (order = strcmp(entry->path, found[i].path)) < 0)
                        at++;
                if (at < over->n_entries && entry->root == fit->root && order == 0)
                        continue;
                if (found[i].kind == FOUND_NOTHING)
                        continue;
                int r = effective_add_found(
                                tree, fit, &found[i], tree_find(like, fit->root, found[i].path));
                if (r < 0)
                        return r;
        }
        return 0;
}

/* Entries that stay as they are and yet are fitted: missing, or edited and overridden by force. */
static int add_repairs(Tree *tree, const EffectiveInput *input) {
        for (size_t i = 0; i < input->fit->n_operations; i++) {
                const FitOperation *operation = &input->fit->operations[i];
                const Entry *old = tree_find(input->old, operation->root, operation->path);
                const Entry *new = tree_find(input->new, operation->root, operation->path);
                if (!old || !new || operation->verb == FIT_RECORD || !entry_equal(old, new))
                        continue;
                int r = effective_add_found(tree,
                                operation->root == ROOT_LIB ? input->lib_input : input->fit_input,
                                operation->found, NULL);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int make_before(const EffectiveInput *input, EffectiveTrees *trees, Error *reterr) {
        const FitInput *fit = input->fit_input, *lib = input->lib_input;
        Tree *beneath = effective_part(trees), *repairs = effective_part(trees);
        if (!beneath || !repairs)
                return error_oom(reterr);
        int r = add_beneath(beneath, fit, fit->found, fit->n_found, input->old, input->new);
        if (r >= 0 && lib)
                r = add_beneath(beneath, lib, lib->found, lib->n_found, input->old, input->new);
        if (r >= 0)
                r = add_repairs(repairs, input);
        if (r < 0)
                return error_oom(reterr);
        r = tree_seal(beneath, reterr);
        if (r >= 0)
                r = tree_seal(repairs, reterr);
        if (r >= 0)
                r = effective_lay_over(trees, beneath, input->old, &trees->before, reterr);
        return r < 0 ? r
                     : effective_lay_over(trees, trees->before, repairs, &trees->before, reterr);
}

static int make_after(const EffectiveInput *input, EffectiveTrees *trees, Error *reterr) {
        const FitInput *fit = input->fit_input, *lib = input->lib_input;
        Tree *beneath = effective_part(trees);
        if (!beneath)
                return error_oom(reterr);
        int r = add_beneath(beneath, fit, fit->displaced, fit->n_displaced, input->new, input->old);
        if (r >= 0 && lib)
                r = add_beneath(beneath, lib, lib->displaced, lib->n_displaced, input->new,
                                input->old);
        if (r < 0)
                return error_oom(reterr);
        r = tree_seal(beneath, reterr);
        return r < 0 ? r : effective_lay_over(trees, beneath, input->new, &trees->after, reterr);
}

int effective_trees(const EffectiveInput *input, EffectiveTrees *ret_trees, Error *reterr) {
        cleanup(effective_trees_donep) EffectiveTrees trees = { 0 };
        int r = make_before(input, &trees, reterr);
        if (r >= 0)
                r = make_after(input, &trees, reterr);
        if (r < 0)
                return r;
        *ret_trees = trees;
        trees = (EffectiveTrees){ 0 };
        return 0;
}
