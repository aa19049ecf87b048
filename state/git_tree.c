/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "state/git_tree.h"

#include "base/path.h"
#include "state/git_kept.h"
#include "state/git_revision.h"
#include "state/layer_walk.h"
#include "state/source_walk.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>

typedef struct GitWalk {
        SourceWalk source;
        git_repository *repository;
        git_odb *objects;
        const git_object *revision;
        const char *path;  /* of the source, in the revision's tree */
        GitMemory *memory; /* NULL: none */
} GitWalk;

static int fail_object(const GitWalk *walk, Error *reterr) {
        char name[sizeof(walk->source.path) + 256];
        (void) snprintf(name, sizeof(name), "%s/%s", walk->source.name,
                        walk->source.path); /* cut when the reference is that long */
        return git_fail(name, reterr);
}

/* Before it is read: what is packed into little may be more than there is memory for. */
static int check_size(const GitWalk *walk, const git_tree_entry *item, Error *reterr) {
        size_t size;
        git_object_t type;
        if (git->odb_read_header(&size, &type, walk->objects, git->tree_entry_id(item)) < 0)
                return fail_object(walk, reterr);
        return walk_check_size(&walk->source, size, reterr);
}

static int walk_link(GitWalk *walk, const git_blob *blob, Error *reterr) {
        size_t size = (size_t) git->blob_rawsize(blob);
        const char *data = git->blob_rawcontent(blob);
        char target[PATH_MAX];
        if (size == 0 || size >= sizeof(target) || memchr(data, 0, size))
                return walk_refuse(&walk->source, "no link can have that target", reterr);
        memcpy(target, data, size);
        target[size] = 0;
        return walk_add_link(&walk->source, target, reterr);
}

static int walk_file(GitWalk *walk, const git_tree_entry *item, Content *content, Error *reterr) {
        const SourceEntry entry = {
                .path = walk->source.path,
                .kind = SOURCE_FILE,
                .executable = git->tree_entry_filemode(item) == GIT_FILEMODE_BLOB_EXECUTABLE,
                .content = content,
        };
        return walk_add(&walk->source, &entry, reterr);
}

static int walk_blob(GitWalk *walk, const git_tree_entry *item, Error *reterr) {
        const git_oid *id = git->tree_entry_id(item);
        bool is_link = git->tree_entry_filemode(item) == GIT_FILEMODE_LINK;
        Content *content = walk->memory && !is_link ? git_memory_content(walk->memory, id) : NULL;
        if (content)
                return walk_file(walk, item, content, reterr);
        cleanup(blob_freep) git_blob *blob = NULL;
        int r = check_size(walk, item, reterr);
        if (r < 0)
                return r;
        if (git->blob_lookup(&blob, walk->repository, id) < 0)
                return fail_object(walk, reterr);
        if (is_link)
                return walk_link(walk, blob, reterr);
        r = contents_add(walk->source.contents, git->blob_rawcontent(blob),
                        (size_t) git->blob_rawsize(blob), &content, reterr);
        if (r >= 0 && walk->memory && git_memory_keep_content(walk->memory, id, content) < 0)
                r = error_oom(reterr);
        return r < 0 ? r : walk_file(walk, item, content, reterr);
}

static int walk_tree(GitWalk *walk, const git_tree *tree, unsigned depth, Error *reterr);

static int walk_subtree(GitWalk *walk, const git_tree_entry *item, unsigned depth, Error *reterr) {
        int r = walk_add_directory(&walk->source, depth, reterr);
        if (r < 0)
                return r;
        cleanup(tree_freep) git_tree *tree = NULL;
        if (git->tree_lookup(&tree, walk->repository, git->tree_entry_id(item)) < 0)
                return fail_object(walk, reterr);
        return walk_tree(walk, tree, depth + 1, reterr);
}

static int walk_item(GitWalk *walk, const git_tree_entry *item, unsigned depth, Error *reterr) {
        switch (git->tree_entry_type(item)) {
        case GIT_OBJECT_BLOB:
                return walk_blob(walk, item, reterr);
        case GIT_OBJECT_TREE:
                return walk_subtree(walk, item, depth, reterr);
        default:
                return walk_refuse(&walk->source,
                                "is a submodule, whose files are in another repository: put the "
                                "files themselves there",
                                reterr);
        }
}

static int walk_tree(GitWalk *walk, const git_tree *tree, unsigned depth, Error *reterr) {
        size_t length = walk->source.length;
        for (size_t i = 0; i < git->tree_entrycount(tree); i++) {
                const git_tree_entry *item = git->tree_entry_byindex(tree, i);
                const char *name = git->tree_entry_name(item);
                if (walk_leaves_out(name, depth))
                        continue;
                int r = walk_push(&walk->source, name, reterr);
                if (r >= 0)
                        r = walk_item(walk, item, depth, reterr);
                if (r < 0)
                        r = source_note_fault(walk->source.source, r, reterr);
                if (r < 0)
                        return r;
                walk_pop_to(&walk->source, length);
        }
        return 0;
}

/* What "./" and "../" are from: the directory's place in the work tree, "" for its top. NULL: not
 * in one. From malloc(). */
static char *work_tree_place(git_repository *repository, const char *directory) {
        const char *work_tree = git->repository_workdir(repository);
        cleanup_free char *top = work_tree ? realpath(work_tree, NULL) : NULL;
        cleanup_free char *path = realpath(directory, NULL);
        size_t length = top && top[1] ? strlen(top) : 0; /* of "/" the slash is the path's */
        if (!top || !path || strncmp(path, top, length) != 0)
                return NULL;
        if (path[length] == '/')
                return strdup(path + length + 1);
        return path[length] ? NULL : strdup("");
}

