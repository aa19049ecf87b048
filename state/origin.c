/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "state/origin.h"

#include "base/path.h"
#include "base/strv.h"
#include "state/git_objects.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

/* What git cannot tell, for whatever reason, is left empty: a switch does not fail for it. So git's
 * errors end here. */

void origin_done(Origin *origin) {
        free(origin->path);
        free(origin->commit);
        free(origin->subject);
        free(origin->author);
        *origin = (Origin){ 0 };
}

/* The directory's path in the work tree, "" for its top; NULL: outside, as core.worktree may say.
 */
static const char *path_in_work_tree(git_repository *repository, const char *path) {
        const char *work_tree = git->repository_workdir(repository);
        cleanup_free char *top = work_tree ? realpath(work_tree, NULL) : NULL;
        size_t length = top ? strlen(top) : 0;
        if (!top || strncmp(path, top, length) != 0)
                return NULL;
        if (!path[length])
                return "";
        return path[length] == '/' ? path + length + 1 : strcmp(top, "/") == 0 ? path + 1 : NULL;
}

typedef struct Asked {
        const char *const *layers;
        size_t n_layers;
} Asked;

/* Asks for these directories only, and does not write the index: it may be another user's. */
static bool differ_from_head(git_repository *repository, const Strv *paths) {
        git_status_options options;
        (void) git->status_options_init(
                        &options, GIT_STATUS_OPTIONS_VERSION); /* fails for unknown versions only */
        options.show = GIT_STATUS_SHOW_INDEX_AND_WORKDIR;
        options.flags = GIT_STATUS_OPT_INCLUDE_UNTRACKED | GIT_STATUS_OPT_DISABLE_PATHSPEC_MATCH |
                        GIT_STATUS_OPT_EXCLUDE_SUBMODULES;
        options.pathspec = (git_strarray){ .strings = paths->items, .count = paths->n_items };
        for (size_t i = 0; i < paths->n_items; i++)
                if (!*paths->items[i])
                        options.pathspec.count = 0; /* the whole */
        cleanup(status_list_freep) git_status_list *list = NULL;
        if (git->status_list_new(&list, repository, &options) < 0)
                return true; /* not known to be clean */
        return git->status_list_entrycount(list) > 0;
}

/* Of the source and its layers, in the work tree. */
static int list_paths(const char *path, const Asked *asked, Strv *ret_paths) {
        if (strv_add(ret_paths, path) < 0)
                return -ENOMEM;
        for (size_t i = 0; i < asked->n_layers; i++) {
                cleanup_free char *whole = NULL, *normal = NULL;
                if (asprintf(&whole, "%s/%s", path, asked->layers[i]) < 0)
                        return -ENOMEM;
                normal = path_normalize(*whole == '/' ? whole + 1 : whole);
                if (!normal || strv_add(ret_paths, normal) < 0)
                        return -ENOMEM;
        }
        return 0;
}

static int read_head(git_repository *repository, const Asked *asked, Origin *origin) {
        cleanup(object_freep) git_object *head = NULL;
        const char *path = path_in_work_tree(repository, origin->path);
        if (!path || git->revparse_single(&head, repository, "HEAD^{commit}") < 0)
                return 0;
        cleanup(commit_freep) git_commit *commit = NULL;
        if (git->commit_lookup(&commit, repository, git->object_id(head)) < 0)
                return 0;
        cleanup(strv_donep) Strv paths = { 0 };
        int r = list_paths(path, asked, &paths);
        if (r >= 0)
                r = origin_set_commit(commit, origin);
        if (r >= 0)
                origin->is_dirty = differ_from_head(repository, &paths);
        return r;
}

/* Asked before libgit2 is: that one reads all certificates of the machine when it starts. */
static bool has_git_above(const char *path) {
        char probe[PATH_MAX + sizeof("/.git")];
        size_t length = strlen(path);
        if (length >= PATH_MAX)
                return false;
        memcpy(probe, path, length);
        for (;;) {
                memcpy(probe + length, "/.git", sizeof("/.git"));
                if (access(probe, F_OK) == 0)
                        return true;
                if (length == 0)
                        return false;
                do
                        length--;
                while (length > 0 && probe[length] != '/');
        }
}

static int ask_git(const Asked *asked, Origin *origin) {
        if (!has_git_above(origin->path))
                return 0;
        if (!git_begin())
                return 0;
        int r = 0;
        {
                cleanup(repository_freep) git_repository *repository = NULL;
                if (git->repository_open_ext(&repository, origin->path,
                                    GIT_REPOSITORY_OPEN_CROSS_FS, NULL) >= 0)
                        r = read_head(repository, asked, origin);
        }
        git_end();
        return r;
}

int origin_of_directory(const char *path,
                const char *const *layers,
                size_t n_layers,
                Origin *ret_origin,
                Error *reterr) {
        const Asked asked = { layers, n_layers };
        cleanup(origin_donep) Origin origin = { .path = realpath(path, NULL) };
        if (!origin.path)
                return error_set_errno(reterr, -errno, "%s", path);
        if (ask_git(&asked, &origin) < 0)
                return error_oom(reterr);
        *ret_origin = origin;
        origin = (Origin){ 0 };
        return 0;
}
