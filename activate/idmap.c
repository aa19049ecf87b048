/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "activate/idmap.h"

#include "activate/in_root.h"
#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>

static bool write_map(pid_t pid, const char *file) {
        static const char map[] = "0 524288 65536";
        char path[64];
        (void) snprintf(path, sizeof(path), "/proc/%d/%s", (int) pid, file); /* fits */
        cleanup_fd int fd = open(path, O_WRONLY | O_CLOEXEC);
        return fd >= 0 && write(fd, map, strlen(map)) == (ssize_t) strlen(map);
}

/* A user namespace with owners of its own. The child that has it is told by a closed pipe that it
 * is looked at no more. */
static int open_users(void) {
        int ready[2], looked[2], fd = -1;
        char byte = 0;
        if (pipe2(ready, O_CLOEXEC) < 0)
                return -errno;
        cleanup_fd int ready_read = ready[0], ready_write = ready[1];
        if (pipe2(looked, O_CLOEXEC) < 0)
                return -errno;
        cleanup_fd int looked_read = looked[0], looked_write = looked[1];
        pid_t child = fork();
        if (child < 0)
                return -errno;
        if (child == 0) {
                (void) close(TAKE_FD(looked_write)); /* or the read below would wait for itself */
                byte = unshare(CLONE_NEWUSER) == 0;
                (void) !write(ready_write, &byte, 1); /* the parent sees the end of the pipe else */
                (void) !read(looked_read, &byte, 1);
                _exit(0);
        }
        (void) close(TAKE_FD(ready_write));
        if (read(ready_read, &byte, 1) == 1 && byte && write_map(child, "uid_map") &&
                        write_map(child, "gid_map")) {
                char path[64];
                (void) snprintf(path, sizeof(path), "/proc/%d/ns/user", (int) child); /* fits */
                fd = open(path, O_RDONLY | O_CLOEXEC);
        }
        int r = fd < 0 ? -EPERM : 0;
        (void) close(TAKE_FD(looked_write));
        (void) waitpid(child, NULL, 0);
        return r < 0 ? r : fd;
}

static int clone_nearest(const char *path) {
        char at[PATH_MAX];
        (void) snprintf(at, sizeof(at), "%s", path); /* ours: fits */
        for (;;) {
                int fd = open_tree(AT_FDCWD, *at ? at : "/", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
                if (fd >= 0 || errno != ENOENT || !*at)
                        return fd < 0 ? -errno : fd;
                *strrchr(at, '/') = 0;
        }
}

/* What is not there yet will be made on the file system of the whole. */
static int clone_below(const char *path, const char *below) {
        cleanup_fd int host = *below ? open("/", O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
        cleanup_fd int fd = host < 0 ? -1 : in_root_open_below(host, path, below);
        int tree = fd < 0 ? -1
                          : open_tree(fd, "", AT_EMPTY_PATH | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
        return tree < 0 ? clone_nearest(path) : tree;
}

bool idmap_is_possible(const char *path, const char *below) {
        static int users = -1; /* a fork for the first path only; it ends with the process */
        cleanup_fd int tree = clone_below(path, below);
        if (tree >= 0 && users < 0)
                users = open_users();
        if (tree < 0 || users < 0)
                return true;
        struct mount_attr attributes = { .attr_set = MOUNT_ATTR_IDMAP, .userns_fd = (__u64) users };
        return mount_setattr(tree, "", AT_EMPTY_PATH, &attributes, sizeof(attributes)) == 0 ||
               errno == EPERM;
}