static bool is_relative(const char *path) {
        return strcmp(path, ".") == 0 || strcmp(path, "..") == 0 || strncmp(path, "./", 2) == 0 ||
               strncmp(path, "../", 3) == 0;
}

static int resolve_path(git_repository *repository,
                const GitReference *reference,
                char **ret_path,
                Error *reterr) {
        cleanup_free char *place = NULL, *whole = NULL;
        if (is_relative(reference->path)) {
                place = work_tree_place(repository, reference->repository);
                if (!place)
                        return error_set(reterr, -EINVAL,
                                        "%s: %s is in no work tree: give the path from its top",
                                        reference->name, reference->repository);
        }
        if (asprintf(&whole, "%s/%s", place ? place : "", reference->path) < 0)
                return error_oom(reterr);
        cleanup_free char *path = path_normalize(whole + strspn(whole, "/"));
        if (!path)
                return error_oom(reterr);
        if (!path_is_below(path, ""))
                return error_set(reterr, -EINVAL, "%s: Leads out of the repository",
                                reference->name);
        *ret_path = TAKE(path);
        return 0;
}

static int describe(git_repository *repository,
                const GitReference *reference,
                const char *path,
                const git_object *revision,
                Origin *origin) {
        const char *work_tree = git->repository_workdir(repository);
        cleanup_free char *top =
                        realpath(work_tree ? work_tree : git->repository_path(repository), NULL);
        if (!top || asprintf(&origin->path, "%s//%s:%s", strcmp(top, "/") == 0 ? "" : top,
                                    reference->revision, path) < 0) {
                origin->path = NULL;
                return -ENOMEM;
        }
        cleanup(object_freep) git_object *commit = NULL;
        if (git->object_peel(&commit, revision, GIT_OBJECT_COMMIT) < 0)
                return 0; /* a tree of no known commit */
        return origin_set_commit((git_commit *) commit, origin);
}

static int read_path(GitWalk *walk, const char *path, Error *reterr) {
        cleanup(tree_freep) git_tree *tree = NULL;
        int r = git_find_tree(
                        walk->repository, walk->source.name, walk->revision, path, &tree, reterr);
        return r < 0 ? r : walk_tree(walk, tree, 0, reterr);
}

static int place_layers(void *userdata, char **ret_directory, char **ret_top, Error *reterr) {
        const GitWalk *walk = userdata;
        *ret_directory = strdup(walk->path);
        *ret_top = strdup("");
        return *ret_directory && *ret_top ? 0 : error_oom(reterr);
}

static int read_layer(void *userdata,
                const char *directory,
                const char *name,
                Source **ret_source,
                Error *reterr) {
        GitWalk walk = *(GitWalk *) userdata;
        cleanup(source_freep) Source *source = source_new(name);
        if (!source)
                return error_oom(reterr);
        source->faults = walk.source.source->faults;
        walk.source = (SourceWalk){
                .name = source->name, .contents = walk.source.contents, .source = source
        };
        int r = read_path(&walk, directory, reterr);
        if (r < 0)
                return r;
        source_sort(source);
        *ret_source = TAKE(source);
        return 0;
}

static int read_with_layers(GitWalk *walk, const char *path, Source **source, Error *reterr) {
        int r = read_path(walk, path, reterr);
        if (r < 0)
                return r;
        const LayerReader layers = { place_layers, read_layer, walk, walk->source.contents };
        source_sort(*source);
        return layers_read(&layers, source, reterr);
}

static int read_tree(const GitReference *reference,
                Contents *contents,
                Source **source,
                Origin *origin,
                Error *reterr) {
        cleanup(repository_freep) git_repository *opened = NULL;
        git_repository *repository;
        int r = git_open_shared(reference, &opened, &repository, reterr);
        if (r < 0)
                return r;
        cleanup(odb_freep) git_odb *objects = NULL;
        if (git->repository_odb(&objects, repository) < 0)
                return git_fail(reference->name, reterr);
        GitWalk walk = {
                .source = { .name = (*source)->name, .contents = contents, .source = *source },
                .repository = repository,
                .objects = objects,
                .memory = reference->memory,
        };
        cleanup_free char *path = NULL;
        cleanup(object_freep) git_object *revision = NULL;
        r = resolve_path(repository, reference, &path, reterr);
        if (r >= 0)
                r = git_find_revision(repository, reference, &revision, reterr);
        walk.revision = revision;
        walk.path = path;
        if (r >= 0)
                r = read_with_layers(&walk, path, source, reterr);
        if (r >= 0 && describe(repository, reference, path, revision, origin) < 0)
                r = error_oom(reterr);
        return r;
}

int git_tree_read(const GitReference *reference,
                Contents *contents,
                Source **ret_source,
                Origin *ret_origin,
                Error *reterr) {
        cleanup(source_freep) Source *source = source_new(reference->name);
        cleanup(origin_donep) Origin origin = { 0 };
        if (!source)
                return error_oom(reterr);
        if (!git_begin())
                return error_set(reterr, -EOPNOTSUPP,
                                "%s: Sources in git need libgit2, which is not installed",
                                reference->name);
        source->faults = reference->faults;
        source->n_name_root = strlen(reference->name) - strlen(reference->path);
        int r = read_tree(reference, contents, &source, &origin, reterr);
        git_end();
        if (r < 0)
                return r;
        *ret_source = TAKE(source);
        *ret_origin = origin;
        origin = (Origin){ 0 };
        return 0;
}
