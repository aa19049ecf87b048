/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "activate/root.h"

#include "activate/in_root.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

const Root *root_of(const Root *root, EntryRoot entries) {
        static const Root nothing = { .fd = -1, .path = "" };
        if (entries != ROOT_LIB)
                return root;
        return root->lib ? root->lib : &nothing;
}

void root_walk_init(RootWalk *walk, const Root *root) {
        walk->root = root;
        walk->n_open = 0;
}

static void close_from(RootWalk *walk, size_t n_kept) {
        while (walk->n_open > n_kept)
                (void) close(walk->fds[--walk->n_open]); /* O_PATH: nothing was written by it */
}

void root_walk_done(RootWalk *walk) {
        close_from(walk, 0);
}

static bool is_plain_name(const char *name, size_t length) {
        return length > 0 && !(name[0] == '.' && (length == 1 || (length == 2 && name[1] == '.')));
}

/* How many of the open directories lie on the way to path, whose parent is its first length bytes.
 */
static size_t count_shared(const RootWalk *walk, const char *path, size_t length) {
        size_t n_shared = 0, start = 0;
        for (; n_shared < walk->n_open; n_shared++) {
                size_t end = walk->end[n_shared];
                if (end > length || path[end] != '/' ||
                                memcmp(path + start, walk->path + start, end - start) != 0)
                        break;
                start = end;
        }
        return n_shared;
}

/* As openat2() does it, which a container with SuppressSync= does not have. name: no path. */
static int open_directory(int parent_fd, const char *name, const struct open_how *how) {
        struct statx parent, child;
        int fd = openat(parent_fd, name, (int) how->flags), r = 0;
        if (fd < 0)
                return -errno;
        if (statx(parent_fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &parent) < 0 ||
                        statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &child) < 0)
                r = -errno;
        else if (parent.stx_mnt_id != child.stx_mnt_id)
                r = -EXDEV;
        if (r < 0)
                (void) close(fd); /* O_PATH: nothing was written by it */
        return r < 0 ? r : fd;
}

static int open_next(RootWalk *walk, const char *path, size_t start, size_t end) {
        char name[256];
        if (!is_plain_name(path + start, end - start))
                return -EINVAL;
        if (end - start >= sizeof(name) || end >= sizeof(walk->path) ||
                        walk->n_open == ROOT_MAX_DEPTH)
                return -ENAMETOOLONG;
        memcpy(name, path + start, end - start);
        name[end - start] = 0;

        struct open_how how = {
                .flags = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
                .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV,
        };
        int parent_fd = walk->n_open > 0 ? walk->fds[walk->n_open - 1] : walk->root->fd;
        int fd = open_resolved(parent_fd, name, &how);
        if (fd < 0)
                fd = errno == ENOSYS ? open_directory(parent_fd, name, &how) : -errno;
        if (fd < 0)
                return fd == -ELOOP ? -ENOTDIR : fd;
        memcpy(walk->path, path, end);
        walk->end[walk->n_open] = end;
        walk->fds[walk->n_open++] = fd;
        return 0;
}

int root_walk_parent(RootWalk *walk,
                const char *path,
                int *ret_fd,
                const char **ret_name,
                size_t *ret_blocked) {
        const char *slash = strrchr(path, '/');
        const char *name = slash ? slash + 1 : path;
        size_t length = slash ? (size_t) (slash - path) : 0;
        if (!is_plain_name(name, strlen(name)))
                return -EINVAL;
        if (walk->root->fd < 0) {
                *ret_blocked = slash ? strcspn(path, "/") : 0;
                return -ENOENT;
        }

        close_from(walk, count_shared(walk, path, length));
        size_t position = walk->n_open > 0 ? walk->end[walk->n_open - 1] + 1 : 0;
        while (slash && position <= length) {
                size_t end = position + strcspn(path + position, "/");
                int r = open_next(walk, path, position, end);
                if (r < 0) {
                        *ret_blocked = end;
                        return r;
                }
                position = end + 1;
        }
        *ret_fd = walk->n_open > 0 ? walk->fds[walk->n_open - 1] : walk->root->fd;
        *ret_name = name;
        return 0;
}
