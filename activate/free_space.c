/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "activate/free_space.h"

#include "activate/in_root.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>

static int open_nearest(int root_fd, const char *path) {
        cleanup_free char *parent = strdup(path);
        if (!parent)
                return -ENOMEM;
        for (;;) {
                int fd = in_root_open(root_fd, *parent ? parent : ".", O_PATH);
                if (fd != -ENOENT || !*parent)
                        return fd;
                char *slash = strrchr(parent, '/');
                *(slash ? slash : parent) = 0;
        }
}

/* ext4 has these for itself, and counts them among the free ones: a fiftieth of its blocks, those
 * of its journal too, and never more than some. */
static uint64_t kept_blocks(const struct statfs *fs) {
        enum { KEPT_SHARE = 40, KEPT_MOST = 4096 };
        uint64_t n_blocks =
                        fs->f_type == EXT4_SUPER_MAGIC ? (uint64_t) fs->f_blocks / KEPT_SHARE : 0;
        return n_blocks < KEPT_MOST ? n_blocks : KEPT_MOST;
}

static FreeSpace space_of(const struct statfs *fs, const struct stat *st) {
        /* what is kept for root is for when all else is full, which is when a switch may be needed
         */
        uint64_t n_blocks = fs->f_bavail, n_kept = kept_blocks(fs);
        if (geteuid() == 0)
                n_blocks = fs->f_bfree > n_kept ? fs->f_bfree - n_kept : 0;
        return (FreeSpace){
                .device = st->st_dev,
                .is_read_only = fs->f_flags & ST_RDONLY,
                .copies_up = fs->f_type == OVERLAYFS_SUPER_MAGIC,
                .has_links = fs->f_type != MSDOS_SUPER_MAGIC,
                .block_bytes = (uint32_t) fs->f_bsize,
                /* some have no size, and some make inodes as they go */
                .n_bytes = fs->f_blocks > 0 ? n_blocks * (uint64_t) fs->f_bsize : UINT64_MAX,
                .n_inodes = fs->f_files > 0 ? fs->f_ffree : UINT64_MAX,
        };
}

int free_space_at(int root_fd, const char *path, FreeSpace *ret_space, Error *reterr) {
        cleanup_fd int fd = open_nearest(root_fd, path);
        struct statfs fs;
        struct stat st;
        if (fd < 0)
                return error_set_errno(reterr, fd, "/%s", path);
        if (fstatfs(fd, &fs) < 0 || fstat(fd, &st) < 0)
                return error_set_errno(reterr, -errno, "/%s", path);
        *ret_space = space_of(&fs, &st);
        return 0;
}
