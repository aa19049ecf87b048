/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "switch/owner_needs.h"

#include "activate/owner.h"
#include "diff/glob.h"
#include "diff/profile_conf.h"

#include <errno.h>
#include <string.h>

typedef struct Needs {
        const Host *host;
        Prepared *prepared;
        const ProfileConf *conf;
        Problem *problems;
        size_t n_problems;
} Needs;

static bool makes_users(const Tree *tree) {
        static const char directory[] = "sysusers.d/";
        size_t at = tree_lower_bound(tree, ROOT_ETC, directory);
        return at < tree->n_entries && tree->entries[at].root == ROOT_ETC &&
               strncmp(tree->entries[at].path, directory, strlen(directory)) == 0;
}

/* The Owner= that counts, as render() applies them; NULL: none says it. */
static const FileRule *rule_of(const ProfileConf *conf, const Entry *entry, bool is_group) {
        const FileRule *rule = NULL;
        for (size_t i = 0; entry->root == ROOT_ETC && i < conf->n_files; i++) {
                const FileRule *file = &conf->files[i];
                bool is_of_it = glob_is_pattern(file->path)
                                                ? entry->kind == ENTRY_FILE &&
                                                                  glob_match(file->path,
                                                                                  entry->path)
                                                : strcmp(file->path, entry->path) == 0;
                if (is_of_it && (is_group ? file->group : file->owner))
                        rule = file;
        }
        return rule;
}

/* "/src/profile.conf:7: Owner=USER for /etc/FILE", "/etc/FILE: Owner=USER". */
static const char *describe(
                const Needs *needs, const Entry *entry, const char *path, bool is_group) {
        Arena *arena = &needs->prepared->arena;
        const FileRule *rule = rule_of(needs->conf, entry, is_group);
        const char *name = is_group ? entry->group : entry->owner, *colon = is_group ? ":" : "";
        if (!rule)
                return arena_printf(arena, "%s: Owner=%s%s", path, colon, name);
        char where[SOURCE_MAX_PATH_BYTES * 2];
        const char *place = profile_conf_place(arena, needs->conf, rule->owner_line);
        if (!place)
                return NULL;
        reference_file_name(&needs->prepared->target, place, where, sizeof(where));
        return arena_printf(arena, "%s: Owner=%s%s of %s", where, colon, name, path);
}

static int look(Needs *needs, const Entry *entry, bool is_group) {
        Arena *arena = &needs->prepared->arena;
        uint32_t uid, gid;
        if (owners_resolve(needs->host->owners, is_group ? "root" : entry->owner,
                            is_group ? entry->group : "root", &uid, &gid) != -ESRCH)
                return 0;
        const char *path = arena_printf(arena, "%s%s", entry_root_prefix(entry->root), entry->path);
        const char *what = path ? describe(needs, entry, path, is_group) : NULL;
        const char *message = what ? arena_printf(arena,
                                                     "%s: There is no such %s: make it, or declare "
                                                     "it in etc/sysusers.d/",
                                                     what, is_group ? "group" : "user")
                                   : NULL;
        if (!message)
                return -ENOMEM;
        needs->problems[needs->n_problems++] =
                        (Problem){ .kind = PROBLEM_OWNER, .subject = path, .message = message };
        return 0;
}

int owner_needs_find(const Host *host,
                Prepared *prepared,
                Problem **ret_problems,
                size_t *ret_n_problems,
                Error *reterr) {
        Needs needs = { .host = host, .prepared = prepared };
        const FitPlan *fit = prepared->fit;
        if (!host->owners || makes_users(prepared->new))
                return 0;
        int r = profile_conf_of(
                        &prepared->arena, prepared->new, host->contents, &needs.conf, reterr);
        if (r < 0)
                return r;
        needs.problems = arena_new(&prepared->arena, Problem, fit->n_operations * 2 + 1);
        if (!needs.problems)
                return error_oom(reterr);
        for (size_t i = 0; i < fit->n_operations; i++) {
                const Entry *entry = fit->operations[i].entry;
                if (entry && (look(&needs, entry, false) < 0 || look(&needs, entry, true) < 0))
                        return error_oom(reterr);
        }
        *ret_problems = needs.problems;
        *ret_n_problems = needs.n_problems;
        return 0;
}
