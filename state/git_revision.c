/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "state/git_revision.h"

#include "state/git_kept.h"
#include "state/trust.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

int git_fail(const char *name, Error *reterr) {
        const git_error *error = git->error_last();
        const char *text = error && error->message ? error->message : "git cannot read it";
        if (error && error->klass == GIT_ERROR_REPOSITORY)
                return error_set(reterr, -EBADMSG, "%s: libgit2 cannot read this repository: %s",
                                name, text);
        return error_set(reterr, -EBADMSG,
                        "%s: %s (git fsck finds what is damaged; what a partial clone has not, git "
                        "fetch --refetch --no-filter gets)",
                        name, text);
}

static int open_repository(
                const GitReference *reference, git_repository **ret_repository, Error *reterr) {
        int r = git->repository_open_ext(
                        ret_repository, reference->repository, GIT_REPOSITORY_OPEN_CROSS_FS, NULL);
        if (r == GIT_ENOTFOUND && strcmp(reference->repository, ".") != 0)
                return error_set(reterr, -ENOENT, "%s: There is no git repository at or above %s",
                                reference->name, reference->repository);
        if (r == GIT_ENOTFOUND)
                return error_set(reterr, -ENOENT,
                                "%s: There is no git repository at or above %s: name one by -C (a "
                                "directory of that name is ./%s)",
                                reference->name, reference->repository, reference->name);
        return r < 0 ? git_fail(reference->name, reterr) : 0;
}

static bool is_whole_id(const char *revision) {
        return strspn(revision, "0123456789abcdef") == GIT_OID_HEXSZ && !revision[GIT_OID_HEXSZ];
}

typedef struct TrustWalk {
        const GitReference *reference;
        Trust trust;
} TrustWalk;

static int check_path(TrustWalk *walk, const char *path, unsigned depth, Error *reterr);

static int check_below(TrustWalk *walk, const char *directory, unsigned depth, Error *reterr) {
        cleanup_dir DIR *listing = opendir(directory);
        int r = 0;
        if (!listing) /* what we may not read tells nobody anything */
                return errno == ENOMEM ? error_oom(reterr) : 0;
        for (struct dirent *item; r >= 0 && (item = readdir(listing));) {
                cleanup_free char *path = NULL;
                if (strcmp(item->d_name, ".") == 0 || strcmp(item->d_name, "..") == 0)
                        continue;
                if (asprintf(&path, "%s/%s", directory, item->d_name) < 0)
                        return error_oom(reterr);
                r = check_path(walk, path, depth - 1, reterr);
        }
        return r;
}

/* depth: how many directories below it are looked into. */
static int check_path(TrustWalk *walk, const char *path, unsigned depth, Error *reterr) {
        struct statx status;
        if (statx(AT_FDCWD, path, 0, STATX_BASIC_STATS, &status) < 0)
                return 0; /* it is not there */
        const char *what = trust_check(&walk->trust, AT_FDCWD, path, &status);
        if (what)
                return error_set(reterr, -EPERM, "%s: %s %s, or name the commit by its whole id",
                                walk->reference->name, path, what);
        return depth > 0 && S_ISDIR(status.stx_mode) ? check_below(walk, path, depth, reterr) : 0;
}

/* Who may write any of these decides what a revision means: references and what they were before,
 * each in a file of its own, and of a linked work tree all that it has of its own. */
