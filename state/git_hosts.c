/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "state/git_hosts.h"

#include "base/map.h"
#include "base/path.h"
#include "base/strv.h"
#include "diff/glob.h"
#include "diff/profile_conf.h"
#include "state/git_revision.h"

#include <errno.h>
#include <string.h>

typedef enum Side { OLD, NEW, N_SIDES } Side;

typedef struct Comparison {
        const GitReference *references[N_SIDES];
        git_repository *repository;
        git_object *roots[N_SIDES]; /* trees */
        Contents *contents;
        Arena arena;
        Map ids[N_SIDES]; /* host -> git_oid */
        Map same;         /* directory -> "": equal, its layers too; "x": not */
        Strv found;
} Comparison;

static char equal[] = "", differs[] = "x";

static unsigned count_slashes(const char *text) {
        unsigned n = 0;
        for (; *text; text++)
                n += *text == '/';
        return n;
}

static int note_host(
                Comparison *comparison, Side side, const char *path, const git_tree_entry *item) {
        git_oid *id = arena_memdup(&comparison->arena, git->tree_entry_id(item), sizeof(git_oid));
        if (!id || map_put(&comparison->ids[side], path, id) < 0)
                return -ENOMEM;
        return strv_add(&comparison->found, path);
}

/* The directories below, as deep as the pattern has parts, that match it. */
static int find_below(Comparison *comparison,
                Side side,
                const git_tree *tree,
                const char *prefix,
                Error *reterr) {
        const GitReference *reference = comparison->references[side];
        bool is_deep = count_slashes(prefix) == count_slashes(reference->path);
        for (size_t i = 0; i < git->tree_entrycount(tree); i++) {
                const git_tree_entry *item = git->tree_entry_byindex(tree, i);
                const char *path = arena_printf(
                                &comparison->arena, "%s%s", prefix, git->tree_entry_name(item));
                const char *below = path ? arena_printf(&comparison->arena, "%s/", path) : NULL;
                if (!below)
                        return error_oom(reterr);
                if (git->tree_entry_type(item) != GIT_OBJECT_TREE)
                        continue;
                if (is_deep) {
                        int r = glob_match(reference->path, path)
                                                ? note_host(comparison, side, path, item)
                                                : 0;
                        if (r < 0)
                                return error_oom(reterr);
                        continue;
                }
                cleanup(tree_freep) git_tree *inner = NULL;
                if (git->tree_lookup(&inner, comparison->repository, git->tree_entry_id(item)) < 0)
                        return git_fail(path, reterr);
                int r = find_below(comparison, side, inner, below, reterr);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* The tree at a path; NULL: there is none. What cannot be read is told when the host is. A host's
 * is known from the listing, as to look it up each time would read the listing each time. */
static const git_oid *tree_at(Comparison *comparison, Side side, const char *path) {
        const git_oid *known = map_get(&comparison->ids[side], path);
        cleanup(tree_entry_freep) git_tree_entry *item = NULL;
        const git_tree *root = (const git_tree *) comparison->roots[side];
        if (known || git->tree_entry_bypath(&item, root, path) < 0)
                return known;
        return git->tree_entry_type(item) == GIT_OBJECT_TREE
                               ? arena_memdup(&comparison->arena, git->tree_entry_id(item),
                                                 sizeof(git_oid))
                               : NULL;
}

static int is_same(Comparison *comparison, const char *path, bool *ret_same, Error *reterr);

/* Do all that a profile.conf names in Base= not differ? directory: the one that it lies in, tree:
 * that one. */
static int bases_are_same(Comparison *comparison,
                const char *directory,
                const git_tree *tree,
                bool *same,
                Error *reterr) {
        cleanup(tree_entry_freep) git_tree_entry *item = NULL;
        cleanup(blob_freep) git_blob *blob = NULL;
        if (git->tree_entry_bypath(&item, tree, "profile.conf") < 0 ||
                        git->tree_entry_type(item) != GIT_OBJECT_BLOB)
                return 0;
        if (git->blob_lookup(&blob, comparison->repository, git->tree_entry_id(item)) < 0)
                return git_fail(directory, reterr);
        Content *content = NULL;
        const ProfileConf *conf = NULL;
        Error ignored;
        int r = contents_add(comparison->contents, git->blob_rawcontent(blob),
                        (size_t) git->blob_rawsize(blob), &content, reterr);
        if (r < 0)
                return r;
        if (profile_conf_parse(&comparison->arena, directory, comparison->contents, content, &conf,
                            &ignored) < 0) {
                *same = false; /* it is refused when it is read */
                return 0;
        }
        for (size_t i = 0; r >= 0 && *same && i < conf->n_bases; i++) {
                cleanup_free char *whole = NULL, *target = NULL;
                if (asprintf(&whole, "%s/%s", directory, conf->bases[i].path) < 0 ||
                                !(target = path_normalize(whole)))
                        return error_oom(reterr);
                r = is_same(comparison, target, same, reterr);
        }
        return r;
}

static int containers_are_same(Comparison *comparison,
                const char *directory,
                const git_tree *tree,
                bool *same,
                Error *reterr) {
        cleanup(tree_entry_freep) git_tree_entry *item = NULL;
        cleanup(tree_freep) git_tree *containers = NULL;
        if (git->tree_entry_bypath(&item, tree, "containers") < 0 ||
                        git->tree_entry_type(item) != GIT_OBJECT_TREE)
                return 0;
        if (git->tree_lookup(&containers, comparison->repository, git->tree_entry_id(item)) < 0)
                return git_fail(directory, reterr);
        int r = 0;
        for (size_t i = 0; r >= 0 && *same && i < git->tree_entrycount(containers); i++) {
                const git_tree_entry *inner = git->tree_entry_byindex(containers, i);
                cleanup(tree_freep) git_tree *inside = NULL;
                if (git->tree_entry_type(inner) != GIT_OBJECT_TREE)
                        continue;
                const char *path = arena_printf(&comparison->arena, "%s/containers/%s", directory,
                                git->tree_entry_name(inner));
                if (!path)
                        return error_oom(reterr);
                if (git->tree_lookup(&inside, comparison->repository, git->tree_entry_id(inner)) <
                                0)
                        return git_fail(path, reterr);
                r = bases_are_same(comparison, path, inside, same, reterr);
        }
        return r;
}

static int layers_are_same(Comparison *comparison,
                const char *path,
                const git_oid *id,
                bool *same,
                Error *reterr) {
        cleanup(tree_freep) git_tree *tree = NULL;
        if (git->tree_lookup(&tree, comparison->repository, id) < 0)
                return git_fail(path, reterr);
        int r = bases_are_same(comparison, path, tree, same, reterr);
        return r >= 0 && *same ? containers_are_same(comparison, path, tree, same, reterr) : r;
}

/* Its tree is one object in both, and so are those of all layers. */
static int is_same(Comparison *comparison, const char *path, bool *ret_same, Error *reterr) {
        const char *known = map_get(&comparison->same, path);
        if (known) {
                *ret_same = !*known;
                return 0;
        }
        const git_oid *old = tree_at(comparison, OLD, path), *new = tree_at(comparison, NEW, path);
        const char *key = arena_strdup(&comparison->arena, path);
        bool same = old && new && git->oid_equal(old, new);
        /* before its bases are looked at: they may lead back here, which is told when it is read */
        if (!key || map_put(&comparison->same, key, same ? equal : differs) < 0)
                return error_oom(reterr);
        int r = same ? layers_are_same(comparison, path, new, &same, reterr) : 0;
        if (r >= 0 && map_put(&comparison->same, key, same ? equal : differs) < 0)
                r = error_oom(reterr);
        *ret_same = same;
        return r;
}

static int judge(Comparison *comparison, const char *path, GitHost *host, Error *reterr) {
        const git_oid *old = tree_at(comparison, OLD, path), *new = tree_at(comparison, NEW, path);
        bool same = false;
        int r = old && new ? is_same(comparison, path, &same, reterr) : 0;
        host->change = !old   ? GIT_HOST_ADDED
                       : !new ? GIT_HOST_REMOVED
                       : same ? GIT_HOST_SAME
                              : GIT_HOST_CHANGED;
        return r;
}

static int judge_all(Comparison *comparison, GitHosts *hosts, Error *reterr) {
        Strv *found = &comparison->found;
        strv_sort(found);
        hosts->items = calloc(found->n_items + 1, sizeof(GitHost));
        if (!hosts->items)
                return error_oom(reterr);
        for (size_t i = 0; i < found->n_items; i++) {
                if (i > 0 && strcmp(found->items[i - 1], found->items[i]) == 0)
                        continue;
                GitHost *host = &hosts->items[hosts->n_items];
                int r = judge(comparison, found->items[i], host, reterr);
                host->path = r < 0 ? NULL : strdup(found->items[i]);
                if (r < 0)
                        return r;
                if (!host->path)
                        return error_oom(reterr);
                hosts->n_items++;
        }
        return 0;
}

static int find_hosts(Comparison *comparison, Side side, Error *reterr) {
        const GitReference *reference = comparison->references[side];
        cleanup(object_freep) git_object *revision = NULL;
        int r = git_find_revision(comparison->repository, reference, &revision, reterr);
        if (r < 0)
                return r;
        if (git->object_peel(&comparison->roots[side], revision, GIT_OBJECT_TREE) < 0)
                return git_fail(reference->name, reterr);
        return find_below(comparison, side, (const git_tree *) comparison->roots[side], "", reterr);
}

static int compare(Comparison *comparison, GitHosts *hosts, Error *reterr) {
        int r = git_open(comparison->references[OLD], &comparison->repository, reterr);
        for (Side side = 0; r >= 0 && side < N_SIDES; side++)
                r = find_hosts(comparison, side, reterr);
        return r < 0 ? r : judge_all(comparison, hosts, reterr);
}

int git_hosts_compare(const GitReference *old,
                const GitReference *new,
                Contents *contents,
                GitHosts *ret_hosts,
                Error *reterr) {
        cleanup(git_hosts_donep) GitHosts hosts = { 0 };
        Comparison comparison = { .references = { old, new }, .contents = contents };
        if (!git_begin())
                return error_set(reterr, -EOPNOTSUPP,
                                "%s: Sources in git need libgit2, which is not installed",
                                old->name);
        int r = compare(&comparison, &hosts, reterr);
        for (Side side = 0; side < N_SIDES; side++)
                if (comparison.roots[side])
                        git->object_free(comparison.roots[side]);
        if (comparison.repository)
                git->repository_free(comparison.repository);
        git_end();
        map_done(&comparison.ids[OLD]);
        map_done(&comparison.ids[NEW]);
        map_done(&comparison.same);
        strv_done(&comparison.found);
        arena_done(&comparison.arena);
        if (r < 0)
                return r;
        *ret_hosts = hosts;
        hosts = (GitHosts){ 0 };
        return 0;
}

void git_hosts_done(GitHosts *hosts) {
        for (size_t i = 0; i < hosts->n_items; i++)
                free(hosts->items[i].path);
        free(hosts->items);
        *hosts = (GitHosts){ 0 };
}
