/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "activate/removal.h"

#include "activate/in_root.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* What lies deeper is moved up, and its turn comes later: so neither descriptors nor the stack run
 * out, however deep somebody made it. */
enum { MAX_DEPTH = 100 };

typedef struct Removal {
        int root_fd;
        unsigned n_moved;
        Error *reterr;
} Removal;

static int open_directory(int dir_fd, const char *path, uint64_t resolve) {
        struct open_how how = { .flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
                .resolve = resolve };
        int fd = open_resolved(dir_fd, path, &how);
        return fd < 0 ? -errno : fd;
}

static int move_up(Removal *removal, int dir_fd, const char *name) {
        char other[48];
        int r;
        do {
                (void) snprintf(other, sizeof(other), ".sysswitch-deep-%u",
                                removal->n_moved++); /* fits */
                r = renameat2(dir_fd, name, removal->root_fd, other, RENAME_NOREPLACE);
        } while (r < 0 && errno == EEXIST);
        return r < 0 ? -errno : 0;
}

static int empty(Removal *removal, int fd, unsigned depth);

static int remove_child(Removal *removal, int dir_fd, const char *name, unsigned depth) {
        if (unlinkat(dir_fd, name, 0) == 0 || errno == ENOENT)
                return 0;
        if (errno != EISDIR)
                return error_set_errno(removal->reterr, -errno, "%s", name);
        if (unlinkat(dir_fd, name, AT_REMOVEDIR) == 0)
                return 0;
        if (errno != ENOTEMPTY && errno != EEXIST)
                return error_set_errno(removal->reterr, -errno, "%s", name);
        if (depth == MAX_DEPTH) {
                int r = move_up(removal, dir_fd, name);
                return r < 0 ? error_set_errno(removal->reterr, r, "%s", name) : 0;
        }
        int fd = open_directory(
                        dir_fd, name, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV);
        if (fd < 0)
                return error_set_errno(removal->reterr, fd, "%s", name);
        int r = empty(removal, fd, depth + 1);
        if (r >= 0 && unlinkat(dir_fd, name, AT_REMOVEDIR) < 0)
                r = error_set_errno(removal->reterr, -errno, "%s", name);
        return r;
}

/* Takes the descriptor. What is moved up while the root is read is found by the next round. */
static int empty(Removal *removal, int fd, unsigned depth) {
        DIR *directory = fdopendir(fd);
        if (!directory) {
                int r = -errno;
                (void) close(fd); /* nothing was written */
                return error_set_errno(removal->reterr, r, "Cannot read a directory");
        }
        int r = 0;
        for (bool found = true; r >= 0 && found; rewinddir(directory)) {
                const struct dirent *child;
                found = false;
                while (r >= 0 && (errno = 0, child = readdir(directory))) {
                        if (strcmp(child->d_name, ".") == 0 || strcmp(child->d_name, "..") == 0)
                                continue;
                        found = true;
                        r = remove_child(removal, dirfd(directory), child->d_name, depth);
                }
                if (r >= 0 && errno)
                        r = error_set_errno(removal->reterr, -errno, "Cannot read a directory");
        }
        (void) closedir(directory); /* nothing was written */
        return r;
}

/* In mountinfo a space is \040 and the like. */
static void unescape(char *text) {
        char *to = text;
        for (const char *from = text; *from; to++) {
                unsigned code;
                if (*from == '\\' && sscanf(from + 1, "%3o", &code) == 1) {
                        *to = (char) code;
                        from += 4;
                } else
                        *to = *from++;
        }
        *to = 0;
}

static int find_mounts(const char *path, Error *reterr) {
        cleanup_file FILE *file = fopen("/proc/self/mountinfo", "re");
        if (!file)
                return error_set_errno(reterr, -errno, "/proc/self/mountinfo");
        cleanup_free char *line = NULL;
        size_t size = 0, length = strlen(path);
        while (getline(&line, &size, file) >= 0) {
                char place[PATH_MAX];
                if (sscanf(line, "%*s %*s %*s %*s %4095s", place) != 1)
                        continue;
                unescape(place);
                if (strncmp(place, path, length) == 0 && strchr("/", place[length]))
                        return error_set(reterr, -EXDEV,
                                        "Something is mounted on %s: unmount it first", place);
        }
        return ferror(file) ? error_set_errno(reterr, -EIO, "/proc/self/mountinfo") : 0;
}

int removal_run(const char *path, Error *reterr) {
        char parent[PATH_MAX];
        const char *name = strrchr(path, '/') + 1;
        if (snprintf(parent, sizeof(parent), "%.*s", (int) (name - path), path) >=
                        (int) sizeof(parent))
                return error_set_errno(reterr, -ENAMETOOLONG, "%s", path);
        int r = find_mounts(path, reterr);
        if (r < 0)
                return r;
        cleanup_fd int parent_fd = open_directory(AT_FDCWD, parent, RESOLVE_NO_SYMLINKS);
        int fd = parent_fd < 0 ? parent_fd
                               : open_directory(parent_fd, name,
                                                 RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS |
                                                                 RESOLVE_NO_XDEV);
        if (fd == -ENOENT)
                return 0;
        if (fd == -ELOOP || fd == -ENOTDIR)
                return error_set(reterr, -ELOOP,
                                "%s is a link, or has one in it: remove it by hand", path);
        if (fd < 0)
                return error_set_errno(reterr, fd, "%s", path);
        Removal removal = { .root_fd = fd, .reterr = reterr };
        r = empty(&removal, fd, 0);
        if (r < 0)
                return error_prefix(reterr, "Cannot remove all of %s", path);
        if (unlinkat(parent_fd, name, AT_REMOVEDIR) < 0)
                return error_set_errno(reterr, -errno, "Cannot remove %s", path);
        return fsync(parent_fd) < 0 ? error_set_errno(reterr, -errno, "%s", parent) : 0;
}
