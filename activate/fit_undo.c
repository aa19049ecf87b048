/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Undoes a flip, from whatever point it stopped at. For each operation, what is in its slot tells
 * how far it came, and each step is one rename that leads to a state from which this very function
 * goes on. SLOT / PATH have:
 *
 *              before the flip    after it       undone
 *   place      new / none         none / new     new / none; a directory: none / none
 *   exchange   new / old          old / new      none / old
 *   remove     none / old         old / none     none / old
 *
 * Whatever else is found at a path was put there by others since: it is renamed to
 * PATH.sysswitch-saved, never lost. */

#include "activate/fit.h"
#include "activate/manifest.h"
#include "activate/scan.h"
#include "activate/slots.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#define SAVED_SUFFIX ".sysswitch-saved"

enum { N_SAVED_NAMES = 1000 };

/* The operation that is undone, and where. */
typedef struct Undo {
        const ManifestOperation *operation;
        bool was_any_left; /* another one could not be undone: what is in the way may be ours */
        Strv *kept;        /* may be NULL */
        int slots_fd;
        char slot[SLOT_NAME_SIZE];
        int dir_fd;
        const char *name;
} Undo;

static int rename_plain(int from_fd, const char *from, int to_fd, const char *to) {
        return renameat2(from_fd, from, to_fd, to, RENAME_NOREPLACE) < 0 ? -errno : 0;
}

static int note_kept(const Undo *undo, const char *saved) {
        if (!undo->kept)
                return 0;
        const char *path = undo->operation->path;
        char *whole = NULL;
        if (asprintf(&whole, "%s%.*s%s", entry_root_prefix(undo->operation->root),
                            (int) (undo->name - path), path, saved) < 0)
                return -ENOMEM;
        int r = strv_add(undo->kept, whole);
        free(whole);
        return r;
}

/* Renames what others put at the path, and which may be in the slot by now, to the first free name
 * beside it. */
static int keep_beside(const Undo *undo, int from_fd, const char *from) {
        for (unsigned i = 0; i < N_SAVED_NAMES; i++) {
                char number[16] = "", saved[NAME_MAX + 1];
                if (i > 0)
                        (void) snprintf(number, sizeof(number), ".%u", i); /* fits */
                int room = (int) (NAME_MAX - strlen(SAVED_SUFFIX) - strlen(number));
                (void) snprintf(saved, sizeof(saved), "%.*s" SAVED_SUFFIX "%s", room, undo->name,
                                number); /* fits */
                int r = rename_plain(from_fd, from, undo->dir_fd, saved);
                if (r == -EEXIST)
                        continue;
                return r < 0 ? r : note_kept(undo, saved);
        }
        return -EEXIST;
}

/* 1 or 0: what cannot be looked at is not taken for gone. */
static int is_there(int dir_fd, const char *name) {
        Found found;
        int r = scan_look(dir_fd, name, &found);
        return r == -ENOENT ? 0 : r < 0 ? r : 1;
}

/* A directory that came, and in which others have put something since, stays. */
static int undo_place_directory(const Undo *undo) {
        int r = is_there(undo->slots_fd, undo->slot);
        if (r != 0)
                return r < 0 ? r : 0;
        if (unlinkat(undo->dir_fd, undo->name, AT_REMOVEDIR) >= 0)
                return 0;
        if (errno == ENOTDIR)
                return keep_beside(undo, undo->dir_fd, undo->name);
        return errno == ENOENT || errno == ENOTEMPTY || errno == EEXIST ? 0 : -errno;
}

static int undo_place(const Undo *undo) {
        const Staged *staged = &undo->operation->staged;
        if (staged->kind == FOUND_DIRECTORY)
                return undo_place_directory(undo);
        int r = is_there(undo->slots_fd, undo->slot);
        if (r < 0)
                return r;
        if (r == 0)
                r = rename_plain(undo->dir_fd, undo->name, undo->slots_fd, undo->slot);
        if (r < 0)
                return r == -ENOENT ? 0 : r; /* removed by others, or undone already */
        r = staged_is_at(staged, undo->slots_fd, undo->slot, false);
        return r == 0 ? keep_beside(undo, undo->slots_fd, undo->slot) : r;
}