static int check_trust(git_repository *repository, const GitReference *reference, Error *reterr) {
        enum { MAX_DEPTH = 32 };
        static const struct {
                const char *name;
                unsigned depth;
        } parts[] = { { "", 0 }, { "/HEAD", 0 }, { "/FETCH_HEAD", 0 }, { "/ORIG_HEAD", 0 },
                { "/objects", 0 }, { "/packed-refs", 0 }, { "/refs", MAX_DEPTH },
                { "/logs", MAX_DEPTH }, { "/worktrees", 0 } };
        cleanup_free char *common = strdup(git->repository_commondir(repository));
        cleanup_free char *own = strdup(git->repository_path(repository));
        if (is_whole_id(reference->revision))
                return 0;
        if (!common || !own)
                return error_oom(reterr);
        common[strlen(common) - 1] = own[strlen(own) - 1] = 0; /* libgit2 ends them with a slash */
        TrustWalk walk = { .reference = reference };
        trust_init(&walk.trust);
        int r = 0;
        for (size_t i = 0; r >= 0 && i < N_ELEMENTS(parts); i++) {
                cleanup_free char *path = NULL;
                if (asprintf(&path, "%s%s", common, parts[i].name) < 0)
                        return error_oom(reterr);
                r = check_path(&walk, path, parts[i].depth, reterr);
        }
        return r >= 0 && strcmp(common, own) != 0 ? check_path(&walk, own, MAX_DEPTH, reterr) : r;
}

int git_open(const GitReference *reference, git_repository **ret_repository, Error *reterr) {
        int r = open_repository(reference, ret_repository, reterr);
        return r < 0 ? r : check_trust(*ret_repository, reference, reterr);
}

int git_open_shared(const GitReference *reference,
                git_repository **ret_opened,
                git_repository **ret_repository,
                Error *reterr) {
        GitMemory *memory = reference->memory;
        *ret_repository = memory ? git_memory_repository(memory, reference->repository) : NULL;
        bool is_kept = *ret_repository;
        if (is_kept && git_memory_is_trusted(memory))
                return 0;
        int r = is_kept ? check_trust(*ret_repository, reference, reterr)
                        : git_open(reference, ret_opened, reterr);
        if (!is_kept) {
                *ret_repository = *ret_opened;
                is_kept = r >= 0 && memory &&
                          git_memory_keep_repository(memory, reference->repository, *ret_opened);
                if (is_kept)
                        *ret_opened = NULL;
        }
        if (r >= 0 && is_kept && !is_whole_id(reference->revision))
                git_memory_trust(memory);
        return r;
}

int git_find_revision(git_repository *repository,
                const GitReference *reference,
                git_object **ret_object,
                Error *reterr) {
        if (!*reference->revision)
                return error_set(reterr, -EINVAL,
                                "%s: The index is no source: name a revision, as HEAD:%s",
                                reference->name, reference->path);
        int r = git->revparse_single(ret_object, repository, reference->revision);
        if (r == GIT_EAMBIGUOUS)
                return error_set(reterr, -EINVAL,
                                "%s: %s is the beginning of several ids: give "
                                "more of it",
                                reference->name, reference->revision);
        if (r == GIT_ENOTFOUND || r == GIT_EINVALIDSPEC)
                return error_set(reterr, -ENOENT, "%s: No such revision: %s (git log --all)",
                                reference->name, reference->revision);
        return r < 0 ? git_fail(reference->name, reterr) : 0;
}

int git_find_tree(git_repository *repository,
                const char *name,
                const git_object *revision,
                const char *path,
                git_tree **ret_tree,
                Error *reterr) {
        cleanup(object_freep) git_object *root = NULL;
        if (git->object_peel(&root, revision, GIT_OBJECT_TREE) < 0)
                return git_fail(name, reterr);
        cleanup(tree_entry_freep) git_tree_entry *item = NULL;
        const git_oid *id = git->object_id(root);
        if (*path) {
                int r = git->tree_entry_bypath(&item, (const git_tree *) root, path);
                if (r == GIT_ENOTFOUND)
                        return error_set(reterr, -ENOENT, "%s: No such directory in that revision",
                                        name);
                if (r < 0)
                        return git_fail(name, reterr);
                if (git->tree_entry_type(item) != GIT_OBJECT_TREE)
                        return error_set(reterr, -ENOTDIR, "%s: Not a directory in that revision",
                                        name);
                id = git->tree_entry_id(item);
        }
        return git->tree_lookup(ret_tree, repository, id) < 0 ? git_fail(name, reterr) : 0;
}
