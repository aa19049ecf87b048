/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "activate/root.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <string.h>
#include <sys/syscall.h>

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
        long fd = syscall(SYS_openat2, parent_fd, name, &how, sizeof(how));
        if (fd < 0)
                return errno == ELOOP ? -ENOTDIR : -errno;
        memcpy(walk->path, path, end);
        walk->end[walk->n_open] = end;
        walk->fds[walk->n_open++] = (int) fd;
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
