/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Renames what is staged into place. What a rename catches is compared with what the scan saw:
 * anything else was put there by others meanwhile, goes back at once, and the flip ends as a
 * failure. */

#include "activate/fit.h"
#include "activate/manifest.h"
#include "activate/scan.h"
#include "activate/slots.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

/* In one of the roots. */
typedef struct Flip {
        const Root *root;
        EntryRoot entries;
        RootWalk walk;
        int slots_fd;
        bool is_overlay; /* renaming a lower layer's hard link makes another inode */
        int dir_fd;      /* of the operation at hand, as what is below */
        const char *name;
        char slot[SLOT_NAME_SIZE];
} Flip;

static int surprise(const Flip *flip, const char *path, Error *reterr) {
        return error_set(reterr, -ESTALE, "%s/%s changed while the switch was under way",
                        flip->root->path, path);
}

static int go_to(Flip *flip, const char *path, Error *reterr) {
        size_t blocked = 0;
        int r = root_walk_parent(&flip->walk, path, &flip->dir_fd, &flip->name, &blocked);
        if (r == -ENOENT || r == -ENOTDIR || r == -EXDEV)
                return surprise(flip, path, reterr);
        return r < 0 ? error_set_errno(reterr, r, "Cannot reach %s/%s", flip->root->path, path) : 0;
}

/* A directory changes as things come and go in it; that it is empty when it has to be is looked at
 * by itself. */
static bool is_as_found(const Flip *flip, const Found *found, const Found *now) {
        if (now->kind != found->kind || now->mode != found->mode || now->uid != found->uid ||
                        now->gid != found->gid)
                return false;
        if (!flip->is_overlay && (now->device != found->device || now->inode != found->inode))
                return false;
        return found->kind == FOUND_DIRECTORY ||
               (now->size_bytes == found->size_bytes && now->mtime_nsec == found->mtime_nsec);
}

/* Before the first rename: the change time tells of everything, and is the one thing that a rename
 * changes. */
static int check(Flip *flip, const FitOperation *operation, Error *reterr) {
        const Found *found = operation->found;
        if (operation->verb == FIT_PLACE || operation->verb == FIT_RECORD)
                return 0; /* a rename that replaces nothing tells by itself; and no file to touch */
        int r = go_to(flip, operation->path, reterr);
        if (r < 0)
                return r;
        Found now = { 0 };
        r = scan_look(flip->dir_fd, flip->name, &now);
        if (r == -ENOENT)
                return surprise(flip, operation->path, reterr);
        if (r < 0)
                return error_set_errno(reterr, r, "Cannot look at %s/%s", flip->root->path,
                                operation->path);
        bool is_same = is_as_found(flip, found, &now) &&
                       (found->kind == FOUND_DIRECTORY || now.ctime_nsec == found->ctime_nsec);
        return is_same ? 0 : surprise(flip, operation->path, reterr);
}

/* Is what was renamed into the slot what the scan saw? 1 or 0. */
static int caught_it(const Flip *flip, const Found *found) {
        Found now = { 0 };
        int r = scan_look(flip->slots_fd, flip->slot, &now);
        if (r < 0)
                return r;
        if (!is_as_found(flip, found, &now))
                return 0;
        if (found->kind != FOUND_DIRECTORY)
                return 1;
        uint32_t n_children = 0;
        r = scan_count_children(flip->slots_fd, flip->slot, &n_children);
        return r < 0 ? r : n_children == 0;
}

static int explain(const Flip *flip, const FitOperation *operation, int error, Error *reterr) {
        const char *root = flip->root->path, *path = operation->path;
        if (error == -EEXIST || error == -ENOENT)
                return surprise(flip, path, reterr);
        if (error == -EXDEV && operation->found->kind == FOUND_DIRECTORY)
                return error_set(reterr, error,
                                "Cannot replace %s/%s: it is a directory of a lower layer of an "
                                "overlay, which cannot be renamed",
                                root, path);
        if (error == -EINVAL)
                return error_set(reterr, error,
                                "Cannot replace %s/%s: this file system does not exchange files",
                                root, path);
        if (error == -EPERM)
                return error_set(reterr, error,
                                "Cannot replace %s/%s: not permitted; is it immutable (lsattr)?",
                                root, path);
        return error_set_errno(reterr, error, "Cannot replace %s/%s", root, path);
}

/* EXCHANGE and REMOVE: what is at the path goes into the slot. What was not expected goes back at
 * once. */
static int take_out(const Flip *flip, const FitOperation *operation, Error *reterr) {
        unsigned flags = operation->verb == FIT_EXCHANGE ? RENAME_EXCHANGE : RENAME_NOREPLACE;
        if (renameat2(flip->dir_fd, flip->name, flip->slots_fd, flip->slot, flags) < 0)
                return explain(flip, operation, -errno, reterr);
        int r = caught_it(flip, operation->found);
        if (r > 0)
                return 0;
        if (renameat2(flip->slots_fd, flip->slot, flip->dir_fd, flip->name, flags) < 0)
                return error_set_errno(reterr, -errno,
                                "Cannot put %s/%s back, which changed while the switch was under "
                                "way",
                                flip->root->path, operation->path);
        return r < 0 ? error_set_errno(reterr, r, "Cannot look at %s/%s", flip->root->path,
                                       operation->path)
                     : surprise(flip, operation->path, reterr);
}

