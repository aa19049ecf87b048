/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "activate/future.h"

#include "activate/bytes.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>

static int remove_old(const FutureFile *file, const char *path) {
        struct stat st;
        if (lstat(path, &st) < 0)
                return errno == ENOENT ? 0 : -errno;
        if (S_ISDIR(st.st_mode) && file->kind == FOUND_DIRECTORY)
                return 0;
        int r = S_ISDIR(st.st_mode) ? rmdir(path) : unlink(path);
        return r < 0 ? -errno : 0;
}

static int make_file(const FutureFile *file, const char *path) {
        cleanup_fd int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        return fd < 0 ? -errno : write_bytes(fd, file->content->data, file->content->size_bytes);
}

static int make_new(const FutureFile *file, const char *path) {
        int r = 0;
        if (file->kind == FOUND_NOTHING)
                return 0;
        if (file->kind == FOUND_FILE)
                r = make_file(file, path);
        else if (file->kind == FOUND_LINK)
                r = symlink(file->target, path) < 0 ? -errno : 0;
        else if (mkdir(path, 0700) < 0 && errno != EEXIST)
                r = -errno;
        if (r < 0)
                return r;
        if (lchown(path, file->uid, file->gid) < 0 ||
                        (file->kind != FOUND_LINK && chmod(path, file->mode) < 0))
                return -errno;
        return 0;
}

int future_make(const FutureFile *files, size_t n_files, Error *reterr) {
        char path[PATH_MAX];
        for (size_t i = 0; i < n_files; i++) {
                const FutureFile *file = &files[i];
                bool fits = snprintf(path, sizeof(path), "/etc/%s", file->path) < PATH_MAX;
                int r = fits ? remove_old(file, path) : -ENAMETOOLONG;
                if (r >= 0)
                        r = make_new(file, path);
                if (r < 0)
                        return error_set_errno(reterr, r, "/etc/%s", file->path);
        }
        return 0;
}