/* Frees the path of what is there; what came may be thrown away. */
static int make_way(const Undo *undo) {
        const Staged *staged = &undo->operation->staged;
        int r = staged_is_at(staged, undo->dir_fd, undo->name, false);
        if (r == -ENOENT)
                return 0;
        if (r > 0) {
                r = unlinkat(undo->dir_fd, undo->name,
                                staged->kind == FOUND_DIRECTORY ? AT_REMOVEDIR : 0);
                if (r >= 0)
                        return 0;
                if (undo->was_any_left || (errno != ENOTEMPTY && errno != EEXIST))
                        return -errno;
        } else if (r < 0)
                return r;
        return keep_beside(undo, undo->dir_fd, undo->name);
}

/* The slot has what was there before: 1 or 0. */
static int exchange_is_done(const Undo *undo) {
        int r = staged_is_at(&undo->operation->staged, undo->slots_fd, undo->slot, true);
        return r == -ENOENT ? 0 : r < 0 ? r : !r;
}

static int undo_exchange(const Undo *undo) {
        const Staged *staged = &undo->operation->staged;
        int r = exchange_is_done(undo);
        if (r <= 0)
                return r;
        if (staged->kind != FOUND_DIRECTORY &&
                        staged_is_at(staged, undo->dir_fd, undo->name, false) > 0) {
                if (renameat(undo->slots_fd, undo->slot, undo->dir_fd, undo->name) >= 0)
                        return 0;     /* the common case: at no instant is nothing there */
                if (errno != ENOTDIR) /* else a directory was there before */
                        return -errno;
        }
        r = make_way(undo);
        return r < 0 ? r : rename_plain(undo->slots_fd, undo->slot, undo->dir_fd, undo->name);
}

static int undo_remove(const Undo *undo) {
        int r = is_there(undo->slots_fd, undo->slot);
        if (r <= 0)
                return r;
        r = rename_plain(undo->slots_fd, undo->slot, undo->dir_fd, undo->name);
        if (r != -EEXIST)
                return r;
        r = keep_beside(undo, undo->dir_fd, undo->name);
        return r < 0 ? r : rename_plain(undo->slots_fd, undo->slot, undo->dir_fd, undo->name);
}