static int set_attributes(const Flip *flip, const ManifestOperation *noted, Error *reterr) {
        const Staged *staged = &noted->staged;
        cleanup_fd int fd = openat(
                        flip->dir_fd, flip->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        bool is_owned = staged->uid == noted->old_uid && staged->gid == noted->old_gid;
        if (fd < 0 || (!is_owned && fchown(fd, staged->uid, staged->gid) < 0) ||
                        fchmod(fd, staged->mode) < 0)
                return error_set_errno(reterr, -errno, "Cannot set mode and owner of %s/%s",
                                flip->root->path, noted->path);
        return 0;
}

static int
flip_one(Flip *flip, const FitOperation *operation, const ManifestOperation *noted, Error *reterr) {
        int r = go_to(flip, operation->path, reterr);
        if (r < 0)
                return r;
        (void) slot_name(noted->slot, flip->slot);
        if (operation->verb == FIT_ATTRIBUTES)
                return set_attributes(flip, noted, reterr);
        if (operation->verb != FIT_PLACE)
                return take_out(flip, operation, reterr);
        if (renameat2(flip->slots_fd, flip->slot, flip->dir_fd, flip->name, RENAME_NOREPLACE) < 0)
                return explain(flip, operation, -errno, reterr);
        return 0;
}

static int check_all(Flip *flip, const FitPlan *plan, Error *reterr) {
        for (size_t i = 0; i < plan->n_operations; i++) {
                if (plan->operations[i].root != flip->entries)
                        continue;
                int r = check(flip, &plan->operations[i], reterr);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int flip_all(Flip *flip, const FitPlan *plan, const Manifest *manifest, Error *reterr) {
        for (size_t i = 0; i < manifest->n_operations; i++) {
                const ManifestOperation *noted = &manifest->operations[i];
                if (noted->root != flip->entries)
                        continue;
                const FitOperation *operation = noted->slot < plan->n_operations
                                                                ? &plan->operations[noted->slot]
                                                                : NULL;
                if (!operation || operation->verb != noted->verb ||
                                operation->root != noted->root ||
                                strcmp(operation->path, noted->path) != 0)
                        return error_set(reterr, -ESTALE, "What is staged in %s is another plan",
                                        flip->root->path);
                int r = flip_one(flip, operation, noted, reterr);
                if (r < 0)
                        return r;
        }
        if (syncfs(flip->slots_fd) < 0)
                return error_set_errno(reterr, -errno, "Cannot sync %s", flip->root->path);
        return 0;
}

static void flip_donep(Flip *flip) {
        if (flip->slots_fd < 0)
                return;
        (void) close(flip->slots_fd); /* a directory */
        root_walk_done(&flip->walk);
}

static int flip_open(Flip *flip, const Root *root, EntryRoot entries, Error *reterr) {
        struct statfs fs;
        flip->root = root_of(root, entries);
        flip->entries = entries;
        root_walk_init(&flip->walk, flip->root);
        int r = slots_open(flip->root, false, &flip->slots_fd, reterr);
        if (r == -ENOENT)
                return error_set(reterr, r, "Nothing is staged in %s", flip->root->path);
        if (r < 0)
                return r;
        if (fstatfs(flip->slots_fd, &fs) < 0)
                return error_set_errno(reterr, -errno, "Cannot look at %s", flip->root->path);
        flip->is_overlay = fs.f_type == OVERLAYFS_SUPER_MAGIC;
        return 0;
}

int fit_flip(const Root *root, const FitPlan *plan, Error *reterr) {
        cleanup(manifest_freep) Manifest *manifest = NULL;
        cleanup(flip_donep) Flip etc = { .slots_fd = -1 };
        cleanup(flip_donep) Flip lib = { .slots_fd = -1 };
        int r = manifest_read(root, &manifest, reterr);
        if (r == 0)
                return error_set(reterr, -ENOENT, "Nothing is staged in %s", root->path);
        if (r > 0)
                r = flip_open(&etc, root, ROOT_ETC, reterr);
        if (r < 0)
                return r;
        bool has_lib = false;
        for (size_t i = 0; i < manifest->n_operations; i++)
                has_lib |= manifest->operations[i].root == ROOT_LIB;
        if (has_lib)
                r = flip_open(&lib, root, ROOT_LIB, reterr);
        if (r >= 0)
                r = check_all(&etc, plan, reterr);
        if (r >= 0 && has_lib)
                r = check_all(&lib, plan, reterr);
        if (r >= 0 && has_lib)
                r = flip_all(&lib, plan, manifest, reterr);
        return r < 0 ? r : flip_all(&etc, plan, manifest, reterr);
}
