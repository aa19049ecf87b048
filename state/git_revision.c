/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "state/git_revision.h"

#include "state/git_kept.h"
#include "state/trust.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>

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

/* Who may write any of these decides what a revision means. */
static int check_trust(git_repository *repository, const GitReference *reference, Error *reterr) {
        static const char *const parts[] = { "", "HEAD", "objects", "packed-refs", "refs",
                "refs/heads", "refs/remotes", "refs/tags" };
        if (is_whole_id(reference->revision))
                return 0;
        Trust trust;
        trust_init(&trust);
        for (size_t i = 0; i < N_ELEMENTS(parts); i++) {
                char path[PATH_MAX];
                struct statx status;
                int length = snprintf(path, sizeof(path), "%s%s",
                                git->repository_commondir(repository), parts[i]);
                if (length >= (int) sizeof(path))
                        return error_set_errno(reterr, -ENAMETOOLONG, "%s", reference->name);
                if (statx(AT_FDCWD, path, 0, STATX_BASIC_STATS, &status) < 0)
                        continue;
                const char *what = trust_check(&trust, AT_FDCWD, path, &status);
                if (what)
                        return error_set(reterr, -EPERM,
                                        "%s: %s %s, or name the commit by its whole id",
                                        reference->name, path, what);
        }
        return 0;
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
        if (*ret_repository)
                return check_trust(*ret_repository, reference, reterr);
        int r = git_open(reference, ret_opened, reterr);
        *ret_repository = *ret_opened;
        if (r >= 0 && memory &&
                        git_memory_keep_repository(memory, reference->repository, *ret_opened))
                *ret_opened = NULL;
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
