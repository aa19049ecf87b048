/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "switch/followers.h"

#include "diff/container.h"
#include "diff/profile_conf.h"
#include "state/generation.h"
#include "state/profile.h"

#include <errno.h>
#include <string.h>

/* What a profile says, loaded once however many follow it. */
typedef struct Followed {
        const char *profile;
        Tree *tree; /* owned */
        struct Followed *next;
} Followed;

typedef struct Followers {
        Host *host;
        Arena *arena;
        EffectiveTrees *trees;
        Followed *followed;
} Followers;

static void followers_done(Followers *followers) {
        for (Followed *each = followers->followed; each; each = each->next)
                each->tree = tree_free(each->tree);
}

static int load(Followers *followers, const char *profile, const Tree **ret_tree, Error *reterr) {
        Host *host = followers->host;
        for (const Followed *each = followers->followed; each; each = each->next)
                if (strcmp(each->profile, profile) == 0) {
                        *ret_tree = each->tree;
                        return 0;
                }
        cleanup(profile_donep) Profile line = { 0 };
        Followed *followed = arena_new(followers->arena, Followed, 1);
        if (!followed)
                return error_oom(reterr);
        int r = profile_load(host->database, profile, &line, reterr);
        if (r >= 0)
                r = generation_load(host->database, profile, line.default_number, host->contents,
                                &followed->tree, reterr);
        if (r < 0)
                return error_prefix(reterr, "Profile %s", profile);
        followed->profile = profile;
        followed->next = followers->followed;
        followers->followed = followed;
        *ret_tree = followed->tree;
        return 0;
}

/* own: of the profile that is switched, on this side of the switch. */
static int
place(Followers *followers, const Tree *tree, const Tree *own, Tree *placed, Error *reterr) {
        const Host *host = followers->host;
        const ProfileConf *conf;
        int r = profile_conf_of(followers->arena, tree, host->contents, &conf, reterr);
        for (size_t i = 0; r >= 0 && i < conf->n_containers; i++) {
                const ContainerRule *rule = &conf->containers[i];
                const Tree *inside = own;
                if (!rule->profile || !container_settings(tree, rule->name))
                        continue;
                if (!own || strcmp(rule->profile, host->profile_name) != 0)
                        r = load(followers, rule->profile, &inside, reterr);
                if (r >= 0 && container_place(placed, rule->name, inside) < 0)
                        r = error_oom(reterr);
        }
        return r < 0 ? r : tree_seal(placed, reterr);
}

static int complete(Followers *followers, const Tree *own, const Tree **tree, Error *reterr) {
        EffectiveTrees *trees = followers->trees;
        Tree *placed = effective_part(trees);
        if (!placed)
                return error_oom(reterr);
        int r = place(followers, *tree, own, placed, reterr);
        return r < 0 ? r : effective_lay_over(trees, *tree, placed, tree, reterr);
}

/* Its hooks are for what changes on the host. */
static int load_host(Followers *followers, Error *reterr) {
        Host *host = followers->host;
        EffectiveTrees *trees = followers->trees;
        cleanup(tree_freep) Tree *all = NULL;
        cleanup(profile_donep) Profile profile = { 0 };
        Tree *tree = effective_part(trees);
        int r = tree ? 0 : error_oom(reterr);
        if (r >= 0 && host->database)
                r = profile_load(host->database, "system", &profile, reterr);
        if (r >= 0 && host->database)
                r = generation_load(host->database, "system", profile.active, host->contents, &all,
                                reterr);
        for (size_t i = 0; r >= 0 && all && i < all->n_entries; i++)
                if (all->entries[i].root != ROOT_HOOKS && tree_add(tree, &all->entries[i]) < 0)
                        r = error_oom(reterr);
        if (r >= 0)
                r = tree_seal(tree, reterr);
        trees->before = trees->after = tree;
        return r;
}

int followers_add(Host *host, Prepared *prepared, Error *reterr) {
        cleanup(followers_done) Followers followers = {
                .host = host, .arena = &prepared->arena, .trees = &prepared->effective
        };
        bool is_own = host->is_of_containers;
        int r = is_own ? load_host(&followers, reterr) : 0;
        if (r < 0 || !host->database)
                return r;
        r = complete(&followers, is_own ? prepared->old : NULL, &prepared->effective.before,
                        reterr);
        if (r < 0)
                return r;
        return complete(&followers, is_own ? prepared->new : NULL, &prepared->effective.after,
                        reterr);
}

int followers_note(const Host *host, Prepared *prepared, Error *reterr) {
        Plan *plan = prepared->plan;
        const ProfileConf *conf;
        if (!host->is_of_containers)
                return 0;
        int r = profile_conf_of(
                        &prepared->arena, prepared->effective.after, host->contents, &conf, reterr);
        for (size_t i = 0; r >= 0 && i < conf->n_containers; i++) {
                const ContainerRule *rule = &conf->containers[i];
                if (rule->profile && strcmp(rule->profile, host->profile_name) == 0 &&
                                container_settings(prepared->effective.after, rule->name))
                        return 0;
        }
        if (r < 0)
                return r;
        const char *note = arena_printf(&plan->arena,
                        "No container follows %s: name it in profile.conf of the host, [Container] "
                        "Name=NAME and Profile=%s",
                        host->profile_name, host->profile_name);
        return note && plan_add_note(plan, &plan->units, note) >= 0 ? 0 : error_oom(reterr);
}

int followers_load(Host *host, const char *container, Tree **ret_inside, Error *reterr) {
        cleanup(arena_donep) Arena arena = { 0 };
        Followers followers = { .host = host, .arena = &arena };
        const ProfileConf *conf;
        const Tree *tree;
        int r = host_active_tree(host, &tree, reterr);
        if (r >= 0 && !container_settings(tree, container))
                return error_set(reterr, -ENOENT, "Container %s is not declared", container);
        if (r >= 0)
                r = profile_conf_of(&arena, tree, host->contents, &conf, reterr);
        if (r < 0)
                return r;
        const ContainerRule *rule = container_rule(conf, container);
        if (!rule || !rule->profile)
                return container_inside(tree, container, ret_inside, reterr);
        const Tree *inside; /* the caller's from here on */
        r = load(&followers, rule->profile, &inside, reterr);
        if (r >= 0)
                *ret_inside = followers.followed->tree;
        return r;
}