/* Mode and owner were set one after the other; what others have set since stays. */
static int undo_attributes(const Undo *undo) {
        const ManifestOperation *operation = undo->operation;
        const Staged *staged = &operation->staged;
        cleanup_fd int fd = openat(
                        undo->dir_fd, undo->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        struct stat st;
        if (fd < 0)
                return errno == ENOENT || errno == ENOTDIR || errno == ELOOP ? 0 : -errno;
        if (fstat(fd, &st) < 0)
                return -errno;
        bool is_our_mode =
                        (st.st_mode & 07777) == staged->mode && staged->mode != operation->old_mode;
        bool is_our_owner =
                        st.st_uid == staged->uid && st.st_gid == staged->gid &&
                        (staged->uid != operation->old_uid || staged->gid != operation->old_gid);
        if (is_our_mode && fchmod(fd, operation->old_mode) < 0)
                return -errno;
        return is_our_owner && fchown(fd, operation->old_uid, operation->old_gid) < 0 ? -errno : 0;
}

static int undo_at(const Undo *undo) {
        switch (undo->operation->verb) {
        case FIT_PLACE:
                return undo_place(undo);
        case FIT_EXCHANGE:
                return undo_exchange(undo);
        case FIT_REMOVE:
                return undo_remove(undo);
        default:
                return undo_attributes(undo);
        }
}

/* The directory of the path is gone, or is none any more. What is not waiting in its slot needs no
 * path. */
static int undo_unreachable(const Undo *undo, int error) {
        FitVerb verb = undo->operation->verb;
        int waits = verb == FIT_EXCHANGE
                                    ? exchange_is_done(undo)
                                    : verb == FIT_REMOVE && is_there(undo->slots_fd, undo->slot);
        return waits > 0 ? error : waits;
}

static int undo_one(RootWalk *walk, Undo *undo, Error *reterr) {
        const char *path = undo->operation->path;
        (void) slot_name(undo->operation->slot, undo->slot);
        size_t blocked = 0;
        int r = root_walk_parent(walk, path, &undo->dir_fd, &undo->name, &blocked);
        if (r == -ENOENT || r == -ENOTDIR || r == -EXDEV)
                r = undo_unreachable(undo, r);
        else if (r >= 0)
                r = undo_at(undo);
        return r < 0 ? error_set_errno(reterr, r, "Cannot put %s/%s back", walk->root->path, path)
                     : 0;
}

/* Backwards; what cannot be put back keeps nothing else from it. The first error is told. */
static int undo_all(const Root *root,
                EntryRoot entries,
                const Manifest *manifest,
                int slots_fd,
                Strv *kept,
                Error *reterr) {
        cleanup(root_walk_donep) RootWalk walk;
        root_walk_init(&walk, root_of(root, entries));
        int first = 0;
        for (size_t i = manifest->n_operations; i-- > 0;) {
                Undo undo = {
                        .operation = &manifest->operations[i],
                        .was_any_left = first < 0,
                        .kept = kept,
                        .slots_fd = slots_fd,
                };
                if (undo.operation->root != entries)
                        continue;
                int r = undo_one(&walk, &undo, first < 0 ? NULL : reterr);
                if (first >= 0)
                        first = r;
        }
        return first;
}

static int undo_and_sync(const Root *root,
                EntryRoot entries,
                const Manifest *manifest,
                int slots_fd,
                Strv *kept,
                Error *reterr) {
        int r = undo_all(root, entries, manifest, slots_fd, kept, reterr);
        if (r < 0)
                return r;
        if (syncfs(slots_fd) < 0)
                return error_set_errno(
                                reterr, -errno, "Cannot sync %s", root_of(root, entries)->path);
        return 0;
}

static int put_back_lib(const Root *root, const Manifest *manifest, Strv *kept, Error *reterr) {
        size_t i = 0;
        while (i < manifest->n_operations && manifest->operations[i].root != ROOT_LIB)
                i++;
        if (i == manifest->n_operations)
                return 0;
        cleanup_fd int slots_fd = -1;
        int r = slots_open(root_of(root, ROOT_LIB), true, &slots_fd, reterr);
        if (r == -ENOENT)
                return error_set(reterr, r, "There is no /lib to put modules and firmware back in");
        return r < 0 ? r : undo_and_sync(root, ROOT_LIB, manifest, slots_fd, kept, reterr);
}

/* Returns 1 when there was something to put back, and it is on the disk. */
static int put_back(const Root *root, int slots_fd, Strv *kept, Error *reterr) {
        cleanup(manifest_freep) Manifest *manifest = NULL;
        int was_open = manifest_read(root, &manifest, reterr);
        if (was_open <= 0)
                return was_open;
        int r = undo_and_sync(root, ROOT_ETC, manifest, slots_fd, kept, reterr);
        int lib = put_back_lib(root, manifest, kept, r < 0 ? NULL : reterr);
        if (r < 0 || lib < 0)
                return r < 0 ? r : lib;
        return 1;
}

int fit_put_back(const Root *root, Strv *ret_kept, Error *reterr) {
        cleanup_fd int slots_fd = -1;
        int r = slots_open(root, false, &slots_fd, reterr);
        if (r < 0)
                return r == -ENOENT ? 0 : r;
        return put_back(root, slots_fd, ret_kept, reterr);
}

int fit_undo(const Root *root, Strv *ret_kept, Error *reterr) {
        cleanup_fd int slots_fd = -1;
        int r = slots_open(root, false, &slots_fd, reterr);
        if (r < 0)
                return r == -ENOENT ? 0 : r;
        int was_open = put_back(root, slots_fd, ret_kept, reterr);
        r = was_open > 0 ? slots_close_switch(root, slots_fd, reterr) : was_open;
        if (r < 0)
                return r;
        slots_remove_lib(root); /* first: whoever goes on looks for the others */
        slots_remove(root, slots_fd);
        return was_open;
}
