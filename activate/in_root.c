/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "activate/in_root.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <sys/syscall.h>

/* Then no path leads out of it. */
static bool is_own_root(int root_fd) {
        struct stat own, given;
        return stat("/", &own) == 0 && fstat(root_fd, &given) == 0 && own.st_dev == given.st_dev &&
               own.st_ino == given.st_ino;
}

/* ".." in the path, or in a link of it, while anybody on the machine renames or mounts something:
 * the kernel cannot tell whether it led out, and leaves it to us to ask again. */
int open_resolved(int dir_fd, const char *path, const struct open_how *how) {
        enum { MAX_ATTEMPTS = 10000 };
        for (int i = 0;; i++) {
                int fd = (int) syscall(SYS_openat2, dir_fd, path, how, sizeof(*how));
                if (fd >= 0 || errno != EAGAIN || i == MAX_ATTEMPTS)
                        return fd;
        }
}

int in_root_open(int root_fd, const char *path, uint64_t flags) {
        struct open_how how = { .flags = flags | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT };
        int fd = open_resolved(root_fd, path, &how);
        /* a container with SuppressSync= has no such call */
        if (fd < 0 && errno == ENOSYS && is_own_root(root_fd))
                fd = openat(root_fd, path, (int) how.flags);
        return fd < 0 ? -errno : fd;
}

int in_root_open_below(int root_fd, const char *path, const char *below) {
        struct open_how how = { .flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
                .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS };
        int whole = in_root_open(root_fd, path, O_PATH | O_DIRECTORY);
        if (whole < 0 || !*below)
                return whole;
        int fd = open_resolved(whole, below + 1, &how), r = -errno;
        (void) close(whole); /* nothing was written */
        return fd < 0 ? r : fd;
}

int in_root_read(int root_fd,
                const char *path,
                size_t max_bytes,
                char **ret_data,
                size_t *ret_size) {
        cleanup_fd int fd = in_root_open(root_fd, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
        struct stat st;
        if (fd < 0)
                return fd;
        if (fstat(fd, &st) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode))
                return -EISDIR;
        if (st.st_size > (off_t) max_bytes)
                return -EFBIG;
        size_t size = (size_t) st.st_size, done = 0;
        cleanup_free char *data = malloc(size + 1);
        if (!data)
                return -ENOMEM;
        while (done < size) {
                ssize_t n = read(fd, data + done, size - done);
                if (n < 0)
                        return -errno;
                if (n == 0)
                        break; /* it shrank: what is there is what it is */
                done += (size_t) n;
        }
        data[done] = 0;
        *ret_data = TAKE(data);
        *ret_size = done;
        return 0;
}
